// Package deliveryview shows one delivery, as text and as a JSON record, for the commands
// listen and log and for the inspector.
package deliveryview

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
)

// Options say how deliveries are shown.
type Options struct {
	Format  string       // one of Formats; empty: by what stdout is
	Full    bool         // headers, all fields and the whole transcript, too
	Whole   bool         // all of long values, too
	Shown   Chosen       // which are shown
	Path    string       // where deliveries are accepted; for refused ones
	MaxBody cli.ByteSize // the largest body; for refused ones
}

// Printer shows deliveries in the form that --format asks for. It is used
// by one goroutine at a time.
type Printer struct {
	a         *cli.App
	opts      Options
	validator *validate.Validator
	out       *bufio.Writer // until flush
	records   *report.Records
	show      func(*Shown) error
	block     bool        // the delivery before took several lines
	recent    []time.Time // when the last many were received
	compacted bool        // it was said that lines are compact
	zones     map[string]*time.Location
	words     []string // of a line; kept for the next
}

// zone remembers what it looked up: each look-up reads a file.
func (p *Printer) zone(name string) *time.Location {
	loc, known := p.zones[name]
	if known || name == "" || name == "Local" {
		return loc
	}
	if loc, err := time.LoadLocation(name); err == nil {
		p.zones[name] = loc
		return loc
	}
	return nil
}

// NewPrinter returns a printer to a's stdout.
func NewPrinter(a *cli.App, opts Options) (*Printer, error) {
	v, err := validate.New(validate.Options{})
	if err != nil {
		return nil, err
	}
	out := bufio.NewWriterSize(a.Out, 64<<10)
	p := &Printer{a: a, opts: opts, validator: v, out: out, records: report.NewRecords(out, "listen"), zones: map[string]*time.Location{}}
	format := opts.Format
	if format == "" {
		format = "summary"
		if a.Out.IsTTY() {
			format = "pretty"
		}
	}
	p.show = map[string]func(*Shown) error{
		"pretty": p.pretty, "summary": p.line, "json": p.record, "raw": p.raw,
	}[format]
	return p, nil
}

// Delivery looks at d, shows it, unless --filter hides it, and returns what it
// saw. Earlier is nil unless d is a copy of what came in an earlier session.
func (p *Printer) Delivery(d *receive.Delivery, earlier *Earlier) *Shown {
	s := p.received(d, earlier)
	if s.Hidden = !p.opts.Shown.Matches(s); !s.Hidden {
		// A stream that cannot be written to keeps its error, and ends the command.
		_ = p.show(s)
	}
	return s
}

// Write shows s, whatever --filter says.
func (p *Printer) Write(s *Shown) { _ = p.show(s) } // the stream keeps its error

// Flush writes what is shown to where it is read.
func (p *Printer) Flush() { _ = p.out.Flush() } // the stream keeps its error

// raw writes the exact body. On a terminal it is escaped.
func (p *Printer) raw(s *Shown) error {
	if s.Refusal != "" {
		return nil
	}
	body := s.Body
	if p.a.Out.IsTTY() {
		body = []byte(safetext.Text(string(body)))
	}
	_, err := p.out.Write(append(slices.Clip(body), '\n'))
	return err
}

// Heading shows a line before a delivery.
func (p *Printer) Heading(line string) {
	_, _ = p.out.WriteString(line + "\n") // the stream keeps its error
}

// End ends what is on stdout: of the forms of --format only json has a last
// record, sum. It reports whether that was written.
func (p *Printer) End(sum any) (written bool, err error) {
	defer p.Flush()
	if p.opts.Format != "json" {
		return false, nil
	}
	return true, p.records.Write("summary", sum)
}

// line is one plain line a delivery: for logs, and for grep.
func (p *Printer) line(s *Shown) error {
	_, colour := MarkOf(s.Verdict(), p.a.Style)
	words := append(p.words[:0],
		s.Received.Local().Format(time.TimeOnly), colour(terminal.Pad(s.Verdict(), len("warning"))), s.StatusText(),
		terminal.OrDash(safetext.Line(s.Method)), terminal.OrDash(safetext.Line(s.URI)), terminal.OrDash(safetext.Line(s.CallID)),
		`"`+safetext.Line(s.ResultType)+`"`,
		s.DurationText(), units.Size(s.Size), units.Time(s.Result().Took),
	)
	p.words = words
	if s.Refusal != "" {
		words = append(words, "("+p.why(s.Delivery)+")")
	}
	if differs := p.duplicate(s); differs != "" {
		words = append(words, p.a.Style.Warn("DUP "+strconv.Itoa(s.Copy)+"/…")+differs)
	}
	if fault := safetext.Line(s.Result().Fault); fault != "" {
		words = append(words, p.a.Style.Warn("fault: "+fault))
	}
	if f := s.Result().Forward; f != nil && f.Err != "" {
		words = append(words, "forwarding failed: "+safetext.Line(f.Err))
	} else if f != nil && f.Status/100 != 2 {
		if answerText := AnswerText(p.a, f.Answer, 200); answerText != "" {
			words = append(words, "the endpoint said: "+answerText)
		}
	}
	if issues := validate.Fold(s.Issues); len(issues) > 0 {
		n, i := len(issues), worst(issues)
		text := fmt.Sprintf("%s[%s] %s", i.Severity, i.Rule, terminal.Join(": ", safetext.Line(i.Pointer), safetext.Line(i.Message)))
		if n > 1 {
			text += fmt.Sprintf(" (and %d more)", n-1)
		}
		words = append(words, text)
	}
	for i, word := range words {
		if i > 0 {
			_ = p.out.WriteByte(' ') // an error stays until the next call
		}
		_, _ = p.out.WriteString(word)
	}
	return p.out.WriteByte('\n')
}

// AnswerText returns the beginning of an answer's body as one line, in so many columns.
func AnswerText(a *cli.App, answer *journal.Answer, most int) string {
	if answer == nil {
		return ""
	}
	text, ok := answer.Text()
	if !ok {
		return terminal.Fit(fmt.Sprintf("%s that are no text", units.Size(answer.Size)), most)
	}
	return terminal.Fit(safetext.Line(strings.Join(strings.Fields(a.Hide(text[:min(len(text), 4*most)])), " ")), most)
}

// StatusText is what was answered, in three columns.
func (s *Shown) StatusText() string {
	status := s.Result().Status
	if status == 0 {
		return " - "
	}
	return strconv.Itoa(status)
}

// Worst returns the most important issue.
func (s *Shown) Worst() validate.Issue { return worst(s.Issues) }

func worst(issues []validate.Issue) validate.Issue {
	return slices.MinFunc(issues, func(a, b validate.Issue) int { return rank(a) - rank(b) })
}

// rank orders errors before warnings. Issues of the call id come first: without it a
// consumer cannot detect a duplicate.
func rank(i validate.Issue) int {
	switch {
	case i.Severity != validate.Error:
		return 2
	case i.Pointer == "/callId":
		return 0
	}
	return 1
}

// DurationText is how long the call took, in six columns at most; a dash when it
// is not known.
func (s *Shown) DurationText() string {
	if s.Seconds == nil {
		return "-"
	}
	return units.Seconds(*s.Seconds)
}

// why says what was refused in terms of the command line.
func (p *Printer) why(d *receive.Delivery) string {
	switch d.Refusal {
	case receive.WrongPath:
		return "deliveries are taken at " + safetext.Line(p.opts.Path)
	case receive.WrongMethod:
		return "a delivery is a POST"
	case receive.WrongHeader:
		return "without the header of --require-header"
	case receive.TooLarge:
		return "larger than --max-body " + p.opts.MaxBody.String()
	case receive.Incomplete:
		return "the body broke off"
	case receive.TooSlow:
		return "the body took too long"
	case receive.NotStored:
		return "could not be saved"
	case receive.NoRoom:
		return "no room to save it"
	case receive.Busy:
		return "too much was waiting to be shown"
	case receive.Malformed:
		return "no proper request: " + safetext.Line(d.Reason)
	}
	return safetext.Line(string(d.Refusal))
}

// duplicate says what differs from the first delivery of the call; empty for the
// first.
func (p *Printer) duplicate(s *Shown) string {
	if s.Copy < 2 {
		return ""
	}
	first, differs := "the first", ""
	if e := s.Earlier; e != nil {
		when := ""
		if !e.Received.IsZero() {
			at, now := e.Received.Local(), s.Received.Local()
			when = at.Format("15:04, ")
			if at.Format(time.DateOnly) != now.Format(time.DateOnly) {
				when = at.Format("2 Jan 15:04, ")
			}
		}
		first = "delivery " + strconv.FormatInt(e.ID, 10) + " (" + when + "an earlier session)"
	}
	switch s.Change.Kind {
	case copies.Same:
		differs = " same bytes as " + first
	case copies.Layout:
		differs = " same values as " + first + ", written differently"
	case copies.Unknown:
		differs = " differs from " + first
	case copies.Values:
		differs = " " + units.Count(len(s.Change.Fields)+s.Change.More, "value") + " changed since " + first
	}
	return differs
}

const (
	indent = "  "
	// pipeWidth is how long a line may be that is not shown on a terminal.
	pipeWidth = 1 << 16
)

// pretty is a head line with the important fields below it.
func (p *Printer) pretty(s *Shown) error {
	if p.busy(s) {
		return p.compact(s)
	}
	head, under := p.head(s)+"\n", p.fields(s)
	if p.block {
		head = "\n" + head
	}
	p.block = under != ""
	_, err := p.out.WriteString(head + under)
	return err
}

// many is how many deliveries within a second are more than can be read in full.
const many = 8

// busy reports whether deliveries come faster than they can be read, in the form that
// was not asked for by name.
func (p *Printer) busy(s *Shown) bool {
	p.recent = append(p.recent, s.Received)
	if len(p.recent) > many {
		p.recent = p.recent[1:]
	}
	return p.opts.Format == "" && !p.opts.Full && len(p.recent) == many && s.Received.Sub(p.recent[0]) < time.Second
}

// compact is one line a delivery: the head line, with what is special about it in
// place of the path.
func (p *Printer) compact(s *Shown) error {
	var notes []string
	if !p.compacted {
		p.compacted, p.block = true, true
		p.Heading(p.a.Style.Faint(fmt.Sprintf("more than %d a second: one line each (--full shows all of them)", many)))
	}
	if s.Copy > 1 {
		notes = append(notes, "duplicate #"+strconv.Itoa(s.Copy))
	}
	if s.Refusal != "" {
		notes = append(notes, p.why(s.Delivery))
	}
	if fault := safetext.Line(s.Result().Fault); fault != "" {
		notes = append(notes, "fault: "+fault)
	}
	if issues := validate.Fold(s.Issues); len(issues) > 0 {
		i := worst(issues)
		notes = append(notes, terminal.Join(" ", fmt.Sprintf("%s[%s]", i.Severity, i.Rule), safetext.Line(cmp.Or(i.Pointer, i.Message))))
	}
	_, err := p.out.WriteString(p.headWith(s, false, strings.Join(notes, ", ")) + "\n")
	return err
}

// head is the line of a delivery, with its method and path.
func (p *Printer) head(s *Shown) string {
	return p.headWith(s, true, safetext.Line(s.Method+" "+s.URI))
}

// headWith is the line of a delivery, with what is to stand at its end; sizes: and with
// its size and how long it took. Its first columns are aligned from one
// delivery to the next; what varies in width stands at the end.
func (p *Printer) headWith(s *Shown, sizes bool, last string) string {
	st := p.a.Style
	width := p.a.Out.Width()
	mark, colour := MarkOf(s.Verdict(), st)
	idWidth := 13
	if width >= 120 {
		idWidth = len("call.") + 36 // a UUID
	}
	if p.opts.Full && !p.a.Out.IsTTY() { // for grep and its like: whole
		idWidth = max(idWidth, terminal.Cells(safetext.Line(s.CallID)))
		width = pipeWidth
	}
	result := safetext.Line(s.ResultType)
	clock, status := s.Received.Local().Format(time.TimeOnly), s.StatusText()
	answered := st.Good
	if s.Result().Status/100 != 2 {
		answered = st.Bad
	}
	columns := []string{
		terminal.Pad(terminal.FitMiddle(terminal.OrDash(safetext.Line(s.CallID)), idWidth), idWidth),
		terminal.PadLeft(s.DurationText(), 6), terminal.PadLeft(units.Size(s.Size), 6), terminal.PadLeft(units.Time(s.Result().Took), 5),
	}
	line := colour(mark) + " " + clock + " " + answered(status) + "  " + st.Bold(columns[0]) + " " + columns[1]
	used := len("v ") + len(clock) + 1 + len(status) + 2 + idWidth + 1 + 6
	if sizes {
		line += "  " + st.Faint(columns[2]+"  "+columns[3])
		used += 2 + 6 + 2 + max(5, terminal.Cells(columns[3]))
	}
	if result != "" {
		result = terminal.Fit(result, max(8, width-used-2))
		line += "  " + result // a call that failed is delivered as well as any
		used += 2 + terminal.Cells(result)
	}
	if room := width - used - 2; room >= 6 && last != "" {
		line += "  " + st.Faint(terminal.Fit(last, room))
	}
	return line
}

// fields is what stands under the head line; empty for a delivery whose head
// says it all.
func (p *Printer) fields(s *Shown) string {
	f := newFieldWriter(p.a, p.opts.Full)
	f.whole, f.zones = p.opts.Whole, p.zone
	if f.full && !p.a.Out.IsTTY() {
		f.whole = true
	}
	if f.full && f.whole {
		f.longest = 0
	}
	if s.Refusal != "" {
		f.add("refused", p.why(s.Delivery))
	}
	if differs := p.duplicate(s); differs != "" {
		f.line(p.a.Style.Warn("duplicate #"+strconv.Itoa(s.Copy)+":") + differs)
		f.changes(s.Change)
	}
	if fault := safetext.Line(s.Result().Fault); fault != "" {
		f.line(f.st.Faint(terminal.Pad("fault", LabelWidth)) + f.st.Warn(fault))
	}
	if forward := s.Result().Forward; forward != nil {
		f.forwarded(forward)
		if f.full || forward.Status/100 != 2 {
			f.answer(p.a, forward.Answer)
		}
	}
	for i := range s.Attempts {
		f.attempt(p.a, i+1, &s.Attempts[i])
	}
	if f.full {
		f.header(safetext.MaskHeader(s.Header, p.a.Config.RedactHeader...))
	}
	doc, err := copies.Decode(s.Inflated)
	repeats := s.Copy > 1 && s.Change.Kind != copies.Unknown && s.Earlier == nil
	// What is wrong with the same values was said of the first.
	if !repeats || f.full || s.Change.Kind == copies.Values {
		f.issues(validate.Fold(s.Issues))
	}
	switch {
	case s.Refusal == "" && err != nil && len(s.Body) > 0:
		f.add("body", safetext.Line(string(s.Body[:min(len(s.Body), 300)])))
	case s.Refusal == "" && (!repeats || f.full):
		f.event(doc)
	}
	return f.b.String()
}

// Formats are the formats of stdout; the first is for the terminal.
var Formats = []string{"pretty", "summary", "json", "raw"}

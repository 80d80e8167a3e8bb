package main

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/validate"
)

// showOptions say how deliveries are shown.
type showOptions struct {
	format  string   // one of listenFormats; empty: by what stdout is
	full    bool     // headers, all fields and the whole transcript, too
	whole   bool     // all of long values, too
	shown   chosen   // which are shown
	path    string   // where deliveries are taken; for what was refused
	maxBody byteSize // the largest body; for what was refused
}

// listenPrinter shows deliveries in the form that --format asks for. It is used
// by one goroutine at a time.
type listenPrinter struct {
	a         *app
	opts      showOptions
	validator *validate.Validator
	out       *bufio.Writer // until flush
	records   *report.Records
	show      func(*shownDelivery) error
	block     bool // the delivery before took several lines
	zones     map[string]*time.Location
	words     []string // of a line; kept for the next
}

// zone remembers what it looked up: each look-up reads a file.
func (p *listenPrinter) zone(name string) *time.Location {
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

func newListenPrinter(a *app, opts showOptions) (*listenPrinter, error) {
	v, err := validate.New(validate.Options{})
	if err != nil {
		return nil, err
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	p := &listenPrinter{a: a, opts: opts, validator: v, out: out, records: report.NewRecords(out, "listen"), zones: map[string]*time.Location{}}
	format := opts.format
	if format == "" {
		format = "summary"
		if a.out.isTTY() {
			format = "pretty"
		}
	}
	p.show = map[string]func(*shownDelivery) error{
		"pretty": p.pretty, "summary": p.line, "json": p.record, "raw": p.raw,
	}[format]
	return p, nil
}

// delivery looks at d, shows it, unless --filter hides it, and returns what it
// saw.
func (p *listenPrinter) delivery(d *receive.Delivery) *shownDelivery {
	s := p.received(d)
	if s.hidden = !p.opts.shown.matches(s); !s.hidden {
		// A stream that cannot be written to keeps its error, and ends the command.
		_ = p.show(s)
	}
	return s
}

// write shows s, whatever --filter says.
func (p *listenPrinter) write(s *shownDelivery) { _ = p.show(s) } // the stream keeps its error

// flush writes what is shown to where it is read.
func (p *listenPrinter) flush() { _ = p.out.Flush() } // the stream keeps its error

// raw writes the exact body. A terminal gets it made safe: bytes that a
// stranger chose do not command it.
func (p *listenPrinter) raw(s *shownDelivery) error {
	if s.Refusal != "" {
		return nil
	}
	body := s.Body
	if p.a.out.isTTY() {
		body = []byte(safetext.Text(string(body)))
	}
	_, err := p.out.Write(append(slices.Clip(body), '\n'))
	return err
}

// heading shows a line before a delivery.
func (p *listenPrinter) heading(line string) {
	_, _ = p.out.WriteString(line + "\n") // the stream keeps its error
}

// end ends what is on stdout: of the forms of --format only json has a last
// record, sum. It reports whether that was written.
func (p *listenPrinter) end(sum any) (written bool, err error) {
	defer p.flush()
	if p.opts.format != "json" {
		return false, nil
	}
	return true, p.records.Write("summary", sum)
}

// listenSummary ends what is on stdout, and says on stderr what came.
func (a *app) listenSummary(p *listenPrinter, t *tally) error {
	if written, err := p.end(t); written {
		return err
	}
	s := a.errStyle
	parts := []string{s.bold(countOf(t.Deliveries, "delivery", "deliveries"))}
	for _, c := range []struct {
		n         int
		one, many string
		paint     paint
	}{
		{t.Calls, "call", "calls", s.bold},
		{t.Duplicates, "duplicate", "duplicates", s.warn},
		{t.Invalid, "invalid", "invalid", s.bad},
		{t.Faults, "failed on purpose", "failed on purpose", s.warn},
		{t.Deliveries - t.Acknowledged - t.Faults, "not acknowledged", "not acknowledged", s.bad},
		{t.Refused + int(t.Shed), "refused", "refused", s.bad},
		{t.Hidden, "hidden by --filter", "hidden by --filter", s.faint},
	} {
		if c.n == 0 {
			continue
		}
		parts = append(parts, c.paint(countOf(c.n, c.one, c.many)))
	}
	if a.err.isTTY() {
		a.note("") // Ctrl-C has left its mark on the line
	}
	a.note("%s in %s", strings.Join(parts, ", "), shortTime(time.Duration(t.ElapsedMS*float64(time.Millisecond))))
	return nil
}

// line is one plain line a delivery: for logs, and for grep.
func (p *listenPrinter) line(s *shownDelivery) error {
	_, colour := markOf(s.verdict(), p.a.style)
	words := append(p.words[:0],
		s.Received.Local().Format(time.TimeOnly), colour(pad(s.verdict(), len("warning"))), s.status(),
		orDash(safetext.Line(s.Method)), orDash(safetext.Line(s.URI)), orDash(safetext.Line(s.CallID)),
		`"`+safetext.Line(s.ResultType)+`"`,
		s.duration(), bytesText(s.Size), shortTime(s.Took),
	)
	p.words = words
	if s.Refusal != "" {
		words = append(words, "("+p.why(s.Delivery)+")")
	}
	if badge := p.badge(s); badge != "" {
		words = append(words, badge)
	}
	if fault := safetext.Line(s.fault()); fault != "" {
		words = append(words, p.a.style.warn("fault: "+fault))
	}
	if f := s.Forward; f != nil && f.Err != nil {
		words = append(words, "forwarding failed: "+safetext.Line(f.Err.Error()))
	}
	if n := len(s.issues); n > 0 {
		i := s.worst()
		text := fmt.Sprintf("%s[%s] %s", i.Severity, i.Rule, join(": ", safetext.Line(i.Pointer), safetext.Line(i.Message)))
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

// status is what was answered, in three columns.
func (s *shownDelivery) status() string {
	if s.Status == 0 {
		return " - "
	}
	return strconv.Itoa(s.Status)
}

// worst is the issue that counts most.
func (s *shownDelivery) worst() validate.Issue {
	return slices.MinFunc(s.issues, func(a, b validate.Issue) int { return rank(a) - rank(b) })
}

// rank puts errors before warnings, and before all else what is wrong with the
// call id: without it a consumer cannot tell a duplicate.
func rank(i validate.Issue) int {
	switch {
	case i.Severity != validate.Error:
		return 2
	case i.Pointer == "/callId":
		return 0
	}
	return 1
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (s *shownDelivery) duration() string {
	if s.Seconds == nil {
		return "-"
	}
	return callTime(*s.Seconds)
}

// why says what was refused in terms of the command line.
func (p *listenPrinter) why(d *receive.Delivery) string {
	switch d.Refusal {
	case receive.WrongPath:
		return "deliveries are taken at " + safetext.Line(p.opts.path)
	case receive.WrongMethod:
		return "a delivery is a POST"
	case receive.WrongHeader:
		return "without the header of --require-header"
	case receive.TooLarge:
		return "larger than --max-body " + p.opts.maxBody.String()
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

// badge says that this is a duplicate, and what differs; empty when it is none.
func (p *listenPrinter) badge(s *shownDelivery) string {
	if s.Copy < 2 {
		return ""
	}
	differs := ""
	switch s.Change.Kind {
	case receive.Same:
		differs = " same bytes as the first"
	case receive.Layout:
		differs = " same values as the first, written differently"
	case receive.Unknown:
		differs = " differs from the first"
	case receive.Values:
		differs = " " + count(len(s.Change.Fields)+s.Change.More, "value") + " changed since the first"
	}
	return p.a.style.warn("DUP "+strconv.Itoa(s.Copy)+"/…") + differs
}

// at returns the value below doc at a path of keys, nil when there is none.
func at(doc any, path ...string) any {
	for _, key := range path {
		object, _ := doc.(map[string]any)
		doc = object[key]
	}
	return doc
}

// text is a JSON value for a person, on one line.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return safetext.Line(v)
	}
	return safetext.Line(compactJSON(v))
}

const (
	labelWidth = 12 // of the fields under a head line
	indent     = "  "
)

// pretty is a head line and what a person looks for underneath.
func (p *listenPrinter) pretty(s *shownDelivery) error {
	head, under := p.head(s)+"\n", p.fields(s)
	if p.block {
		head = "\n" + head
	}
	p.block = under != ""
	_, err := p.out.WriteString(head + under)
	return err
}

// head is the line of a delivery. Its first columns are aligned from one
// delivery to the next; what varies in width stands at the end.
func (p *listenPrinter) head(s *shownDelivery) string {
	st := p.a.style
	width := p.a.out.width()
	mark, colour := markOf(s.verdict(), st)
	idWidth := 13
	if width >= 120 {
		idWidth = len("call.") + 36 // a UUID
	}
	result := safetext.Line(s.ResultType)
	clock, status := s.Received.Local().Format(time.TimeOnly), s.status()
	answered := st.good
	if s.Status/100 != 2 {
		answered = st.bad
	}
	columns := []string{
		pad(fitMiddle(orDash(safetext.Line(s.CallID)), idWidth), idWidth),
		padLeft(s.duration(), 6), padLeft(bytesText(s.Size), 6), padLeft(shortTime(s.Took), 5),
	}
	line := colour(mark) + " " + clock + " " + answered(status) + "  " + st.bold(columns[0]) + " " + columns[1] + "  " + st.faint(columns[2]+"  "+columns[3])
	used := len("v ") + len(clock) + 1 + len(status) + 2 + idWidth + 1 + 6 + 2 + 6 + 2 + max(5, cells(columns[3]))
	if result != "" {
		result = fit(result, max(8, width-used-2))
		line += "  " + colour(result)
		used += 2 + cells(result)
	}
	if room := width - used - 2; room >= 6 {
		line += "  " + st.faint(fit(safetext.Line(s.Method+" "+s.URI), room))
	}
	return line
}

// fields is what stands under the head line; empty for a delivery whose head
// says it all.
func (p *listenPrinter) fields(s *shownDelivery) string {
	f := p.a.fieldWriter(p.opts.full)
	f.whole, f.zones = p.opts.whole, p.zone
	if f.full && (f.whole || !p.a.out.isTTY()) {
		f.longest = 0
	}
	if s.Refusal != "" {
		f.add("refused", p.why(s.Delivery))
	}
	if badge := p.badge(s); badge != "" {
		f.line(badge)
		f.changes(s.Change)
	}
	if fault := safetext.Line(s.fault()); fault != "" {
		f.line(f.st.faint(pad("fault", labelWidth)) + f.st.warn(fault))
	}
	if s.Forward != nil {
		f.forwarded(s.Forward)
	}
	if f.full {
		f.header(safetext.MaskHeader(s.Header, p.a.cfg.RedactHeader...))
	}
	doc, err := receive.Decode(s.payload)
	repeats := s.Copy > 1 && s.Change.Kind != receive.Unknown
	switch {
	case s.Refusal == "" && err != nil && len(s.Body) > 0:
		f.add("body", safetext.Line(string(s.Body[:min(len(s.Body), 300)])))
	case s.Refusal == "" && (!repeats || f.full):
		f.event(doc)
	}
	// What is wrong with the same values was said of the first.
	if !repeats || f.full || s.Change.Kind == receive.Values {
		f.issues(s.issues)
	}
	return f.b.String()
}

// fieldWriter lays out the lines under a head line.
type fieldWriter struct {
	b       strings.Builder
	st      style
	width   int
	full    bool                             // all fields and all items, in as many lines as they take
	whole   bool                             // also of what changed, both values
	longest int                              // characters of a field that are shown; 0: all
	zones   func(name string) *time.Location // nil when there is no such zone
}

// longestField is how many characters of a field are shown to a person who did
// not ask for all of it.
const longestField = 4000

func (a *app) fieldWriter(full bool) *fieldWriter {
	// Longer lines are hard to read.
	return &fieldWriter{st: a.style, width: min(a.out.width(), 110), full: full, longest: longestField}
}

func (f *fieldWriter) line(s string) { f.b.WriteString(indent + s + "\n") }

// add writes a labelled value, if there is one. Without --full it has three
// lines at most. The value is safe already, and has no colour.
func (f *fieldWriter) add(label, value string) {
	if strings.TrimSpace(value) == "" {
		return
	}
	f.labelled(label, f.lines(value, max(20, f.width-len(indent)-labelWidth), 3))
}

// labelled writes lines that are laid out, and may be coloured.
func (f *fieldWriter) labelled(label string, lines []string) {
	for _, line := range hang(f.st.faint(pad(label, labelWidth)), lines) {
		f.line(line)
	}
}

// more says that there are more items than are shown.
func (f *fieldWriter) more(label string, n int) {
	f.labelled(label, []string{f.st.faint(fmt.Sprintf("… %d more", n))})
}

// lines wraps a value into so many lines at most, or, with --full, into all it
// takes. What is left out of a long one is counted in a line of its own.
func (f *fieldWriter) lines(value string, columns, most int) []string {
	if f.full {
		more := 0
		if f.longest > 0 {
			value, more = cutText(value, f.longest)
		}
		return f.andMore(wrap(value, columns), more)
	}
	// Nobody waits for the wrapping of what is not shown.
	begin, after := cutText(value, 4*columns*(most+1))
	lines := wrap(begin, columns)
	if len(lines) <= most && after == 0 {
		return lines
	}
	lines = lines[:min(most, len(lines))]
	last := &lines[len(lines)-1]
	*last, _, _ = split(*last, columns-1)
	more := utf8.RuneCountInString(value)
	for _, line := range lines {
		more -= utf8.RuneCountInString(line)
	}
	*last += "…"
	if more < f.longest { // a few lines more are nothing to count
		more = 0
	}
	return f.andMore(lines, more)
}

// andMore counts the characters that are left out, if there are any.
func (f *fieldWriter) andMore(lines []string, more int) []string {
	if more <= 0 {
		return lines
	}
	what := "characters"
	if more == 1 {
		what = "character"
	}
	return append(lines, f.st.faint(fmt.Sprintf("… %s more %s; --full shows all", grouped(int64(more)), what)))
}

// event writes what a person looks for in a payload, whatever its types.
func (f *fieldWriter) event(doc any) {
	field := func(path ...string) string { return text(at(doc, path...)) }
	f.add("contact", join(", ", field("name"), join(" ext. ", field("phoneNumber"), field("phoneNumberExt"))))
	f.add("call", join(", ", field("direction"), f.scheduled(field("scheduledAt"), field("timezone"))))
	f.add("rescheduled", field("rescheduledAt"))
	f.add("agent", join(", ", field("agentName"), field("agentId")))
	f.add("summary", field("callResult", "summary"))
	f.add("meeting", join(" to ", field("callResult", "followUpMeetingDetails", "startTime"), field("callResult", "followUpMeetingDetails", "endTime")))
	f.list("outcome", at(doc, "callResult", "outcomes"), func(v any) string {
		return join(": ", text(at(v, "name")), text(at(v, "reasoning")))
	})
	action := func(v any) string {
		return join(": ", join(" ", text(at(v, "actionKey")), text(at(v, "status"))), text(at(v, "description")))
	}
	f.list("agent did", at(doc, "callResult", "agentActions"), action)
	f.list("contact did", at(doc, "callResult", "humanActions"), action)
	f.pairs("extracted", at(doc, "callResult", "extractedVariables"))
	if f.full {
		f.pairs("input", at(doc, "customInputVariables"))
		f.add("from", field("fromPhoneNumber"))
		f.add("link", field("callUrl"))
		f.pairs("crm", at(doc, "crmSchedulingDetails"))
	}
	f.add("sequence", join(", ", field("sequence", "lifecycleStatus"), field("sequence", "sequenceId")))
	if transcript, ok := at(doc, "callResult", "transcription").(string); ok {
		f.transcript(transcript)
	}
}

// join joins what is not empty.
func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// scheduled is a timestamp in the contact's own time where both are known.
func (f *fieldWriter) scheduled(timestamp, zone string) string {
	t, err := time.Parse(time.RFC3339, timestamp)
	if err != nil {
		return join(" ", timestamp, zone)
	}
	const layout = "2 Jan 2006 15:04 "
	if loc := f.zones(zone); loc != nil {
		return t.In(loc).Format(layout) + zone
	}
	return t.UTC().Format(layout) + join(" for ", "UTC", zone)
}

// few is how many items of a list are shown without --full.
const few = 5

func (f *fieldWriter) list(label string, v any, show func(any) string) {
	items, _ := v.([]any)
	for i, item := range items {
		if i == few && !f.full {
			f.more(label, len(items)-few)
			return
		}
		shown := show(item)
		if shown == "" {
			shown = text(item)
		}
		f.add(label, shown)
		label = " "
	}
}

func (f *fieldWriter) pairs(label string, v any) {
	object, _ := v.(map[string]any)
	for i, key := range slices.Sorted(maps.Keys(object)) {
		if i == few && !f.full {
			f.more(label, len(object)-few)
			return
		}
		f.add(label, safetext.Line(key)+" = "+text(object[key]))
		label = " "
	}
}

func (f *fieldWriter) header(h http.Header) {
	label := "header"
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			f.add(label, safetext.Line(name)+": "+safetext.Line(value))
			label = " "
		}
	}
}

func (f *fieldWriter) forwarded(fw *receive.Forwarded) {
	label := f.st.faint(pad("forwarded", labelWidth))
	if fw.Err != nil {
		f.line(label + f.st.bad("failed: ") + fit(safetext.Line(fw.Err.Error()), f.width-len(indent)-labelWidth-8-20) + attempts(fw))
		return
	}
	colour := f.st.good
	if fw.Status/100 != 2 {
		colour = f.st.bad
	}
	f.line(label + colour(strings.TrimSpace(fmt.Sprint(fw.Status, " ", http.StatusText(fw.Status)))) + " in " + shortTime(fw.Took) + attempts(fw))
}

// attempts says how often a delivery was sent, if more than once.
func attempts(fw *receive.Forwarded) string {
	if fw.Attempts < 2 {
		return ""
	}
	return ", " + count(fw.Attempts, "attempt")
}

// changes is what differs from the first delivery of the call.
func (f *fieldWriter) changes(c receive.Change) {
	const most = 8
	room := max(20, f.width-len(indent)-4)
	for i, field := range c.Fields {
		if i == most && !f.full {
			c.More += len(c.Fields) - most
			break
		}
		f.value("", safetext.Line(orRoot(field.Pointer)), room, f.st.bold)
		old, now := safetext.Line(field.Old), safetext.Line(field.New)
		if skip := alike(old, now); skip > room/2 && !f.whole {
			// Or what differs would be cut off.
			old, now = "…"+old[skip-room/4:], "…"+now[skip-room/4:]
		}
		if old != "" {
			f.value("- ", old, room, f.st.bad)
		}
		if now != "" {
			f.value("+ ", now, room, f.st.good)
		}
	}
	if c.More > 0 {
		f.line(f.st.faint(fmt.Sprintf("  … %d more", c.More)))
	}
}

// changesText is what differs; whole: both values in as many lines as they
// take.
func (a *app) changesText(c receive.Change, whole bool) string {
	f := a.fieldWriter(true)
	f.whole = whole
	f.changes(c)
	return f.b.String()
}

// value writes one side of a change: in one line, unless the whole is asked for.
func (f *fieldWriter) value(sign, text string, room int, colour paint) {
	if !f.whole {
		f.line("  " + colour(sign+fit(text, room-len(sign))))
		return
	}
	for _, line := range hang(sign, wrap(text, room-len(sign))) {
		f.line("  " + colour(line))
	}
}

// alike is the length of the beginning that a and b share, in bytes; only as
// far as it is ASCII, so that either may be cut anywhere in it.
func alike(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] && a[n] < utf8.RuneSelf {
		n++
	}
	return n
}

func orRoot(pointer string) string {
	if pointer == "" {
		return "the whole payload"
	}
	return pointer
}

// issues is what is wrong with the payload, errors first. Places with the same
// fault share a line.
func (f *fieldWriter) issues(issues []validate.Issue) {
	issues = slices.Clone(issues)
	slices.SortStableFunc(issues, func(a, b validate.Issue) int { return rank(a) - rank(b) })
	const most = 8
	room := max(20, f.width-len(indent)-2)
	for shown := 0; len(issues) > 0; shown++ {
		if shown == most && !f.full {
			f.line(f.st.faint(fmt.Sprintf("… %d more", len(issues))))
			return
		}
		issue := issues[0]
		var places []string
		issues = slices.DeleteFunc(issues, func(i validate.Issue) bool {
			alike := i.Severity == issue.Severity && i.Rule == issue.Rule && i.Message == issue.Message && i.Hint == issue.Hint
			if alike && i.Pointer != "" {
				places = append(places, safetext.Line(i.Pointer))
			}
			return alike
		})
		f.issue(issue, join(": ", safetext.Line(issue.Message), strings.Join(places, ", ")), room)
	}
}

func (f *fieldWriter) issue(issue validate.Issue, what string, room int) {
	colour := f.st.bad
	if issue.Severity != validate.Error {
		colour = f.st.warn
	}
	label := fmt.Sprintf("%s[%s]", issue.Severity, issue.Rule)
	for i, line := range f.lines(label+" "+what, room, 4) {
		if rest, first := strings.CutPrefix(line, label); first && i == 0 {
			f.line(colour(label) + rest)
			continue
		}
		f.line("  " + line)
	}
	if issue.Hint != "" {
		for _, line := range f.lines("hint: "+safetext.Line(issue.Hint), room-2, 3) {
			f.line(f.st.faint("  " + line))
		}
	}
}

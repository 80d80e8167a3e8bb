package deliveryview

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
)

// at returns the value below doc at a path of keys, nil when there is none.
func at(doc any, path ...string) any {
	for _, key := range path {
		object, _ := doc.(map[string]any)
		doc = object[key]
	}
	return doc
}

// text returns a JSON value as text, on one line.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return safetext.Line(v)
	}
	return safetext.Line(cli.CompactJSON(v))
}

const LabelWidth = 12 // of the fields under a head line

// newFieldWriter lays out the lines under a head line.
type fieldWriter struct {
	b       strings.Builder
	st      terminal.Style
	width   int
	full    bool                             // all fields and all items, in as many lines as they take
	whole   bool                             // also of what changed, both values
	longest int                              // characters of a field that are shown; 0: all
	zones   func(name string) *time.Location // nil when there is no such zone
}

// longestField is how many characters of a field are shown without --full.
const longestField = 4000

func newFieldWriter(a *cli.App, full bool) *fieldWriter {
	// Longer lines are hard to read.
	return &fieldWriter{st: a.Style, width: min(a.Out.Width(), 110), full: full, longest: longestField}
}

func (f *fieldWriter) line(s string) { f.b.WriteString(indent + s + "\n") }

// add writes a labelled value, if there is one. Without --full it has three
// lines at most. The value is safe already, and has no colour.
func (f *fieldWriter) add(label, value string) {
	if strings.TrimSpace(value) == "" {
		return
	}
	f.labelled(label, f.lines(value, max(20, f.width-len(indent)-LabelWidth), 3))
}

// labelled writes lines that are laid out, and may be coloured.
func (f *fieldWriter) labelled(label string, lines []string) {
	for _, line := range terminal.Hang(f.st.Faint(terminal.Pad(label, LabelWidth)), lines) {
		f.line(line)
	}
}

// more says that there are more items than are shown.
func (f *fieldWriter) more(label string, n int) {
	f.labelled(label, []string{f.st.Faint(fmt.Sprintf("… %d more", n))})
}

// lines wraps a value into so many lines at most, or, with --full, into all it
// takes. What is left out of a long one is counted in a line of its own.
func (f *fieldWriter) lines(value string, columns, most int) []string {
	if f.full {
		more := 0
		if f.longest > 0 {
			value, more = terminal.CutText(value, f.longest)
		}
		return f.andMore(terminal.Wrap(value, columns), more)
	}
	// Do not wrap what is not shown.
	begin, after := terminal.CutText(value, 4*columns*(most+1))
	lines := terminal.Wrap(begin, columns)
	if len(lines) <= most && after == 0 {
		return lines
	}
	lines = lines[:min(most, len(lines))]
	last := &lines[len(lines)-1]
	*last, _, _ = terminal.Split(*last, columns-1)
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
	return append(lines, f.st.Faint(fmt.Sprintf("… %s more %s; --full shows all", units.Number(int64(more)), what)))
}

// event writes the important fields of a payload, of any types.
func (f *fieldWriter) event(doc any) {
	field := func(path ...string) string { return text(at(doc, path...)) }
	f.add("contact", terminal.Join(", ", field("name"), terminal.Join(" ext. ", field("phoneNumber"), field("phoneNumberExt"))))
	f.add("call", terminal.Join(", ", field("direction"), f.scheduled(field("scheduledAt"), field("timezone"))))
	f.add("rescheduled", field("rescheduledAt"))
	f.add("agent", terminal.Join(", ", field("agentName"), field("agentId")))
	f.add("summary", field("callResult", "summary"))
	f.add("meeting", f.meeting(field("callResult", "followUpMeetingDetails", "startTime"), field("callResult", "followUpMeetingDetails", "endTime"), field("timezone")))
	f.list("outcome", at(doc, "callResult", "outcomes"), func(v any) string {
		return terminal.Join(": ", text(at(v, "name")), text(at(v, "reasoning")))
	})
	action := func(v any) string {
		return terminal.Join(": ", terminal.Join(" ", text(at(v, "actionKey")), text(at(v, "status"))), text(at(v, "description")))
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
	f.add("sequence", terminal.Join(", ", field("sequence", "lifecycleStatus"), field("sequence", "sequenceId")))
	if transcript, ok := at(doc, "callResult", "transcription").(string); ok {
		f.transcript(transcript)
	}
}

// scheduled is a timestamp in the contact's own time where both are known.
func (f *fieldWriter) scheduled(timestamp, zone string) string {
	t, err := time.Parse(time.RFC3339, timestamp)
	if err != nil {
		return terminal.Join(" ", timestamp, zone)
	}
	const layout = "2 Jan 2006 15:04 "
	if loc := f.zones(zone); loc != nil {
		return t.In(loc).Format(layout) + zone
	}
	return t.UTC().Format(layout) + terminal.Join(" for ", "UTC", zone)
}

// meeting is from when to when, in the contact's own time where it is known.
func (f *fieldWriter) meeting(from, to, zone string) string {
	start, err := time.Parse(time.RFC3339, from)
	end, err2 := time.Parse(time.RFC3339, to)
	if err != nil || err2 != nil {
		return terminal.Join(" to ", from, to)
	}
	loc := f.zones(zone)
	if loc == nil {
		loc, zone = time.UTC, "UTC"
	}
	const day = "Mon 2 Jan 2006"
	start, end = start.In(loc), end.In(loc)
	last := end.Format("15:04")
	if start.Format(day) != end.Format(day) {
		last = end.Format(day + " 15:04")
	}
	return start.Format(day+" 15:04") + " to " + last + " " + zone
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

func (f *fieldWriter) forwarded(fw *journal.Forward) {
	label := f.st.Faint(terminal.Pad("forwarded", LabelWidth))
	if fw.Err != "" {
		why := safetext.Line(fw.Err)
		if f.longest > 0 {
			why = terminal.Fit(why, f.width-len(indent)-LabelWidth-len("failed: ")-terminal.Cells(attempts(fw)))
		}
		f.line(label + f.st.Bad("failed: ") + why + attempts(fw))
		return
	}
	colour := f.st.Good
	if fw.Status/100 != 2 {
		colour = f.st.Bad
	}
	f.line(label + colour(strings.TrimSpace(fmt.Sprint(fw.Status, " ", http.StatusText(fw.Status)))) + " in " + units.Time(fw.Took) + attempts(fw))
}

// answer is what an endpoint answered beside its status.
func (f *fieldWriter) answer(a *cli.App, answer *journal.Answer) {
	if answer == nil {
		return
	}
	if f.full {
		label := "answer"
		header := safetext.MaskHeader(answer.Header, a.Config.RedactHeader...)
		for _, name := range slices.Sorted(maps.Keys(header)) {
			for _, value := range header[name] {
				f.add(label, safetext.Line(name)+": "+safetext.Line(a.Hide(value)))
				label = " "
			}
		}
	}
	text, ok := answer.Text()
	if !ok {
		text = fmt.Sprintf("%s that are no text", units.Size(answer.Size))
	}
	f.add("it said", safetext.Line(a.Hide(strings.TrimSpace(text))))
	if ok && answer.Size > int64(len(answer.Body)) {
		f.add(" ", fmt.Sprintf("… of %s the first %s were kept", units.Size(answer.Size), units.Size(int64(len(answer.Body)))))
	}
}

// attempt is one redelivery.
func (f *fieldWriter) attempt(a *cli.App, n int, t *journal.Attempt) {
	colour, came := f.st.Bad, "failed: "+safetext.Line(a.Hide(t.Err))
	if t.Err == "" {
		came = strings.TrimSpace(fmt.Sprint(t.Status, " ", http.StatusText(t.Status)))
	}
	if t.Acknowledged() {
		colour = f.st.Good
	}
	label := f.st.Faint(terminal.Pad(fmt.Sprint("attempt ", n+1), LabelWidth))
	f.line(label + t.At.In(a.Now().Location()).Format(time.DateTime) + " " + colour(came) + " in " + units.Time(t.Took) +
		f.st.Faint(" by "+safetext.Line(t.By)+" to "+safetext.Line(t.To)))
	if f.full || !t.Acknowledged() {
		f.answer(a, t.Answer)
	}
}

// attempts says how often a delivery was sent, if more than once.
func attempts(fw *journal.Forward) string {
	if fw.Attempts < 2 {
		return ""
	}
	return ", " + units.Count(fw.Attempts, "attempt")
}

// changes is what differs from the first delivery of the call.
func (f *fieldWriter) changes(c copies.Change) {
	const most = 8
	room := max(20, f.width-len(indent)-4)
	for i, field := range c.Fields {
		if i == most && !f.full {
			c.More += len(c.Fields) - most
			break
		}
		f.value("", safetext.Line(orRoot(field.Pointer)), room, f.st.Bold)
		old, now := safetext.Line(field.Old), safetext.Line(field.New)
		if skip := alike(old, now); skip > room/2 && !f.whole {
			// Or what differs would be cut off.
			old, now = "…"+old[skip-room/4:], "…"+now[skip-room/4:]
		}
		if old != "" {
			f.value("- ", old, room, f.st.Bad)
		}
		if now != "" {
			f.value("+ ", now, room, f.st.Good)
		}
	}
	if c.More > 0 {
		f.line(f.st.Faint(fmt.Sprintf("  … %d more", c.More)))
	}
}

// ChangesText is what differs; whole: both values in as many lines as they
// take.
func ChangesText(a *cli.App, c copies.Change, whole bool) string {
	f := newFieldWriter(a, true)
	f.whole = whole
	f.changes(c)
	return f.b.String()
}

// value writes one side of a change: in one line, unless the whole is asked for.
func (f *fieldWriter) value(sign, text string, room int, colour terminal.Paint) {
	if !f.whole {
		f.line("  " + colour(sign+terminal.Fit(text, room-len(sign))))
		return
	}
	for _, line := range terminal.Hang(sign, terminal.Wrap(text, room-len(sign))) {
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
			f.line(f.st.Faint(fmt.Sprintf("… %d more", len(issues))))
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
		f.issue(issue, terminal.Join(": ", safetext.Line(issue.Message), strings.Join(places, ", ")), room)
	}
}

func (f *fieldWriter) issue(issue validate.Issue, what string, room int) {
	colour := f.st.Bad
	if issue.Severity != validate.Error {
		colour = f.st.Warn
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
			f.line(f.st.Faint("  " + line))
		}
	}
}

package validate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// meaning is a rule on what two values say together, such as a link that is
// empty in a payload that tells of a recording. It is silent where one of them
// is missing or of a wrong type: other rules have said so.
type meaning struct {
	rule  string
	place string // pointer of the field that is judged
	given string // pointer of the field that it is held against; may be place
	// among are the values of given, a string, that the rule is about; nil: any.
	among []string
	wrong func(place, given []byte) bool
	want  string // in place of what is there
}

// Both fields of a meaning are fields of the payload, or of one item of a list.
const (
	atScheduled   = "/scheduledAt"
	atDuration    = "/duration"
	atCallURL     = "/callUrl"
	atRescheduled = "/rescheduledAt"
	atResult      = "/callResult/resultType"
	atAgentAction = "/callResult/agentActions/*"
	atHumanAction = "/callResult/humanActions/*"
	atMeeting     = "/callResult/followUpMeetingDetails"
	atLifecycle   = "/sequence/lifecycleStatus"
)

// meanings is every such rule.
func meanings() []meaning {
	results := func(are func(julian.Value[julian.ResultType]) bool) (names []string) {
		for _, r := range julian.ResultTypes() {
			if are(r) {
				names = append(names, string(r.Name))
			}
		}
		return names
	}
	unconnected := results(func(r julian.Value[julian.ResultType]) bool { return r.Connection == julian.NotConnected })
	passing := results(func(r julian.Value[julian.ResultType]) bool { return !r.Terminal })
	completed := []string{"completed"}
	return []meaning{
		{RuleVoicemailLink, atCallURL, atResult, []string{string(julian.Voicemail)}, isEmpty, "a link to the recording"},
		{RuleBusyLink, atCallURL, atResult, []string{string(julian.Busy)}, isFilled, "no link"},
		{RuleRescheduledTime, atRescheduled, atResult, []string{string(julian.Rescheduled)}, isNull, "the new time"},
		{RuleRescheduledOrder, atRescheduled, atScheduled, nil, isBefore, "a later time"},
		{RuleUnconnected, atDuration, atResult, unconnected, isPositive, "0"},
		{RuleCompletedTime, atAgentAction + "/completedAt", atAgentAction + "/status", completed, isEmpty, "a time"},
		{RuleCompletedTime, atHumanAction + "/completedAt", atHumanAction + "/status", completed, isEmpty, "a time"},
		{RuleMeetingOrder, atMeeting + "/endTime", atMeeting + "/startTime", nil, isBefore, "a later time"},
		{RuleNonTerminal, atResult, atResult, passing, isThere, "a terminal result"},
		{RuleDone, atLifecycle, atResult, passing, isDone, "another status"},
	}
}

// broken takes values as they stand in JSON, but that strings have no escapes.
// A value that is not there is empty.
func (m *meaning) broken(place, given []byte) bool {
	return len(place) > 0 && len(given) > 0 && (m.among == nil || indexOf(unquoted(given), m.among) >= 0) && m.wrong(place, given)
}

// message says what is at the place, and why that is odd.
func (m *meaning) message(place, given []byte) string {
	message := fmt.Sprintf("is %s, want %s", shownValue(place), m.want)
	if m.given != m.place {
		name := m.given[strings.LastIndexByte(m.given, '/')+1:]
		message += fmt.Sprintf(", since %s is %s", name, shownValue(given))
	}
	return message
}

func shownValue(value []byte) string {
	if value[0] == '"' {
		return quote(unquoted(value))
	}
	return shorten(value, 40)
}

// unquoted is the text of a string, and nil for any other value.
func unquoted(value []byte) []byte {
	if value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}

func isThere(_, _ []byte) bool      { return true }
func isEmpty(value, _ []byte) bool  { return string(value) == `""` }
func isFilled(value, _ []byte) bool { return string(value) != `""` }
func isNull(value, _ []byte) bool   { return string(value) == "null" }
func isDone(value, _ []byte) bool   { return string(unquoted(value)) == string(julian.SequenceDone) }

// isPositive looks at the digits alone: a number may have any size.
func isPositive(number, _ []byte) bool {
	if end := bytes.IndexAny(number, "eE"); end >= 0 {
		number = number[:end]
	}
	return number[0] != '-' && bytes.ContainsAny(number, "123456789")
}

// isBefore compares moments. What is none is not before another.
func isBefore(value, than []byte) bool {
	a, b := unquoted(value), unquoted(than)
	if !isDateTime(a) || !isDateTime(b) {
		return false
	}
	return moment(a).before(moment(b))
}

// instant is a moment of any precision.
type instant struct {
	seconds  int64
	decimals []byte // without zeros at the end
}

func (a instant) before(b instant) bool {
	if a.seconds != b.seconds {
		return a.seconds < b.seconds
	}
	return bytes.Compare(a.decimals, b.decimals) < 0
}

// moment reads what [isDateTime] takes. A leap second is the one after it.
func moment(b []byte) instant {
	minutes := 0 // ahead of UTC
	end := len(b) - 1
	if b[end]|0x20 != 'z' {
		end = len(b) - len("+00:00")
		if minutes = 60*digits(b, end+1, 2) + digits(b, end+4, 2); b[end] == '-' {
			minutes = -minutes
		}
	}
	at := time.Date(digits(b, 0, 4), time.Month(digits(b, 5, 2)), digits(b, 8, 2),
		digits(b, 11, 2), digits(b, 14, 2)-minutes, digits(b, 17, 2), 0, time.UTC)
	decimals := bytes.TrimPrefix(b[len("2006-01-02T15:04:05"):end], []byte("."))
	return instant{at.Unix(), bytes.TrimRight(decimals, "0")}
}

// held is a meaning that is looked at when the object that both fields stand
// in ends.
type held struct {
	asked                uint64 // bits of both slots
	about                uint64 // among as bits of given's enumeration; 0: it has none
	placeSlot, givenSlot int
	meaning
	severity Severity // the usual one
	path     []step   // from the object to the place
}

// slots is how many values a document is remembered by, at most. Slot 0 is for
// those that no rule asks for.
const slots = 16

// hold adds a meaning to the tree.
func (t *tree) hold(m meaning, usual Severity) {
	h := held{meaning: m, placeSlot: t.slot(m.place), givenSlot: t.slot(m.given), severity: usual}
	h.asked = 1<<h.placeSlot | 1<<h.givenSlot
	if enum := t.nodes[m.given].Enum; len(enum) <= 64 {
		for _, value := range m.among {
			if i := slices.Index(enum, value); i >= 0 {
				h.about |= 1 << i
			}
		}
	}
	scope := scopeOf(m.place)
	for name := range strings.SplitSeq(m.place[len(scope)+1:], "/") {
		h.path = append(h.path, step{key: []byte(name)})
	}
	n := t.nodes[scope]
	n.holds = append(n.holds, h)
	n.asked |= h.asked
}

// slot is where the value of a field is remembered.
func (t *tree) slot(pointer string) int {
	n := t.nodes[pointer]
	if n.slot == 0 {
		t.slots++
		n.slot = t.slots
		n.anyText = false // somebody reads it
	}
	return n.slot
}

// scopeOf is the item of a list that a field stands in, or else the payload.
func scopeOf(pointer string) string { return pointer[:strings.LastIndexByte(pointer, '*')+1] }

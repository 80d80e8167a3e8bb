package validate

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/julianctl/julianctl/pkg/julian"
)

// relation is a rule on what two values say together, such as a link that is
// empty in a payload of a voicemail. It finds nothing where one of them is
// missing or of a wrong type: other rules have said so.
type relation struct {
	rule  string
	place string // pointer of the field that is checked
	given string // pointer of the field that says what is right; may be place
	// among are the values of given, a string, that the rule is about; nil: any.
	among []string
	wrong func(place, given []byte) bool
	want  string // in place of what is there
}

// Both fields of a relation are fields of the payload, or of one item of a list.
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

// relations is every such rule.
func relations() []relation {
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
	return []relation{
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

// broken reports whether two values break the rule. They are as they stand in
// JSON, but that strings have no escapes. A value that is missing is empty.
func (r *relation) broken(place, given []byte) bool {
	return len(place) > 0 && len(given) > 0 && (r.among == nil || indexOf(unquoted(given), r.among) >= 0) && r.wrong(place, given)
}

// message says what is at the place, and why that is odd.
func (r *relation) message(place, given []byte) string {
	message := fmt.Sprintf("is %s, want %s", shownValue(place), r.want)
	if r.given != r.place {
		name := r.given[strings.LastIndexByte(r.given, '/')+1:]
		message += fmt.Sprintf(", since %s is %s", name, shownValue(given))
	}
	return message
}

func shownValue(value []byte) string {
	if value[0] == '"' {
		return jsonscan.Quote(unquoted(value))
	}
	return jsonscan.Shorten(value, 40)
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
	if !jsonschema.IsDateTime(a) || !jsonschema.IsDateTime(b) {
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

// moment reads what [jsonschema.IsDateTime] accepts. A leap second is the second
// after it.
func moment(b []byte) instant {
	minutes := 0 // ahead of UTC
	end := len(b) - 1
	if b[end]|0x20 != 'z' {
		end = len(b) - len("+00:00")
		if minutes = 60*jsonscan.Digits(b, end+1, 2) + jsonscan.Digits(b, end+4, 2); b[end] == '-' {
			minutes = -minutes
		}
	}
	at := time.Date(jsonscan.Digits(b, 0, 4), time.Month(jsonscan.Digits(b, 5, 2)), jsonscan.Digits(b, 8, 2),
		jsonscan.Digits(b, 11, 2), jsonscan.Digits(b, 14, 2)-minutes, jsonscan.Digits(b, 17, 2), 0, time.UTC)
	decimals := bytes.TrimPrefix(b[len("2006-01-02T15:04:05"):end], []byte("."))
	return instant{at.Unix(), bytes.TrimRight(decimals, "0")}
}

// indexOf is that of text in values, or -1.
func indexOf(text []byte, values []string) int {
	for i, v := range values {
		if string(text) == v {
			return i
		}
	}
	return -1
}

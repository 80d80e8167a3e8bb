package validate

import (
	"fmt"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/spelling"
)

// Rule is one thing that is checked.
type Rule struct {
	ID    string
	Title string // a few words
	// Severity is the usual one. A rule may take some cases less seriously;
	// Why says so.
	Severity Severity
	// Fixed rules are always errors.
	Fixed bool
	Why   string
	// Example breaks the rule. It is a piece of a payload.
	Example string
}

// The ids of the rules.
const (
	RuleEmpty          = "empty"
	RuleSyntax         = "syntax"
	RuleEncoding       = "encoding"
	RuleDepth          = "depth"
	RuleDuplicateKey   = "duplicate-key"
	RuleCaseVariantKey = "case-variant-key"
	RuleType           = "type"
	RuleRequired       = "required"
	RuleEnum           = "enum"
	RuleFormat         = "format"
	RuleIDPrefix       = "id-prefix"
	RuleUnknownField   = "unknown-field"
	RuleSchema         = "schema"

	RuleVoicemailLink    = "voicemail-without-link"
	RuleBusyLink         = "busy-with-link"
	RuleRescheduledTime  = "rescheduled-without-time"
	RuleRescheduledOrder = "rescheduled-before-scheduled"
	RuleUnconnected      = "duration-without-connection"
	RuleCompletedTime    = "completed-without-time"
	RuleMeetingOrder     = "meeting-ends-before-start"
	RuleNonTerminal      = "non-terminal-result"
	RuleDone             = "done-with-non-terminal-result"
)

// Rules is every rule, in the order in which a payload is looked at. It is
// read, never changed.
var Rules = []Rule{
	{RuleEmpty, "there is a payload", Error, true,
		"Nothing came: the file, folder or array holds no payload. In a pipeline that is a failed step before, not a success.",
		`[]`},
	{RuleSyntax, "the body is JSON", Error, true,
		"A body that is not JSON (RFC 8259) is refused by every decoder.",
		`{"duration": 46,}`},
	{RuleEncoding, "the text is UTF-8", Error, false,
		"JSON is exchanged in UTF-8 without a byte order mark (RFC 8259, section 8.1). Decoders refuse other bytes, or replace them without a word. Half of a surrogate pair written as an escape is a warning: the grammar allows it, but it stands for no character.",
		`{"name": "\ud83d"}`},
	{RuleDepth, "nesting is bounded", Error, true,
		fmt.Sprintf("More than %d arrays and objects inside one another are an attack on a decoder's stack, not a call.", jsonscan.MaxDepth),
		`[[[[…]]]]`},
	{RuleDuplicateKey, "keys are unique", Error, false,
		"Decoders differ on which of two equal keys they take: what is checked in one place may not be what is used in another.",
		`{"callId": "call.a", "callId": "call.b"}`},
	{RuleCaseVariantKey, "keys do not differ from documented ones by case alone", Warning, false,
		"Some decoders, Go's among them, match keys without regard to case, and take this key for the documented one.",
		`{"callid": "call.a"}`},
	{RuleType, "values have the documented JSON type", Error, false,
		"A value of another JSON type than the documented one fails in typed decoders.",
		`{"duration": "46"}`},
	{RuleRequired, "the documented fields are there", Error, false,
		"A consumer cannot work without callId (the idempotency key), agentId and callResult.resultType: each must be there and hold something. Another field that is in every documented payload but missing here is a warning.",
		`{"callId": ""}`},
	{RuleEnum, "values are among the documented ones", Error, false,
		"The documentation lists the possible values, in this spelling.",
		`{"direction": "Outbound"}`},
	{RuleFormat, "times, numbers, zones, links and addresses are written as such", Error, false,
		"Times are RFC 3339, phone numbers E.164, time zones names of the IANA database, links absolute URIs, hosts e-mail addresses.",
		`{"phoneNumber": "555-1234"}`},
	{RuleIDPrefix, "ids begin with their prefix", Warning, false,
		"Ids begin with what they are the id of. One without its prefix was probably cut, or belongs to something else.",
		`{"agentId": "abc123"}`},
	{RuleUnknownField, "fields are documented", Off, false,
		"The provider may add fields at any time, so one that is not documented is correct. Turn the rule on to find misspelt names in payloads made by hand.",
		`{"agentNmae": "Inbound Agent"}`},
	{RuleSchema, "the values fit your own schema", Error, false,
		"With --schema a payload is held against that schema, in place of the documented fields. Where it breaks what other rules are about as well, such as type and required, those say so; this one is for all other keywords, such as maxLength, pattern and oneOf.",
		`{"agentName": ""}`},

	// What fields say together. The guide forbids none of it formally.
	{RuleVoicemailLink, "a voicemail has a link", Warning, false,
		"The guide says of Voicemail that it has a recording, and callUrl is the one link to the call that a payload has. A consumer who follows it to the recording finds nothing here.",
		`{"callUrl": "", "callResult": {"resultType": "Voicemail"}}`},
	{RuleBusyLink, "a busy call has no link", Off, false,
		"The guide says of Busy that there is no recording. But callUrl is documented as the link to the call, not to its recording, so a busy call may well have one. Turn the rule on if your consumer takes callUrl for the recording.",
		`{"callUrl": "https://example.com/a", "callResult": {"resultType": "Busy"}}`},
	{RuleRescheduledTime, "a rescheduled call says to when", Warning, false,
		"The guide says of Rescheduled that the call was rescheduled to a different time; rescheduledAt is that time, and null only when the call was not rescheduled.",
		`{"rescheduledAt": null, "callResult": {"resultType": "Rescheduled"}}`},
	{RuleRescheduledOrder, "a call is not moved back in time", Warning, false,
		"Deliveries come after a call was due, so a new time before scheduledAt had passed already. A call that was brought forward may rightly look so: turn the rule off if yours do.",
		`{"scheduledAt": "2025-01-20T14:00:00.000Z", "rescheduledAt": "2025-01-19T14:00:00.000Z"}`},
	{RuleUnconnected, "only calls that connected have a duration", Warning, false,
		"The guide says that the line of a Busy call failed to connect, that an Invalid Phone Number is not in service, and that a Cancelled call was not executed: none of them can have lasted.",
		`{"duration": 46, "callResult": {"resultType": "Busy"}}`},
	{RuleCompletedTime, "a completed action says when", Warning, false,
		"An action has completedAt for when it was completed. One with the status completed and without that time contradicts itself.",
		`{"callResult": {"agentActions": [{"status": "completed", "completedAt": ""}]}}`},
	{RuleMeetingOrder, "a meeting ends after it starts", Warning, false,
		"A calendar refuses a meeting whose endTime is before its startTime, or shows it on the wrong day.",
		`{"callResult": {"followUpMeetingDetails": {"startTime": "2025-01-20T14:00:00.000Z", "endTime": "2025-01-20T13:30:00.000Z"}}}`},
	{RuleNonTerminal, "results are terminal", Off, false,
		"The guide says that a delivery comes after the call is completed and analysed, which Scheduled, Rescheduled, Processing Analysis and Calling are not. But it lists them among the values of a delivery, so a consumer must expect them. Turn the rule on to find calls of which more is to come.",
		`{"callResult": {"resultType": "Calling"}}`},
	{RuleDone, "a sequence is not done while its call is not", Off, false,
		"The guide says of done that the sequence has a call with a terminal outcome, or has completed all its steps. A call with a result that is not terminal is a step to be completed; but the terminal outcome may be that of another call. Turn the rule on to find sequences that look closed too early.",
		`{"callResult": {"resultType": "Calling"}, "sequence": {"lifecycleStatus": "done"}}`},
}

// RuleByID returns a rule. The error of an unknown id names the nearest.
func RuleByID(id string) (Rule, error) {
	ids := make([]string, len(Rules))
	for i, rule := range Rules {
		if rule.ID == id {
			return rule, nil
		}
		ids[i] = rule.ID
	}
	if near := spelling.Nearest(id, ids); near != "" {
		return Rule{}, fmt.Errorf("rule %q does not exist; did you mean %q?", id, near)
	}
	return Rule{}, fmt.Errorf("rule %q does not exist", id)
}

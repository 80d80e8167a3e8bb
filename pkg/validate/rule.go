package validate

import "fmt"

// Rule is one thing that is checked.
type Rule struct {
	ID    string
	Title string // a few words
	// Severity is the usual one. A rule may judge some cases less severely;
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
		fmt.Sprintf("More than %d arrays and objects inside one another are an attack on a decoder's stack, not a call.", maxDepth),
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
	if near := Nearest(id, ids); near != "" {
		return Rule{}, fmt.Errorf("rule %q does not exist; did you mean %q?", id, near)
	}
	return Rule{}, fmt.Errorf("rule %q does not exist", id)
}

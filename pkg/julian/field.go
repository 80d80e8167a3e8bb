package julian

// Kind is the JSON type of a field.
type Kind string

// The kinds that the payload uses.
const (
	String Kind = "string"
	Number Kind = "number"
	Object Kind = "object"
	Array  Kind = "array"
)

// Presence says how surely a field is there.
type Presence string

const (
	// Required marks the few fields that a consumer cannot work without.
	Required Presence = "required"
	// Always marks fields present in every documented example.
	Always Presence = "always"
	// Optional marks fields documented as conditional.
	Optional Presence = "optional"
)

// Format is what a string field holds.
type Format string

// The formats that the payload uses.
const (
	DateTime Format = "date-time" // RFC 3339
	E164     Format = "e164"      // +, then 2 to 15 digits, no leading zero
	Zone     Format = "timezone"  // a name of the IANA time zone database
	URI      Format = "uri"       // an absolute URI
	Email    Format = "email"
)

// Field is one documented place of the payload.
type Field struct {
	// Pointer is the JSON pointer of the place (RFC 6901), where * stands for
	// every item of an array: /callResult/outcomes/*/name.
	Pointer  string
	Kind     Kind
	Nullable bool // null is a correct value
	Presence Presence
	Format   Format // empty: any string
	// Empty says that "" is correct where Format asks for more.
	Empty  bool
	Prefix string   // of an id, such as "call."
	Enum   []string // the only correct values; nil: any
	// Free marks an object whose keys are the agent's or the CRM's own.
	Free bool
	Doc  string // one line, lower case
}

// Fields is the payload, field by field, in the order of the provider's
// sample; a parent comes before its children. It is read, never changed: the
// validator, the generator, the printers and the JSON Schema follow it.
//
// Source: the provider's webhook guide and API reference. The reference lists
// no field as formally required; see [Presence].
var Fields = []Field{
	{Pointer: "/agentId", Kind: String, Presence: Required, Prefix: "agent.", Doc: "id of the agent that made or took the call"},
	{Pointer: "/agentName", Kind: String, Presence: Always, Doc: "name of the agent"},
	{Pointer: "/callId", Kind: String, Presence: Required, Prefix: "call.", Doc: "id of the call; the idempotency key"},
	{Pointer: "/name", Kind: String, Presence: Always, Doc: "name of the contact"},
	{Pointer: "/phoneNumber", Kind: String, Presence: Always, Format: E164, Doc: "phone number of the contact"},
	{Pointer: "/phoneNumberExt", Kind: String, Presence: Always, Doc: "extension of the contact's number; empty when there is none"},
	{Pointer: "/fromPhoneNumber", Kind: String, Presence: Always, Format: E164, Empty: true, Doc: "number the call came from; empty for web calls"},
	{Pointer: "/scheduledAt", Kind: String, Presence: Always, Format: DateTime, Doc: "when the call was scheduled"},
	{Pointer: "/timezone", Kind: String, Presence: Always, Format: Zone, Doc: "time zone of the contact"},
	{Pointer: "/direction", Kind: String, Presence: Always, Enum: names(directions), Doc: "who called"},
	{Pointer: "/customInputVariables", Kind: Object, Presence: Always, Free: true, Doc: "variables given to the agent; keys are the agent's own"},
	{Pointer: "/duration", Kind: Number, Presence: Always, Doc: "length of the call in seconds"},
	{Pointer: "/callUrl", Kind: String, Presence: Always, Format: URI, Empty: true, Doc: "link to the call in the platform"},
	{Pointer: "/rescheduledAt", Kind: String, Nullable: true, Presence: Always, Format: DateTime, Doc: "when the call was moved to; null when it was not"},
	{Pointer: "/callResult", Kind: Object, Presence: Required, Doc: "what came of the call"},
	{Pointer: "/callResult/resultType", Kind: String, Presence: Required, Enum: names(resultTypes), Doc: "how the call ended"},
	{Pointer: "/callResult/summary", Kind: String, Presence: Always, Doc: "the call in a sentence or two"},
	{Pointer: "/callResult/extractedVariables", Kind: Object, Presence: Always, Free: true, Doc: "variables taken from the talk; keys are the agent's own"},
	{Pointer: "/callResult/agentActions", Kind: Array, Presence: Always, Doc: "what the agent did; may be empty"},
	{Pointer: "/callResult/agentActions/*", Kind: Object, Presence: Optional, Doc: "an action"},
	{Pointer: "/callResult/agentActions/*/description", Kind: String, Presence: Always, Doc: "the action in words"},
	{Pointer: "/callResult/agentActions/*/status", Kind: String, Presence: Always, Doc: "state of the action, such as completed"},
	{Pointer: "/callResult/agentActions/*/actionKey", Kind: String, Presence: Always, Doc: "kind of action, such as schedule_meeting"},
	{Pointer: "/callResult/agentActions/*/completedAt", Kind: String, Presence: Always, Doc: "when the action was completed; a plain string in the reference"},
	{Pointer: "/callResult/agentActions/*/metadata", Kind: Object, Presence: Always, Free: true, Doc: "details of the action"},
	{Pointer: "/callResult/humanActions", Kind: Array, Presence: Always, Doc: "what the contact asked for; may be empty"},
	{Pointer: "/callResult/humanActions/*", Kind: Object, Presence: Optional, Doc: "an action"},
	{Pointer: "/callResult/humanActions/*/description", Kind: String, Presence: Always, Doc: "the action in words"},
	{Pointer: "/callResult/humanActions/*/status", Kind: String, Presence: Always, Doc: "state of the action, such as completed"},
	{Pointer: "/callResult/humanActions/*/actionKey", Kind: String, Presence: Always, Doc: "kind of action, such as schedule_meeting"},
	{Pointer: "/callResult/humanActions/*/completedAt", Kind: String, Presence: Always, Doc: "when the action was completed; a plain string in the reference"},
	{Pointer: "/callResult/humanActions/*/metadata", Kind: Object, Presence: Always, Free: true, Doc: "details of the action"},
	{Pointer: "/callResult/transcription", Kind: String, Presence: Always, Doc: "the talk, turn by turn; may be long"},
	{Pointer: "/callResult/outcomes", Kind: Array, Presence: Always, Doc: "labels that the analysis gave; may be empty"},
	{Pointer: "/callResult/outcomes/*", Kind: Object, Presence: Optional, Doc: "an outcome"},
	{Pointer: "/callResult/outcomes/*/name", Kind: String, Presence: Always, Doc: "the label"},
	{Pointer: "/callResult/outcomes/*/reasoning", Kind: String, Presence: Always, Doc: "why it was given"},
	{Pointer: "/callResult/followUpMeetingDetails", Kind: Object, Nullable: true, Presence: Optional, Doc: "the meeting that was agreed on"},
	{Pointer: "/callResult/followUpMeetingDetails/startTime", Kind: String, Presence: Always, Format: DateTime, Doc: "start of the meeting"},
	{Pointer: "/callResult/followUpMeetingDetails/endTime", Kind: String, Presence: Always, Format: DateTime, Doc: "end of the meeting"},
	{Pointer: "/callResult/followUpMeetingDetails/hostEmail", Kind: String, Presence: Always, Format: Email, Doc: "e-mail address of the host"},
	{Pointer: "/crmSchedulingDetails", Kind: Object, Nullable: true, Presence: Optional, Free: true, Doc: "details of the CRM integration, when applicable"},
	{Pointer: "/sequence", Kind: Object, Nullable: true, Presence: Optional, Doc: "present when the call belongs to a sequence"},
	{Pointer: "/sequence/sequenceId", Kind: String, Presence: Always, Prefix: "call-sequence.", Doc: "id of the sequence"},
	{Pointer: "/sequence/lifecycleStatus", Kind: String, Presence: Always, Enum: names(lifecycleStatuses), Doc: "whether the contact is still enrolled"},
}

package validate

// Severity is how bad it is to break a rule.
type Severity string

// The severities. Only an Error makes a payload incorrect.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Off     Severity = "off" // not reported
)

// Issue is one place that breaks one rule.
type Issue struct {
	File   string `json:"file"`   // the document's Source
	Line   int    `json:"line"`   // 1-based
	Column int    `json:"column"` // 1-based, in characters (code points; an invalid byte is one)
	Offset int64  `json:"-"`      // in the source, 0-based, in bytes
	// Pointer is the place as a JSON pointer (RFC 6901); "" is the payload as
	// a whole. A missing field has the pointer it should have had, and the
	// line and column of the object that lacks it. Keys of over 100
	// characters are shortened.
	Pointer  string   `json:"pointer"`
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"` // Error or Warning
	Message  string   `json:"message"`  // one line, such as: is "abc", want a number
	Hint     string   `json:"hint"`     // what to do about it; may be empty
	// Excerpt is what stands at the place.
	Excerpt Excerpt `json:"-"`
}

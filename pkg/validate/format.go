package validate

import (
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/julianctl/julianctl/pkg/julian"
)

// formats is those of fields that are none of JSON Schema.
var formats = [...]jsonschema.Format{
	{Name: string(julian.E164), OK: isE164, Want: "a phone number such as +15551234567"},
	{Name: string(julian.Zone), OK: isZone, Want: "a time zone such as Europe/London"},
}

// Fits reports whether text has a format, and what the format wants.
func Fits(format julian.Format, text string) (want string, ok bool) {
	f := formatNamed(format)
	return f.Want, f.OK([]byte(text))
}

// formatNamed returns nil where any string will do.
func formatNamed(name julian.Format) *jsonschema.Format {
	for i := range formats {
		if formats[i].Name == string(name) {
			return &formats[i]
		}
	}
	return jsonschema.FormatNamed(string(name))
}

// isE164 wants a plus and 2 to 15 digits, the first not 0 (ITU-T E.164).
func isE164(b []byte) bool {
	if len(b) < 3 || len(b) > 16 || b[0] != '+' || b[1] == '0' {
		return false
	}
	// In two parts: 15 digits are more than an int of 32 bits holds.
	half := len(b) / 2
	return jsonscan.Digits(b, 1, half-1) >= 0 && jsonscan.Digits(b, half, len(b)-half) >= 0
}

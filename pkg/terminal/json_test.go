package terminal

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/julian"
)

// Without colour, the layout is that of the documented sample, which is laid
// out the same way.
func TestPrettyJSON(t *testing.T) {
	plain := NewStyle(nil, false)
	var compact bytes.Buffer
	if err := json.Compact(&compact, julian.Sample()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ in, want string }{
		{compact.String(), string(julian.Sample())},
		{`"a"`, "\"a\"\n"},
		{` [ ] `, "[]\n"},
		{`{"a":{},"b":[true,false,null,1]}`, "{\n  \"a\": {},\n  \"b\": [\n    true,\n    false,\n    null,\n    1\n  ]\n}\n"},
		{"[[[]]]", "[\n  [\n    []\n  ]\n]\n"},
		{strings.Repeat("[", 42) + "1" + strings.Repeat("]", 42), nested(42)},
	} {
		got, err := PrettyJSON([]byte(tt.in), plain)
		if err != nil || got != tt.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.in, err, got, tt.want)
		}
	}
}

func FuzzPrettyJSON(f *testing.F) {
	for _, seed := range []string{string(julian.Sample()), `{"\\":"\"","":[-1e5,{}]}`, "\"\u202e\"", `[[],""]`} {
		f.Add([]byte(seed))
	}
	plain := NewStyle(nil, false)
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return
		}
		pretty, err := PrettyJSON(text, plain)
		if err != nil {
			t.Fatal(err)
		}
		var before, after bytes.Buffer
		if json.Compact(&before, text) != nil || json.Compact(&after, []byte(pretty)) != nil {
			t.Fatalf("%q is no JSON", pretty)
		}
		var a, b any
		if json.Unmarshal(before.Bytes(), &a) != nil {
			return // a number that no float holds
		}
		if err := json.Unmarshal(after.Bytes(), &b); err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(a)
		if y, _ := json.Marshal(b); !bytes.Equal(x, y) {
			t.Errorf("%s became %s", x, y)
		}
	})
}

package copies

import (
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/julianctl/julianctl/pkg/jsonscan/jsonscantest"
)

func TestCompare(t *testing.T) {
	values := func(fields ...FieldChange) Change { return Change{Kind: Values, Fields: fields} }
	tests := []struct {
		first, second string
		want          Change
	}{
		{`{"a":1}`, `{"a":1}`, Change{Kind: Same}},
		{`no json`, `no json`, Change{Kind: Same}},
		{`{"a":1,"b":[1,2]}`, "{ \"b\": [1, 2],\n\"a\": 1 }", Change{Kind: Layout}},
		{`{"a":"é/"}`, `{"a":"\u00e9\/"}`, Change{Kind: Layout}},
		{`[1, 10, 0, 1.5e3, -2]`, `[1.0, 1e1, -0.00, 1500, -20E-1]`, Change{Kind: Layout}},
		{`{"a":1,"a":2}`, `{"a":2}`, Change{Kind: Layout}},
		{`{"a":1}`, `{"a":2}`, values(FieldChange{"/a", "1", "2"})},
		{`{"a":1}`, `{"a":"1"}`, values(FieldChange{"/a", "1", `"1"`})},
		{`{"a":null}`, `{}`, values(FieldChange{"/a", "null", ""})},
		{`{}`, `{"a":null}`, values(FieldChange{"/a", "", "null"})},
		{`{"a":null,"b":true,"c":[],"d":{}}`, `{"a":false,"b":null,"c":{},"d":[]}`, values(
			FieldChange{"/a", "null", "false"}, FieldChange{"/b", "true", "null"}, FieldChange{"/c", "[]", "{}"}, FieldChange{"/d", "{}", "[]"})},
		{`{"a/b":{"~":1},"":2}`, `{"a/b":{"~":2},"":3}`, values(FieldChange{"/", "2", "3"}, FieldChange{"/a~1b/~0", "1", "2"})},
		{`[1,2,3]`, `[1,3]`, values(FieldChange{"/1", "2", "3"}, FieldChange{"/2", "3", ""})},
		{`[1]`, `[1,{"x":"<&>"}]`, values(FieldChange{"/1", "", `{"x":"<&>"}`})},
		{`1`, `2`, values(FieldChange{"", "1", "2"})},
		{`{}`, `[]`, values(FieldChange{"", "{}", "[]"})},
		{`1e400`, `1e401`, values(FieldChange{"", "1e400", "1e401"})},
		{`1e99999999999`, `1e99999999998`, values(FieldChange{"", "1e99999999999", "1e99999999998"})},
		{`{"a":1}`, `{"a":1`, Change{Kind: Unknown}},
		{`{"a":1}`, `{"a":1}{}`, Change{Kind: Unknown}},
		{"{\"a\":\"\xff\"}", "{\"a\":\"\xfe\"}", Change{Kind: Unknown}},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, Compare([]byte(tt.first), []byte(tt.second))); d != "" {
			t.Errorf("%s and %s: %s", tt.first, tt.second, d)
		}
	}
}

func TestCompareListsSoManyFields(t *testing.T) {
	list := func(digit string) []byte { return []byte("[" + strings.Repeat(digit+",", 1234) + digit + "]") }
	got := Compare(list("1"), list("2"))
	if got.Kind != Values || len(got.Fields) != maxFields || got.More != 1235-maxFields {
		t.Errorf("%s, %d fields and %d more", got.Kind, len(got.Fields), got.More)
	}
}

func FuzzCompare(f *testing.F) {
	f.Add(`{"a":[1,{"b":2.50}],"c":"x"}`, `{"c":"x","a":[1.0,{"b":25e-1}]}`)
	f.Add(`[0,-0,1e3]`, `[0.0,0e9,1000]`)
	f.Fuzz(func(t *testing.T, a, b string) {
		there, back := Compare([]byte(a), []byte(b)), Compare([]byte(b), []byte(a))
		if there.Kind != back.Kind || len(there.Fields) != len(back.Fields) || there.More != back.More {
			t.Fatalf("%q: %+v, the other way round %+v", []string{a, b}, there, back)
		}
		for i, field := range there.Fields {
			if other := back.Fields[i]; field.Pointer != other.Pointer || field.Old != other.New || field.New != other.Old || field.Old == field.New {
				t.Fatalf("%q: %+v, the other way round %+v", []string{a, b}, field, other)
			}
		}
		if (there.Kind == Values) != (len(there.Fields) > 0) || (there.Kind == Same) != (a == b) {
			t.Fatalf("%q: %+v", []string{a, b}, there)
		}
	})
}

// Two spellings are one number exactly if math/big says so.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-0.0", "1", "1.0", "10e-1", "0.001", "1E+3", "1000", "120", "12e1", "-1.50"} {
		for _, u := range []string{"0e5", "1", "1e-3", "1000.00", "0.12e+3", "-15e-1"} {
			f.Add(s, u)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := rational(a), rational(b)
		if x == nil || y == nil {
			return
		}
		if want := x.Cmp(y) == 0; (number(a) == number(b)) != want {
			t.Fatalf("number(%q) = %q, number(%q) = %q, the same: %v", a, number(a), b, number(b), want)
		}
	})
}

func rational(s string) *big.Rat {
	if i := strings.IndexAny(s, "eE"); len(s) > 50 || i >= 0 && len(s)-i > 4 || !json.Valid([]byte(s)) || strings.Trim(s, "0123456789+-.eE") != "" {
		return nil
	}
	r, _ := new(big.Rat).SetString(s)
	return r
}

// Decode refuses what a JSON parser must refuse.
func TestDecodeRefusesWhatIsNoJSON(t *testing.T) {
	for _, file := range jsonscantest.Suite(t, "n_*.json", 180) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(data); !errors.Is(err, ErrNotJSON) {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}

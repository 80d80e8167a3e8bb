package validate_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

// The short way must take what is usual: were it to give up on that, all would
// still be right, but slow.
func TestShortWayIsTaken(t *testing.T) {
	v := newValidator(t, validate.Options{})
	sample := string(julian.Sample())
	var b bytes.Buffer
	if err := corpus(&b, 500, 3); err != nil {
		t.Fatal(err)
	}
	bodies := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	for _, form := range forms {
		bodies = append(bodies, form.lay(sample))
	}
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, `"variable %d": [{"x": -1.5e+3, "y": [true, false, null, "\ud83d\ude00\u00e9\n\"", 0, {}, []]}], `, i)
	}
	for _, e := range []edit{
		{`"metadata": {}`, `"metadata": {` + strings.TrimSuffix(many.String(), ", ") + `}`},
		{`"duration": 46`, `"new": {"callId": 1, "a": "b"}, "duration": 46.25`},
		{`"sequence": {`, `"sequence": null, "new": {`},
		{`"metadata": {}`, `"metadata": {"a": {"k": 1}, "k": [{"k": 2}, {"k": 3}]}`},
		{`"duration": 46`, `"new": ` + strings.Repeat(`[`, 127) + strings.Repeat(`]`, 127) + `, "duration": 46`},
		{`"duration": 46`, `"new": ` + strings.Repeat(`{"x":`, 127) + `0` + strings.Repeat(`}`, 127) + `, "duration": 46`},
		{`"Victor Wembly"`, `"\u005cViktor \"Ü\" \\ \/ \b\f\n\r\t"`},
		{`"+15559876543"`, `""`},
	} {
		bodies = append(bodies, strings.Replace(sample, e.old, e.new, 1))
	}
	first := `"agentName": "Inbound Agent",`
	bodies = append(bodies, strings.Replace(strings.Replace(sample, first, "", 1), `"direction"`, first+`"direction"`, 1)) // another order
	for _, body := range bodies {
		if !v.Passes([]byte(body)) {
			t.Errorf("a closer look is taken at %s\n%+v", body, v.Look(payload.Document{Body: []byte(body)}))
		}
	}
}

// What the long way has something to say of, the short way must not take.
func TestShortWayIsLeft(t *testing.T) {
	v := newValidator(t, validate.Options{})
	for _, e := range []edit{
		{`"duration": 46`, `"new": ` + strings.Repeat(`[`, 128) + strings.Repeat(`]`, 128) + `, "duration": 46`},
		{`"duration": 46`, `"new": ` + strings.Repeat(`{"x":`, 128) + `0` + strings.Repeat(`}`, 128) + `, "duration": 46`},
		{`"duration": 46`, `"duration": 46, "new": 1, "new": 1`},
		{`"duration": 46`, `"duration": 46, "Duration": 46`},
		{`"duration": 46`, `"duration": 46, "duration": 46`},
		{`"duration": 46`, `"length": 46`},
		{`"metadata": {}`, `"metadata": {"a": 1, "b": 2, "a": 3}`},
		{`Wembly`, `\udc00`},
		{`Wembly`, `\udc00\udc00`},
		{`Wembly`, `\ud83d`},
		{`Wembly`, `\ud83d\u0041`},
		{`Wembly`, "\xc3"},
		{`Wembly`, "\xed\xa0\x80"},
		{`"Europe/London"`, `"Europe/Rome "`},
	} {
		body := []byte(strings.Replace(string(julian.Sample()), e.old, e.new, 1))
		if issues := v.Look(payload.Document{Body: body}); issues == nil || v.Passes(body) {
			t.Errorf("%q: the short way says %t, the long way %+v", e.new, v.Passes(body), issues)
		}
	}
}

// The bits of the short way are those of a machine word.
func TestShape(t *testing.T) {
	if n := newValidator(t, validate.Options{}).Widest(); n > 64 {
		t.Errorf("an object has %d documented keys, more than a sprint can count", n)
	}
}

func FuzzShortWay(f *testing.F) {
	for _, body := range seeds() {
		f.Add(body)
	}
	plain := newValidator(f, validate.Options{})
	unknown := newValidator(f, validate.Options{Rules: map[string]validate.Severity{validate.RuleUnknownField: validate.Warning}})
	meanings := newValidator(f, everyMeaning())
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, v := range []*validate.Validator{plain, unknown, meanings} {
			if v.Passes(body) {
				if issues := v.Look(payload.Document{Body: body}); issues != nil {
					t.Errorf("the short way takes %q, which has issues: %+v", body, issues)
				}
			}
		}
	})
}

// What lies at a word's edge is seen: every byte at every place of a string.
func TestEveryByteInEveryPlace(t *testing.T) {
	v := newValidator(t, validate.Options{})
	sample := minified(string(julian.Sample()))
	before, after, _ := strings.Cut(sample, "Victor Wembly")
	for length := range 70 {
		for at := range length {
			for _, c := range []byte{0, '\t', '\n', 0x1f, ' ', '!', '"', '#', '[', '\\', ']', 0x7f, 0x80, 0xc3, 0xff} {
				name := bytes.Repeat([]byte("x"), length)
				name[at] = c
				body := append(append([]byte(before), name...), after...)
				want := v.Look(payload.Document{Body: body}) == nil
				if got := v.Passes(body); got != want {
					t.Fatalf("byte 0x%02x at %d of %d: the short way says %t, the long %t", c, at, length, got, want)
				}
			}
		}
	}
}

package validate_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

// The fast path must accept what is usual: if it gave up on that, all would
// still be right, but slow.
func TestFastPathIsTaken(t *testing.T) {
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
		if !v.FastAccepts([]byte(body)) {
			t.Errorf("the fast path leaves %s\n%+v", body, v.SlowIssues(payload.Document{Body: []byte(body)}))
		}
	}
}

// What has issues on the slow path, the fast path must not accept.
func TestFastPathIsLeft(t *testing.T) {
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
		if issues := v.SlowIssues(payload.Document{Body: body}); issues == nil || v.FastAccepts(body) {
			t.Errorf("%q: the fast path says %t, the slow path %+v", e.new, v.FastAccepts(body), issues)
		}
	}
}

// The bits of the fast path are those of a machine word.
func TestShape(t *testing.T) {
	if n := newValidator(t, validate.Options{}).Widest(); n > 64 {
		t.Errorf("an object has %d documented keys, more than the fast path can count", n)
	}
}

func FuzzFastPath(f *testing.F) {
	for _, body := range seeds() {
		f.Add(body)
	}
	plain := newValidator(f, validate.Options{})
	unknown := newValidator(f, validate.Options{Rules: map[string]validate.Severity{validate.RuleUnknownField: validate.Warning}})
	relations := newValidator(f, everyRelation())
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, v := range []*validate.Validator{plain, unknown, relations} {
			if v.FastAccepts(body) {
				if issues := v.SlowIssues(payload.Document{Body: body}); issues != nil {
					t.Errorf("the fast path accepts %q, which has issues: %+v", body, issues)
				}
			}
		}
	})
}

// What lies at a word's edge is seen: every byte at every place of a string,
// short or long.
func TestEveryByteInEveryPlace(t *testing.T) {
	v := newValidator(t, validate.Options{})
	sample := minified(string(julian.Sample()))
	before, after, _ := strings.Cut(sample, "Victor Wembly")
	for _, length := range slices.Concat(upTo(70), []int{127, 128, 129, 136, 159, 160, 161, 200}) {
		for at := range length {
			for _, c := range []byte{0, '\t', '\n', 0x1f, ' ', '!', '"', '#', '[', '\\', ']', 0x7f, 0x80, 0xc3, 0xff} {
				name := bytes.Repeat([]byte("x"), length)
				name[at] = c
				body := append(append([]byte(before), name...), after...)
				want := v.SlowIssues(payload.Document{Body: body}) == nil
				if got := v.FastAccepts(body); got != want {
					t.Fatalf("byte 0x%02x at %d of %d: the fast path says %t, the slow path %t", c, at, length, got, want)
				}
			}
		}
	}
}

func upTo(n int) (numbers []int) {
	for i := range n {
		numbers = append(numbers, i)
	}
	return numbers
}

// Escapes may stand anywhere, also around what ends a string.
func TestEscapesInEveryPlace(t *testing.T) {
	v := newValidator(t, validate.Options{})
	sample := minified(string(julian.Sample()))
	before, after, _ := strings.Cut(sample, "Victor Wembly")
	for _, escape := range []string{`\n`, `\"`, `\\`, `\\\"`, `\"\\`, `\u00e9`, `\ud83d\ude00`, `\x`, `\`, `\ud83d`, `\u00g0`, `\"\x1f`, "\\\"\n"} {
		for _, length := range []int{0, 1, 5, 7, 8, 30, 31, 32, 33, 126, 127, 128, 129, 200} {
			for _, behind := range []int{0, 1, 6, 7, 8, 40, 150} {
				body := []byte(before + strings.Repeat("x", length) + escape + strings.Repeat("y", behind) + after)
				want := v.SlowIssues(payload.Document{Body: body}) == nil
				if got := v.FastAccepts(body); got != want {
					t.Fatalf("%s behind %d of %d: the fast path says %t, the slow path %t", escape, length, behind, got, want)
				}
			}
		}
	}
}

// Fields may come in any order, and in another one each time.
func TestAnyOrder(t *testing.T) {
	v := newValidator(t, validate.Options{})
	fields := strings.Split(strings.TrimSuffix(strings.TrimPrefix(minified(strings.NewReplacer(
		`"prospect_name": "Victor",`, "", // no comma but between fields
	).Replace(string(julian.Sample()))), "{"), "}"), `,"`)
	var top []string // members of the payload
	depth := 0
	for _, field := range fields {
		if depth == 0 {
			top = append(top, strings.TrimPrefix(field, `"`))
		} else {
			top[len(top)-1] += `,"` + field
		}
		depth += strings.Count(field, "{") + strings.Count(field, "[") - strings.Count(field, "}") - strings.Count(field, "]")
	}
	r := rand.New(rand.NewPCG(1, 0))
	s := v.FastPath()
	for range 200 {
		r.Shuffle(len(top), func(i, j int) { top[i], top[j] = top[j], top[i] })
		body := `{"` + strings.Join(top, `,"`) + `}`
		if !s([]byte(body)) {
			t.Fatalf("the fast path leaves %s", body)
		}
		if twice := `{"` + strings.Join(append(top, top[0]), `,"`) + `}`; s([]byte(twice)) {
			t.Fatalf("a key stands twice in %s", twice)
		}
		if missing := `{"` + strings.Join(top[1:], `,"`) + `}`; !strings.HasPrefix(top[0], "sequence") && s([]byte(missing)) {
			t.Fatalf("%s is missing in %s", top[0], missing)
		}
	}
}

package redact

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/freetext"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/letters"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

var testKey = []byte("0123456789abcdef")

func redactor(t testing.TB) *Redactor {
	t.Helper()
	r, err := New(testKey, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var mark = regexp.MustCompile(`‹([^›]*)›`)

// spoken returns the calls of a file in testdata: for each, its sentences with
// the marks still in them.
func spoken(t *testing.T, file string) [][]string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	calls := [][]string{nil}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "##"):
			calls = append(calls, nil)
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "+"):
			calls = append(calls, []string{line[1:]})
		default:
			calls[len(calls)-1] = append(calls[len(calls)-1], line)
		}
	}
	return slices.DeleteFunc(calls, func(call []string) bool { return call == nil })
}

// Of 800 sentences, not one marked value is left: neither as a whole, nor a
// word or a number of it.
func TestMarkedSentences(t *testing.T) {
	sentences, values := 0, 0
	for _, call := range slices.Concat(spoken(t, "marked.txt"), spoken(t, "marked_more.txt")) {
		talk := mark.ReplaceAllString(strings.Join(call, "\n"), "$1")
		body, err := sjson.SetBytes(julian.Sample(), "callResult.transcription", talk)
		if err != nil {
			t.Fatal(err)
		}
		out, err := redactor(t).Payload(body)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(gjson.GetBytes(out, "callResult.transcription").Str, "\n")
		if len(lines) != len(call) {
			t.Fatalf("%d lines became %d", len(call), len(lines))
		}
		for i, sentence := range call {
			sentences++
			for _, match := range mark.FindAllStringSubmatch(sentence, -1) {
				values++
				if left := leftOf(match[1], lines[i]); left != "" {
					t.Errorf("%q is left of %q:\n%s\n%s", left, match[1], sentence, lines[i])
				}
			}
		}
	}
	if sentences < 800 {
		t.Errorf("only %d sentences", sentences)
	}
	t.Logf("%d values in %d sentences", values, sentences)
}

// leftOf returns what is left of value in a line: all of it, a word that is not
// common, two words beside one another, or digits.
func leftOf(value, line string) string {
	if strings.Contains(line, value) && len([]rune(value)) > 1 {
		return value
	}
	inLine, before := slices.Collect(letters.Words(letters.Fold(line))), ""
	for word := range letters.Words(letters.Fold(value)) {
		long := len([]rune(word)) >= 3 || !letters.HasCase(word) && len([]rune(word)) >= 2
		if !long || ordinary(word) || !slices.Contains(inLine, word) {
			before = ""
			continue
		}
		if before != "" || !freetext.Load().IsCommon(word) {
			return before + " " + word
		}
		before = word
	}
	for _, number := range regexp.MustCompile(`\d{3,}`).FindAllString(value, -1) {
		if strings.Contains(line, number) {
			return number
		}
	}
	return ""
}

// ordinary reports whether a word tells nothing by itself, such as a title, a
// number word or the word for a street.
func ordinary(word string) bool {
	l := freetext.Load()
	return l.IsOrdinary(word) || l.HasRule(word)
}

// What is correct stays correct, in bytes, types and the equality of calls; one
// key gives one result, another key another.
func TestPayloadsStayCorrect(t *testing.T) {
	v, err := validate.New(validate.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	other, err := New([]byte("another key, 16+"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	one, again := redactor(t), redactor(t)
	g := generate.New(4)
	ids := map[string]string{}
	for i := range 150 {
		body, err := g.Payload(g.Draw(generate.Spec{}))
		if err != nil {
			t.Fatal(err)
		}
		out, err := one.Payload(body)
		if err != nil {
			t.Fatal(err)
		}
		if issues := v.Issues(payload.Document{Body: out}); len(issues) > 0 {
			t.Fatalf("%d: %+v\n%s", i, issues, out)
		}
		if twice, err := again.Payload(body); err != nil || string(twice) != string(out) {
			t.Fatalf("%d: the same key gave\n%s and\n%s, %v", i, out, twice, err)
		}
		if else_, err := other.Payload(body); err != nil || gjson.GetBytes(else_, "callId").Str == gjson.GetBytes(out, "callId").Str {
			t.Fatalf("%d: another key gave the same, %v", i, err)
		}
		if diff := cmp.Diff(skeleton(body), skeleton(out)); diff != "" {
			t.Fatalf("%d: %s", i, diff)
		}
		was, is := gjson.GetBytes(body, "callId").Str, gjson.GetBytes(out, "callId").Str
		if before, taken := ids[is]; taken && before != was {
			t.Fatalf("%s and %s are both %s", before, was, is)
		}
		ids[is] = was
		for _, path := range []string{"name", "phoneNumber", "callId"} {
			if value := gjson.GetBytes(body, path).Str; value != "" && strings.Contains(string(out), `"`+value+`"`) {
				t.Fatalf("%d: %s is left:\n%s", i, value, out)
			}
		}
	}
}

// skeleton is a payload without its strings: keys, order, numbers, white space,
// and how many characters each string has.
func skeleton(body []byte) string {
	return regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).ReplaceAllStringFunc(string(body), func(s string) string {
		return fmt.Sprint("<", len([]rune(gjson.Parse(s).Str)), ">")
	})
}

func TestFields(t *testing.T) {
	body := []byte(`{"callId":"call.abc123","name":"Dr. Zoë O'Neill","phoneNumber":"+442079460958","phoneNumberExt":"12",
	"callUrl":"https://julian.11x.ai/calls/call.abc123","duration":123456,"agentId":"agent.x","timezone":"Europe/London",
	"customInputVariables":{"customer_name":"zoë","note":"Zoë wants 2 of them","when":"2025-01-20T14:00:00.000Z","mail":"zoe@oneill.example","account":1234567},
	"callResult":{"resultType":"Busy","transcription":"User: it's zoë, call +44 20 7946 0958","followUpMeetingDetails":{"hostEmail":"host.one@company.example","startTime":"2025-01-20T14:00:00.000Z"}},
	"crmSchedulingDetails":{"contactId":"0035g00000ABCdE"},"unknown":["Zoë O'Neill",null,true,1.5]}`)
	r := redactor(t)
	out, err := r.Payload(body)
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) string { return gjson.GetBytes(out, path).String() }
	for path, pattern := range map[string]string{
		"callId":                            `^call\.[a-z]{3}\d{3}$`,
		"name":                              `^Dr\. [A-Z][a-z]{2} [A-Z]'[A-Z][a-z]{4}$`,
		"phoneNumber":                       `^\+440\d{9}$`,
		"phoneNumberExt":                    `^\d\d$`,
		"duration":                          `^123456$`,
		"agentId":                           `^agent\.x$`,
		"timezone":                          `^Europe/London$`,
		"customInputVariables.when":         `^2025-01-20T14:00:00\.000Z$`,
		"customInputVariables.mail":         `^[a-z]{3}@[a-z]{9}\.test$`,
		"customInputVariables.account":      `^[1-9]\d{6}$`,
		"callResult.resultType":             `^Busy$`,
		"crmSchedulingDetails.contactId":    `^\d{4}[a-z]\d{5}[A-Z]{3}[a-z][A-Z]$`,
		"unknown.3":                         `^1\.5$`,
		"callResult.followUpMeetingDetails": `"startTime":"2025-01-20T14:00:00\.000Z"`,
	} {
		if !regexp.MustCompile(pattern).MatchString(get(path)) {
			t.Errorf("%s is %q, want %s", path, get(path), pattern)
		}
	}
	if strings.Contains(strings.ToLower(string(out)), "zo") && strings.Contains(strings.ToLower(string(out)), "zoë") {
		t.Errorf("a name is left:\n%s", out)
	}
	_, name, _ := strings.Cut(get("name"), " ")
	first, _, _ := strings.Cut(name, " ")
	if got := get("customInputVariables.note"); got != first+" wants 2 of them" {
		t.Errorf("note is %q, the name %q", got, name)
	}
	if got := get("customInputVariables.customer_name"); got != strings.ToLower(first) {
		t.Errorf("variable is %q, the name %q", got, name)
	}
	if got := get("unknown.0"); got != name {
		t.Errorf("unknown field is %q, the name %q", got, name)
	}
	if id := get("callId"); get("callUrl") != "https://julian.11x.ai/calls/"+id {
		t.Errorf("link %q is not of call %q", get("callUrl"), id)
	}
	// The number of the field and the one that was said are one.
	if got := strings.ReplaceAll(get("callResult.transcription"), " ", ""); !strings.HasSuffix(got, get("phoneNumber")) {
		t.Errorf("%q was said, the field is %q", got, get("phoneNumber"))
	}
}

func TestReport(t *testing.T) {
	r := redactor(t)
	if _, err := r.Payload([]byte(`{"name":"Ada Byron","callResult":{"transcription":"User: mail ada@byron.example","outcomes":[{"reasoning":"Ada said so"}]}}`)); err != nil {
		t.Fatal(err)
	}
	want := map[Place]int{
		{"/name", Name}: 2, {"/callResult/transcription", Email}: 1, {"/callResult/outcomes/*/reasoning", Name}: 1,
	}
	if diff := cmp.Diff(want, r.Report()); diff != "" {
		t.Error(diff)
	}
}

// Talk without personal data stays readable.
func TestLeavesTheRest(t *testing.T) {
	for _, talk := range []string{
		"Agent: Hello, this is Julian. Is now a good time?\nUser: Sure, but I only have five minutes.\nAgent: Would Thursday at 3 pm work for you, or rather Friday at 10:30?",
		"User: We have 12 people and pay about $1,200 a month. That was in 2024, I think.",
		"Agent: Guten Tag, hier ist Julian. Passt es Ihnen gerade?\nUser: Ja, aber nur kurz, ich habe gleich einen Termin im Büro. Am Montag wäre es besser.",
		"Agent: Bonjour, c'est Julian. Vous avez deux minutes ?\nUser: Oui, mais pas plus. Je préfère mardi.",
	} {
		body, err := sjson.SetBytes(julian.Sample(), "callResult.transcription", talk)
		if err != nil {
			t.Fatal(err)
		}
		out, err := redactor(t).Payload(body)
		if err != nil {
			t.Fatal(err)
		}
		was, is := strings.Fields(talk), strings.Fields(gjson.GetBytes(out, "callResult.transcription").Str)
		changed := []string{}
		for i := range was {
			if was[i] != is[i] {
				changed = append(changed, was[i])
			}
		}
		if len(changed) > 1 {
			t.Errorf("%q changed in %q", changed, talk)
		}
	}
}

func TestRefuses(t *testing.T) {
	if _, err := New(testKey[:15], Options{}); !errors.Is(err, ErrShortKey) {
		t.Errorf("%v", err)
	}
	for _, body := range []string{"", "[]", `"a"`, "{", `{"a":1}{`} {
		if out, err := redactor(t).Payload([]byte(body)); !errors.Is(err, ErrNotPayload) || out != nil {
			t.Errorf("%q: %q, %v", body, out, err)
		}
	}
}

func FuzzPayload(f *testing.F) {
	f.Add(julian.Sample())
	f.Add([]byte(`{"name":"\ud800","callResult":{"transcription":"\u0000 at a dot b 1.2.3 W-E-M"},"a":{"callId":1e400}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		out, err := redactor(t).Payload(body)
		if err != nil {
			return
		}
		if !gjson.ValidBytes(out) {
			t.Fatalf("%q became %q", body, out)
		}
	})
}

package validate_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
)

// The oracle is what others say of a body: encoding/json of the grammar,
// santhosh-tekuri/jsonschema of the embedded schema. Where the formats of that
// library are looser than their sources, the oracle has regular expressions.
type oracle struct{ schema *santhosh.Schema }

var uriPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:` +
	`(//(([A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?` +
	`(\[([^\]]*)\]|([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(:[0-9]*)?(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*` +
	`|([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*` +
	`|/(([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*)?|)` +
	`(\?([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?(#([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?$`)

var ipFuture = regexp.MustCompile(`^[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+$`)

func uriByPattern(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	m := uriPattern.FindStringSubmatch(s)
	if m == nil {
		return errors.New("no URI")
	}
	if !strings.HasPrefix(m[4], "[") || ipFuture.MatchString(m[5]) {
		return nil
	}
	if a, err := netip.ParseAddr(m[5]); err != nil || !a.Is6() || a.Zone() != "" {
		return errors.New("no address")
	}
	return nil
}

var printable = regexp.MustCompile(`^[ -~]+@[ -~]*$`)

func newOracle(t testing.TB) oracle {
	doc, err := santhosh.UnmarshalJSON(bytes.NewReader(julian.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := santhosh.NewCompiler()
	c.AssertFormat()
	c.RegisterFormat(&santhosh.Format{Name: "uri", Validate: uriByPattern})
	if err := c.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("s.json")
	if err != nil {
		t.Fatal(err)
	}
	return oracle{schema}
}

// correct says whether a body is, duplicate keys aside: of these both decoders
// take the last.
func (o oracle) correct(body []byte) bool {
	if !json.Valid(body) || !utf8.Valid(body) || deeper(body, 128) {
		return false
	}
	value, err := santhosh.UnmarshalJSON(bytes.NewReader(body))
	if err != nil || o.schema.Validate(value) != nil {
		return false
	}
	fields := value.(map[string]any) // the schema says so
	if zone, ok := fields["timezone"].(string); ok && len(zonesOfGo()) > 0 && !zonesOfGo()[zone] {
		return false // the schema has no list of them
	}
	result := fields["callResult"].(map[string]any)
	if meeting, ok := result["followUpMeetingDetails"].(map[string]any); ok {
		if mail, ok := meeting["hostEmail"].(string); ok && !printable.MatchString(mail) {
			return false // the library accepts control characters in quotes, and an empty local part
		}
	}
	return true
}

func deeper(body []byte, than int) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	for depth := 0; ; {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > than {
				return true
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// zonesOfGo is the names in the time zone archive of the Go installation.
var zonesOfGo = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return names
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return names
	}
	defer archive.Close()
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") {
			names[f.Name] = true
		}
	}
	return names
})

// zones.txt is what this Go's time package knows. A new release of the database
// makes this fail until the names are written again, one a line.
func TestZones(t *testing.T) {
	list, err := os.ReadFile("zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := zonesOfGo()
	if len(want) == 0 {
		t.Skip("this Go installation has no lib/time/zoneinfo.zip")
	}
	got := map[string]bool{}
	for name := range strings.FieldsSeq(string(list)) {
		got[name] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("zones.txt (-Go +file):\n%s", diff)
	}
}

// agree compares the verdict on one body with the oracle's.
func agree(t *testing.T, v *validate.Validator, o oracle, body []byte) {
	t.Helper()
	issues := v.Issues(payload.Document{Source: "f", Line: 1, Column: 1, Body: body})
	has := func(rule string) bool {
		return slices.ContainsFunc(issues, func(i validate.Issue) bool { return i.Rule == rule })
	}
	if has(validate.RuleDuplicateKey) {
		return
	}
	got := !slices.ContainsFunc(issues, func(i validate.Issue) bool { return i.Severity == validate.Error })
	if want := o.correct(body); got != want {
		t.Errorf("correct is %t, the oracle says %t\n%q\n%+v", got, want, body, issues)
	}
	if unreadable := has(validate.RuleSyntax) || has(validate.RuleEmpty); unreadable && acceptable(body) {
		t.Errorf("encoding/json reads what is refused\n%q\n%+v", body, issues)
	}
	last := int64(-1)
	for _, i := range issues {
		if i.Offset < last || i.Offset > int64(len(body)) || i.Line < 1 || i.Column < 1 {
			t.Errorf("issue out of order or place: %+v", i)
		}
		last = i.Offset
		checkExcerpt(t, body, i.Offset, i.Excerpt)
		before := body[:i.Offset]
		line := before[bytes.LastIndexByte(before, '\n')+1:]
		if i.Line != 1+bytes.Count(before, []byte("\n")) || i.Column != 1+utf8.RuneCount(line) {
			t.Errorf("issue at offset %d is said to be at %d:%d: %+v", i.Offset, i.Line, i.Column, i)
		}
	}
}

// seeds are payloads that are correct, and broken in every way that is tested.
func seeds() (bodies [][]byte) {
	sample := julian.Sample()
	bodies = append(bodies, sample, []byte(minified(string(sample))))
	for _, fault := range allFaults() {
		text := string(sample)
		for _, e := range fault.edits {
			text = strings.Replace(text, e.old, strings.Replace(e.new, "⌖", "", 1), 1)
		}
		bodies = append(bodies, []byte(text))
	}
	for _, s := range formatCases {
		quoted, _ := json.Marshal(s.in)
		bodies = append(bodies, fmtBody(s.format, quoted))
	}
	return bodies
}

// fmtBody is a correct payload but for the text in a field of the format.
func fmtBody(format julian.Format, quoted []byte) []byte {
	old := map[julian.Format]string{
		julian.DateTime: `"2025-09-25T08:20:48.760Z",`,
		julian.E164:     `"+15551234567"`,
		julian.Zone:     `"Europe/London"`,
		julian.URI:      `"https://julian.11x.ai/.../calls/call.abc123"`,
		julian.Email:    `"call-sequence.xyz123"`,
	}[format]
	body := string(julian.Sample())
	switch format {
	case julian.DateTime:
		quoted = append(quoted, ',')
	case julian.Email:
		body = strings.Replace(body, `"humanActions": []`, `"humanActions": [], "followUpMeetingDetails": {"startTime": "2025-09-25T08:20:48Z", "endTime": "2025-09-25T09:20:48Z", "hostEmail": "x"}`, 1)
		old = `"x"`
	}
	return []byte(strings.Replace(body, old, string(quoted), 1))
}

func TestAgreement(t *testing.T) {
	v, o := newValidator(t, validate.Options{}), newOracle(t)
	correct := 0
	for _, body := range seeds() {
		agree(t, v, o, body)
		if o.correct(body) {
			correct++
		}
	}
	if correct < 40 {
		t.Errorf("only %d of the bodies are correct: the other half is not tested", correct)
	}
}

// FuzzAgreement changes payloads anywhere.
func FuzzAgreement(f *testing.F) {
	for _, body := range seeds() {
		f.Add(body)
	}
	v, o := newValidator(f, validate.Options{}), newOracle(f)
	f.Fuzz(func(t *testing.T, body []byte) { agree(t, v, o, body) })
}

// FuzzFormat changes what a field with a format holds.
func FuzzFormat(f *testing.F) {
	order := []julian.Format{julian.DateTime, julian.E164, julian.Zone, julian.URI, julian.Email}
	for _, c := range formatCases {
		f.Add(slices.Index(order, c.format), c.in)
	}
	v, o := newValidator(f, validate.Options{}), newOracle(f)
	f.Fuzz(func(t *testing.T, n int, text string) {
		quoted, err := json.Marshal(text)
		if err != nil || n < 0 || n >= len(order) {
			return
		}
		agree(t, v, o, fmtBody(order[n], quoted))
	})
}

// FuzzOptions: no body and no option brings a validator down, and options never
// change which rules are broken but for turning them off.
func FuzzOptions(f *testing.F) {
	for _, body := range seeds() {
		f.Add(body)
	}
	plain := newValidator(f, validate.Options{Rules: map[string]validate.Severity{validate.RuleUnknownField: validate.Warning}})
	strict := newValidator(f, validate.Options{Strict: true, Rules: map[string]validate.Severity{validate.RuleUnknownField: validate.Error}})
	f.Fuzz(func(t *testing.T, body []byte) {
		a, b := plain.Issues(payload.Document{Body: body}), strict.Issues(payload.Document{Body: body})
		if len(a) > 99 {
			return // rules are cut off at 100, of each severity
		}
		for i := range a {
			a[i].Severity = validate.Error
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("strict changes more than severities:\n%s", diff)
		}
	})
}

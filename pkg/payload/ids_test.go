package payload

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
)

// Ids change, every other byte stays.
func TestNewIDs(t *testing.T) {
	const a, b = `"call.NEW"`, `"call-sequence.NEW"`
	fresh := regexp.MustCompile(`"(call|call-sequence)\.[a-z2-7]{24}"`)
	tests := []struct{ in, want string }{
		{`{"callId":"call.1"}`, `{"callId":` + a + `}`},
		{" \n{ \"a\" : 1.50e1 ,\"callId\" :\t\"call.1\" , \"x\":\"\\ud83d\\ude00\"}\n ", " \n{ \"a\" : 1.50e1 ,\"callId\" :\t" + a + " , \"x\":\"\\ud83d\\ude00\"}\n "},
		{`{"sequence":{"lifecycleStatus":"done", "sequenceId": "call-sequence.1"},"callId":"é\u0041"}`, `{"sequence":{"lifecycleStatus":"done", "sequenceId": ` + b + `},"callId":` + a + `}`},
		{`{"callId":"one","callId":"two","c\u0061llId":"three"}`, `{"callId":` + a + `,"callId":` + a + `,"c\u0061llId":` + a + `}`},
		{`{"callId":null,"sequence":null}`, ""},
		{`{"callId":7,"sequence":"sequenceId"}`, ""},
		{`{"callResult":{"callId":"not this"},"sequenceId":"nor this"}`, ""},
		{`[{"callId":"call.1"}]`, ""},
		{`{"callId":"call.1"`, ""},
		{`"callId"`, ""},
		{``, ""},
	}
	for _, tt := range tests {
		if tt.want == "" {
			tt.want = tt.in
		}
		got := string(NewIDs([]byte(tt.in), 1, 0))
		if d := cmp.Diff(tt.want, fresh.ReplaceAllString(got, `"$1.NEW"`)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.in, d)
		}
	}
}

// Equal ids stay equal, others differ; seed and round make others.
func TestNewIDsRelate(t *testing.T) {
	one, two := []byte(`{"callId":"call.1"}`), []byte(`{"callId":"call.2"}`)
	id := func(body []byte, seed uint64, round int) string {
		return gjson.GetBytes(NewIDs(body, seed, round), "callId").String()
	}
	if id(one, 1, 0) != id([]byte(` {"x":1,"callId":"call.1"}`), 1, 0) {
		t.Error("two payloads of one call got two ids")
	}
	seen := map[string]bool{"call.1": true, "call.2": true}
	for _, got := range []string{id(one, 1, 0), id(two, 1, 0), id(one, 2, 0), id(one, 1, 1)} {
		if seen[got] {
			t.Errorf("%s came before", got)
		}
		seen[got] = true
	}
}

func FuzzNewIDs(f *testing.F) {
	f.Add([]byte(`{"callId":"a","sequence":{"sequenceId":"b"}}`))
	f.Add([]byte("\t{\"sequence\":{\"sequenceId\":\"\"},\"callId\":\"\\u0000\",\"callId\":\"\"} "))
	f.Add(julian.Sample())
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		got := NewIDs(body, 1, 0)
		if !bytes.Equal(before, body) {
			t.Fatal("changed what it was given")
		}
		if json.Valid(body) != json.Valid(got) {
			t.Fatalf("%q became %q", body, got)
		}
		var was, is map[string]any
		if json.Unmarshal(body, &was) != nil {
			if !bytes.Equal(body, got) {
				t.Fatalf("%q is no object and became %q", body, got)
			}
			return
		}
		if err := json.Unmarshal(got, &is); err != nil {
			t.Fatal(err)
		}
		for _, m := range []map[string]any{was, is} {
			mask(m, "callId")
			if s, ok := m["sequence"].(map[string]any); ok {
				mask(s, "sequenceId")
			}
		}
		if d := cmp.Diff(was, is); d != "" {
			t.Fatalf("%q became %q:\n%s", body, got, d)
		}
	})
}

// mask takes out a string, whatever it is.
func mask(m map[string]any, key string) {
	if _, ok := m[key].(string); ok {
		m[key] = ""
	}
}

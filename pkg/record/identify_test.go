package record

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/julianctl/julianctl/pkg/jsonscan/jsonscantest"
)

const payload = `{"callId":"call.1","callResult":{"resultType":"Busy"}}`

func TestIdentify(t *testing.T) {
	deep := strings.Repeat("[", 200_000)
	tests := []struct{ payload, callID, resultType string }{
		{payload, "call.1", "Busy"},
		{` {"callResult":{"resultType":"Odd \u0041"},"x":1,"callId":"\u0063all.2"} `, "call.2", "Odd A"},
		{`{"callId":"a","callId":"b"}`, "b", ""},
		{`{"callId":"a","CALLID":"b","callResult":{"RESULTTYPE":"x"}}`, "a", ""},
		{`{"CallId":"a"}`, "", ""},
		{`{"callId":7,"callResult":[]}`, "", ""},
		{`{"callResult":{"resultType":"a"},"callResult":{},"callId":"b"}`, "b", ""},
		{`{"callResult":{"resultType":"a"},"callResult":3,"callId":"b"}`, "b", ""},
		{`{"callId":null,"callResult":null}`, "", ""},
		{`{"x":{"callId":"a"}}`, "", ""},
		{`[{"callId":"a"}]`, "", ""},
		{`"callId"`, "", ""},
		{``, "", ""},
		{`{"callId":"a"`, "", ""},
		{`{"callId":"a"}x`, "", ""},
		{`{"callId":"a"}{}`, "", ""},
		{`{'callId':'a'}`, "", ""},
		{`{"callId":"a",}`, "", ""},
		{`{"callId":"a","n":NaN}`, "", ""},
		{"\xef\xbb\xbf" + payload, "", ""},
		{"{\"callId\":\"a\",\"x\":\"\xff\"}", "", ""},
		{`{"callId":"a","x":` + deep + `}`, "", ""},
		{`{"callId":"a","x":` + deep + strings.Repeat("]", 200_000) + `}`, "", ""},
		{deep, "", ""},
	}
	for _, tt := range tests {
		var d Delivery
		d.Identify([]byte(tt.payload))
		if d.CallID != tt.callID || d.ResultType != tt.resultType {
			t.Errorf("%.80q: %q, %q", tt.payload, d.CallID, d.ResultType)
		}
	}
}

// The walk over the bytes finds what encoding/json finds.
func FuzzIdentify(f *testing.F) {
	for _, s := range []string{payload, `{}`, ` { } `, `{"callId" : "\\\"" , "duration":-1.5e1}`, `{"\u0063allId":"a","callResult":{"x":[{"resultType":"no"}],"resultType":"yes"}}`,
		`{"callId":"a","callId":7}`, `{"a":"\\","callId":"b"}`, `[{"callId":"c"}]`, `{"callResult":"x","duration":null}`, `{"a":[[]],"b":{},"c":"","callId":"\ud83d"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var top, result map[string]json.RawMessage
		var want, got Delivery
		if utf8.Valid(body) && json.Unmarshal(body, &top) == nil {
			_ = json.Unmarshal(top["callId"], &want.CallID)
			_ = json.Unmarshal(top["callResult"], &result)
			_ = json.Unmarshal(result["resultType"], &want.ResultType)
			_ = json.Unmarshal(top["duration"], &want.Seconds)
		}
		got.Identify(body)
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Delivery{})); d != "" {
			t.Fatalf("%q: %s", body, d)
		}
	})
}

// What a JSON parser must refuse has no call id, wherever it may stand.
func TestIdentifyRefusesWhatIsNoJSON(t *testing.T) {
	for _, file := range jsonscantest.Suite(t, "n_*.json", 180) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		nested := fmt.Appendf(nil, `{"callId":"a","x":%s}`, data)
		for _, body := range [][]byte{data, nested} {
			var d Delivery
			if d.Identify(body); d.CallID != "" && !json.Valid(body) {
				t.Errorf("%s: call id %q", filepath.Base(file), d.CallID)
			}
		}
	}
}

func BenchmarkIdentify(b *testing.B) {
	body := []byte(`{"callId":"call.1","transcription":"` + strings.Repeat("User: hello there. ", 100) + `","callResult":{"resultType":"Busy","summary":"x"}}`)
	b.SetBytes(int64(len(body)))
	var d Delivery
	for b.Loop() {
		d.Identify(body)
	}
}

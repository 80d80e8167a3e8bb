package payload

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const filtered = `{"callId": "call.1", "duration": 46.0, "big": 9007199254740993, "none": null, "yes": true, "a=b": 1,
 "space": " x ", "at": "2025-09-25T08:20:48.760Z", "empty": "",
 "callResult": {"resultType": "Goal Completed", "summary": "Booked a Follow-Up", "outcomes": [{"name": "interested", "n": 1}, {"name": "b=c", "n": 20}], "tags": []}}`

func TestFilter(t *testing.T) {
	tests := map[string]bool{
		"callId=call.1":                            true,
		"callId = call.1":                          true,
		"callId=call.2":                            false,
		"callId!=call.2":                           true,
		"callId!=call.1":                           false,
		`callId="call.1"`:                          true,
		`callId="call\u002e1"`:                     true,
		"callResult.resultType=Goal Completed":     true,
		"callResult.resultType=goal completed":     false,
		"callResult.resultType~completed":          true,
		"callResult.summary ~ follow-up":           true,
		"callResult.summary~nothing":               false,
		"callResult~goal":                          true,
		"missing=x":                                false,
		"missing!=x":                               true,
		"missing<5":                                false,
		"missing~x":                                false,
		"duration=46":                              true,
		"duration=4.6e1":                           true,
		"duration!=46":                             false,
		"duration<46":                              false,
		"duration<=46":                             true,
		"duration>45.5":                            true,
		"duration>=46.1":                           false,
		"duration>many":                            false,
		"duration=":                                false,
		"duration>NaN":                             false,
		"callId=who exists":                        false,
		"big=9007199254740993":                     true,
		"big=9007199254740992":                     false,
		"big>9007199254740992":                     true,
		"yes=true":                                 true,
		`callId!=">"`:                              true,
		`callResult.summary ~ <b`:                  false,
		`callResult.summary != "a && b"`:           true,
		"yes=false":                                false,
		"none=null":                                true,
		"none!=null":                               false,
		"callId=null":                              false,
		"none exists":                              true,
		"missing exists":                           false,
		"  callResult.summary   exists  ":          true,
		"at>2025-09":                               true,
		"at<2025-09-25":                            false,
		"at<2025-09-26":                            true,
		`space=" x "`:                              true,
		"space=x":                                  false,
		"empty=":                                   true,
		`a\=b=1`:                                   true,
		"callResult.outcomes.#.name=interested":    true,
		"callResult.outcomes.#.name=bored":         false,
		"callResult.outcomes.#.name!=bored":        true,
		"callResult.outcomes.#.n>19":               true,
		"callResult.outcomes.#.n>20":               false,
		"callResult.outcomes.#=2":                  true,
		`callResult.outcomes.#(name=="b=c").n=20`:  true,
		`callResult.outcomes.#(name=="b)=c").n=20`: false,
		`callResult.outcomes.#(n>10)#.name=b=c`:    true,
		"callResult.tags=[]":                       true,
		"callResult.tags exists":                   true,
		"callResult.tags=x":                        false,
		`callResult.outcomes.0={"name": "interested", "n": 1}`: true,
	}
	for expr, want := range tests {
		f, err := ParseFilter(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if got := f.Match([]byte(filtered)); got != want {
			t.Errorf("%s: %v", expr, got)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	tests := map[string]string{
		"":           `filter "" has no operator: want = != ~ < > <= >= and a value, or exists`,
		"callId":     `filter "callId" has no operator: want = != ~ < > <= >= and a value, or exists`,
		"exists":     `filter "exists" has no operator: want = != ~ < > <= >= and a value, or exists`,
		"a#(b=1":     `filter "a#(b=1" has a parenthesis that is not closed`,
		"=x":         `filter "=x" has no path before =`,
		"  >= 3":     `filter "  >= 3" has no path before >=`,
		" exists":    `filter " exists" has no operator: want = != ~ < > <= >= and a value, or exists`,
		"a==b":       `filter "a==b" has ==; equal is one =`,
		"a~":         `filter "a~" has no value: any text contains nothing`,
		`a="b`:       `filter "a=\"b" has a value in quotes that is not a JSON string: "b`,
		"a>>1":       `filter "a>>1" has >>; the operators are = != ~ < > <= >= exists, and a value that begins like one stands in quotes`,
		"a=>1":       `filter "a=>1" has =>; the operators are = != ~ < > <= >= exists, and a value that begins like one stands in quotes`,
		"a=~b":       `filter "a=~b" has =~; the operators are = != ~ < > <= >= exists, and a value that begins like one stands in quotes`,
		"a<>b":       `filter "a<>b" has <>; the operators are = != ~ < > <= >= exists, and a value that begins like one stands in quotes`,
		"a!~b":       `filter "a!~b" has !~; the operators are = != ~ < > <= >= exists`,
		"a>":         `filter "a>" has no value after >`,
		"a<= ":       `filter "a<= " has no value after <=`,
		"a=b && c=d": `filter "a=b && c=d" has && or || in its value: a comma joins conditions, and a value with these stands in quotes`,
	}
	for expr, want := range tests {
		_, err := ParseFilter("callId=1", expr)
		if d := cmp.Diff(want, fmt.Sprint(err)); d != "" {
			t.Error(d)
		}
	}
}

// gjson would read all of these.
func TestFilterAsksOnlyOfJSON(t *testing.T) {
	f, err := ParseFilter("callId exists")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"callId": 1`, `{"callId": 1}}`, `{"callId": 01}`, "{\"callId\": \"\xff\"}", `x{"callId": 1}`, "",
		`{"callId": ` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}",
	} {
		if f.Match([]byte(body)) {
			t.Errorf("%.40q matches", body)
		}
	}
	if f.Any() == (Filter{}).Any() || !(Filter{}).Match(nil) {
		t.Error("no condition is met by everything")
	}
}

func TestFilterNeedsAll(t *testing.T) {
	for _, tt := range []struct {
		exprs []string
		want  bool
	}{{nil, true}, {[]string{"a=1", "b=2"}, true}, {[]string{"a=1", "b=3"}, false}, {[]string{"a=2", "b=2"}, false}} {
		f, err := ParseFilter(tt.exprs...)
		if got := f.Match([]byte(`{"a":1,"b":2}`)); err != nil || got != tt.want {
			t.Errorf("%q: %v, %v", tt.exprs, got, err)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, expr := range []string{"callId=call.1", `a.#(b=="c")#.d>=1`, "a.@reverse~x", `a\.b!="\u0061"`, "{a,b}=1", "a|@pretty:{\"indent\":\"\"}=x"} {
		f.Add(expr, filtered)
	}
	f.Fuzz(func(t *testing.T, expr, body string) {
		filter, err := ParseFilter(expr)
		if err != nil {
			return
		}
		not, err := ParseFilter(filter.all[0].Path + "!=x")
		if err != nil {
			return // the path holds what would be an operator then
		}
		filter.Match([]byte(body))
		not.Match([]byte(body))
	})
}

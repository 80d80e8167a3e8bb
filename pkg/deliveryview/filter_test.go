package deliveryview

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
)

func TestSplitTerms(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                   {""},
		"a":                                  {"a"},
		"a,b":                                {"a", "b"},
		"a,":                                 {"a", ""},
		`a="x,y",b`:                          {`a="x,y"`, "b"},
		`a="x\",y",b`:                        {`a="x\",y"`, "b"},
		`a=5" wide,b`:                        {`a=5" wide`, "b"},
		`a\,b=1,c`:                           {`a\,b=1`, "c"},
		`a.#(b=="c,d")#.e=1,{f,g}=2`:         {`a.#(b=="c,d")#.e=1`, "{f,g}=2"},
		`a=["x","y"],b`:                      {`a=["x","y"]`, "b"},
		"a=:),b=(,c":                         {"a=:)", "b=(", "c"},
		strings.Repeat("(", 1000) + ",b=\"x": {strings.Repeat("(", 1000), "b=\"x"},
	} {
		if d := cmp.Diff(want, splitTerms(text)); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

// Every documented field is known by its path, and what is like one is not.
func TestFilterPaths(t *testing.T) {
	for _, f := range julian.Fields {
		for _, item := range []string{"#", "0", `#(name=="x.y")`, `#(name=="x")#`} {
			path := strings.ReplaceAll(strings.ReplaceAll(f.Pointer[1:], "/", "."), "*", item)
			got, known := fieldAt(path)
			if !known || got == nil || got.Pointer != f.Pointer && !strings.HasSuffix(path, ".#") {
				t.Errorf("%s: %+v, %v", path, got, known)
			}
		}
	}
	for path, near := range map[string]string{
		"Duration": "duration", "callresult.resulttype": "callResult.resultType", "callResult.resultTyp": "callResult.resultType",
		"resultType": "callResult.resultType", "callResult.outcomes.name": "callResult.outcomes.#.name", "hostEmail": "callResult.followUpMeetingDetails.hostEmail",
		"nothing.like.it": "", "status": "", "callResult.summary.x": "callResult.summary",
	} {
		if _, known := fieldAt(path); known || nearestPath(path) != near {
			t.Errorf("%s: known %v, near %q, want %q", path, known, nearestPath(path), near)
		}
	}
	for _, path := range []string{"customInputVariables.x.y", "callResult.agentActions.#.metadata.z", "crmSchedulingDetails.q", "@this.text", "call*", "callResult|name", `a\.b`} {
		if _, known := fieldAt(path); !known {
			t.Errorf("%s is not known", path)
		}
	}
}

// What a condition compares with is a value that the field can have.
func TestExamineCondition(t *testing.T) {
	for expr, want := range map[string]string{
		"duration>60": "", "duration=4.6e1": "", "duration!=x": "is a number", "duration>NaN": "is a number", "duration~4": "", "duration exists": "", "duration=null": "",
		"callResult.outcomes.#>2": "", "callResult.outcomes.#=many": "is a number", "callResult.outcomes.#.name>a": "",
		"scheduledAt>2026": "", "scheduledAt>=2026-01-31T15": "", "scheduledAt<today": "is a time", "rescheduledAt=null": "", "rescheduledAt>null": "is a time",
		"callResult>1": "asks for an order", "callResult~x": "", "callResult.outcomes<=1": "asks for an order",
		"callResult.resultType=Busy": "", "callResult.resultType~usy": "", "callResult.resultType=busy": "doubt", "direction!=sideways": "doubt", "direction>x": "",
		"callID=x": "doubt", "own=1": "doubt", "own exists": "doubt", "customInputVariables.own=1": "",
	} {
		f, err := payload.ParseFilter(expr)
		if err != nil {
			t.Fatal(err)
		}
		typo, err := examineCondition(f.Conditions()[0])
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case typo != nil:
			got = "doubt"
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

package validate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/julianctl/julianctl/pkg/payload"
)

func TestFold(t *testing.T) {
	v, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		bodies []string
		want   []string // of the folded issues; the others are as they were
		left   int
	}{
		{"a payload", []string{`{"callId": "call.1", "agentId": "agent.1"}`}, nil, 13},
		{"another object", []string{`{"a": 1}`}, []string{"1 error not a call event: 0 of 15 documented fields"}, 0},
		{"several", []string{`{"a": 1}`, `{"callId": "call.1"}`, `{}`}, []string{
			"1 error not a call event: 0 of 15 documented fields", "3 error not a call event: 0 of 15 documented fields"}, 14},
		{"no object", []string{`[]`}, nil, 1},
		{"nothing wrong", nil, nil, 0},
	} {
		var issues []Issue
		for i, body := range tt.bodies {
			issues = append(issues, v.Issues(payload.Document{Source: "f", Line: i + 1, Column: 1, Body: []byte(body)})...)
		}
		before := fmt.Sprint(issues)
		var got []string
		left := 0
		for _, i := range Fold(issues) {
			if i.Pointer == "" && i.Rule == "required" {
				got = append(got, fmt.Sprintf("%d %s %s", i.Line, i.Severity, i.Message))
				continue
			}
			left++
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || left != tt.left || fmt.Sprint(issues) != before {
			t.Errorf("%s: %d others, want %d (-want +got):\n%s", tt.name, left, tt.left, diff)
		}
	}
}

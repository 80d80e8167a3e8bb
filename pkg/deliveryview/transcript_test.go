package deliveryview

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTurns(t *testing.T) {
	tests := map[string][]turn{
		"": nil,
		"User: hi\r\nAgent: hello\nthere: you\n\n  go on\nVictor W.: x": {
			{"User", []string{"hi"}}, {"Agent", []string{"hello", "there: you", "go on", "Victor W.: x"}},
		},
		"no speaker\nUser 2: a: b":   {{"", []string{"no speaker"}}, {"User 2", []string{"a: b"}}},
		"I said: no":                 {{"I said", []string{"no"}}},
		"山田: はい":                     {{"山田", []string{"はい"}}},
		"https://x.example/: a link": {{"", []string{"https://x.example/: a link"}}},
	}
	for transcript, want := range tests {
		if d := cmp.Diff(want, turns(transcript), cmp.AllowUnexported(turn{})); d != "" {
			t.Errorf("%q: %s", transcript, d)
		}
	}
}

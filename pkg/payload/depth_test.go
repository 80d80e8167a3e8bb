package payload

import (
	"strings"
	"testing"
)

func TestDeep(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, tt := range []struct {
		body string
		want bool
	}{
		{nested(MaxDepth), false},
		{nested(MaxDepth + 1), true},
		{`{"a":` + nested(MaxDepth) + `}`, true},
		{`["` + strings.Repeat("[", 1000) + `\\"]`, false},
		{`["\"` + strings.Repeat("[", 1000) + `"]`, false},
		{strings.Repeat("[],", 1000), false},
	} {
		if got := Deep([]byte(tt.body)); got != tt.want {
			t.Errorf("%.40s: %v", tt.body, got)
		}
	}
}

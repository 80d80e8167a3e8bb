package jsonscan_test

import (
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

func TestDeep(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, tt := range []struct {
		body string
		want bool
	}{
		{nested(jsonscan.MaxDepth), false},
		{nested(jsonscan.MaxDepth + 1), true},
		{`{"a":` + nested(jsonscan.MaxDepth) + `}`, true},
		{`["` + strings.Repeat("[", 1000) + `\\"]`, false},
		{`["\"` + strings.Repeat("[", 1000) + `"]`, false},
		{strings.Repeat("[],", 1000), false},
	} {
		if got := jsonscan.Deep([]byte(tt.body)); got != tt.want {
			t.Errorf("%.40s: %v", tt.body, got)
		}
	}
}

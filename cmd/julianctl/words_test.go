package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitWords(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []string // nil: refused
	}{
		{"count", []string{"count"}},
		{"  count   --call {callId} ", []string{"count", "--call", "{callId}"}},
		{`psql -c "select count(*) from calls where id = '{callId}'"`, []string{"psql", "-c", "select count(*) from calls where id = '{callId}'"}},
		{`a 'b c' d"e"'f'`, []string{"a", "b c", "def"}},
		{`a '' ""`, []string{"a", "", ""}},
		{`a\ b "c\"d" "e\f" 'g\h'`, []string{"a b", `c"d`, `e\f`, `g\h`}},
		{"a $HOME `b` ; c | d > e && f", []string{"a", "$HOME", "`b`", ";", "c", "|", "d", ">", "e", "&&", "f"}},
		{"", nil}, {"   ", nil}, {`a "b`, nil}, {"a 'b", nil}, {`a \`, nil},
	} {
		got, err := splitWords(tt.in)
		if d := cmp.Diff(tt.want, got); d != "" || (err != nil) != (tt.want == nil) {
			t.Errorf("%q: %v (-want +got):\n%s", tt.in, err, d)
		}
	}
}

// What shellWord quotes is one word again.
func TestShellWord(t *testing.T) {
	for _, s := range []string{"", "plain", "two words", "it's", `"`, "$x `y` \\", "*", "ü"} {
		if got, err := splitWords(shellWord(s)); err != nil || len(got) != 1 || got[0] != s {
			t.Errorf("%q became %q (%v)", s, got, err)
		}
	}
}

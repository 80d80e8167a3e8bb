package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// What is quoted for a shell is one word for this program's own splitting too.
func TestShellWord(t *testing.T) {
	for _, s := range []string{"", "plain", "two words", "it's", `"`, "$x `y` \\", "*", "ü"} {
		if got, err := SplitCommand(safetext.Shell(s)); err != nil || len(got) != 1 || got[0] != s {
			t.Errorf("%q became %q (%v)", s, got, err)
		}
	}
}

func TestSplitCommand(t *testing.T) {
	tests := []struct {
		line string
		want []string
		err  string
	}{
		{"a", []string{"a"}, ""},
		{" a  b\tc\n", []string{"a", "b", "c"}, ""},
		{`a 'b "c" \d' e`, []string{"a", `b "c" \d`, "e"}, ""},
		{`a "b 'c' \"d\" \\ \n $HOME"`, []string{"a", `b 'c' "d" \ \n $HOME`}, ""},
		{`a\ b \'c\\`, []string{"a b", `'c\`}, ""},
		{`a''b"c"d '' ""`, []string{"abcd", "", ""}, ""},
		{`a; rm -rf $(b) | c > d & *`, []string{"a;", "rm", "-rf", "$(b)", "|", "c", ">", "d", "&", "*"}, ""},
		{"日本 é", []string{"日本", "é"}, ""},
		{"", nil, "names no program"}, {"  ", nil, "names no program"},
		{"a 'b", nil, "has a ' that is not closed"}, {`a "b\"`, nil, `has a " that is not closed`}, {`a "b\`, nil, `has a " that is not closed`},
		{`a\`, nil, "ends with a backslash"},
	}
	for _, tt := range tests {
		got, err := SplitCommand(tt.line)
		if d := cmp.Diff(tt.want, got); d != "" || err == nil && tt.err != "" || err != nil && err.Error() != tt.err {
			t.Errorf("%q: %v %s", tt.line, err, d)
		}
	}
}

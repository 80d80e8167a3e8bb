package record

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestTokens(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"Agent: Guten  Tag!":       "agent guten tag ",
		"I don't.\nWon't":          "i don t don·t won t won·t ",
		"call.A-1":                 "call a call·a 1 a·1 ",
		"--a--b-- c":               "a b a·b c ",
		"Zoë ŁÓDŹ Việt Nguyễn":     "zoe łodz viet nguyen ",
		"Zoe\u0308 и\u0306":        "zoe и ",
		"αβγ Άλφα йод ёж":          "αβγ αλφα иод еж ",
		"नमस्ते 東京。大阪 x²":          "नमस्ते 東京 大阪 東京·大阪 x² ",
		"a\u00a0b — “c” …d\u0080e": "a b c d e d·e ",
		"\xff\x00a\xffb":           "a b a·b ",
	} {
		got := strings.ReplaceAll(string(AppendTokens(nil, text)), joint, "·")
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

// What is searched for has the tokens of what is found.
func TestQuery(t *testing.T) {
	for text, want := range map[string]string{
		" ": "", "Zoë": `"zoe"*`, "call.a-1 No": `"call·a" "a·1" "no"*`, "a -": `"a" ""*`, `" OR NEAR(`: `"" "or" "near"*`,
	} {
		if got := strings.ReplaceAll(QueryOf(text), joint, "·"); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// A letter without its accents is a small letter that has none.
func TestBare(t *testing.T) {
	for c := range rune(unicode.MaxRune) {
		if b := bare(unicode.ToLower(c)); b != bare(b) || unicode.IsLetter(c) != unicode.IsLetter(b) || b != unicode.ToLower(b) {
			t.Errorf("%c: %c", c, b)
		}
	}
}

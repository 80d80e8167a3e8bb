package letters

import (
	"slices"
	"testing"
	"unicode/utf8"
)

func TestLetters(t *testing.T) {
	for in, want := range map[string]string{"Zoë": "zoë", "IŞIK": "işik", "ışık": "işik", "İpek": "ipek", "ΩΣ": "ωσ", "a\xffB": "a\xffb"} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Digits("a1 ٢-３ b"); got != "123" {
		t.Errorf("Digits: %q", got)
	}
	if got := slices.Collect(Words("O'Neill, d’Été 3x")); !slices.Equal(got, []string{"O", "Neill", "d", "Été", "x"}) {
		t.Errorf("Words: %q", got)
	}
	if got := LikeCase("abcdé", "XyZÄö"); got != "AbCDé" {
		t.Errorf("LikeCase: %q", got)
	}
	if !HasCase("ä") || HasCase("李") || !Is('ß') || !Is('\u0301') || Is('٣') {
		t.Error("HasCase or Is")
	}
}

// What is between words stays, and no letter is lost.
func FuzzEachWord(f *testing.F) {
	f.Add("O'Neill\xff é\u0301 12")
	f.Fuzz(func(t *testing.T, s string) {
		if got := EachWord(s, func(w string) string { return w }); got != s {
			t.Errorf("%q became %q", s, got)
		}
		if utf8.ValidString(s) != utf8.ValidString(Fold(s)) {
			t.Errorf("%q folds to %q", s, Fold(s))
		}
	})
}

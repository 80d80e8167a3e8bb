package terminal

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/safetext"
)

const (
	family   = "👩🏽\u200d👩🏽\u200d👧🏽\u200d👦🏽" // one picture of four people
	germany  = "🇩🇪"
	accented = "e\u0301"
)

func TestCells(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "Zoë": 3, accented + accented: 2, "山田": 4, family: 2, germany + germany: 4, "☺\ufe0f": 2,
		"a\u200bb": 2, "\x1b[31mred\x1b[0m and × \x1b[1mbold\x1b[0m": 14, "\x1b[1m山\x1b[0m": 2,
		"e" + strings.Repeat("\u0301", 30): 1, "e" + strings.Repeat("\u0301", 1000): 1 + 1000 - 31, strings.Repeat("\u0600", 9): 9,
	} {
		if got := Cells(text); got != want {
			t.Errorf("%.40q takes %d columns, want %d", text, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text    string
		columns int
		want    []string
	}{
		{"", 3, []string{""}},
		{" aa bb  cc dd ", 5, []string{"aa bb", "cc dd"}},
		{"abcdefgh ij", 3, []string{"abc", "def", "gh", "ij"}},
		{"a bcdefgh i", 3, []string{"a", "bcd", "efg", "h i"}},
		{"(bcdefgh)", 8, []string{"(bcdefg", "h)"}}, // no bracket alone
		{"x (bcd)", 4, []string{"x", "(bc", "d)"}},
		{"1234 ::error::x", 8, []string{"1234", `\x3a:error:`, ":x"}},
		{"abcd" + accented + "fg", 5, []string{"abcd" + accented, "fg"}},
		{strings.Repeat(accented, 5), 2, []string{accented + accented, accented + accented, accented}},
		{"日本語日本語", 5, []string{"日本", "語日", "本語"}},
		{germany + germany + germany, 5, []string{germany + germany, germany}},
		{"ab" + family + family, 4, []string{"ab" + family, family}},
		{"日本", 1, []string{"日", "本"}}, // nothing narrower can be done
	} {
		if got := Wrap(tt.text, tt.columns); !slices.Equal(got, tt.want) {
			t.Errorf("%q in %d columns: %q, want %q", tt.text, tt.columns, got, tt.want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{Fit("Zoë 山田", 7), "Zoë 山…"}, {Fit("Zoë 山田", 8), "Zoë 山田"}, {Fit("abc", 3), "abc"}, {Fit("abc", 0), ""}, {Fit("abcd", 1), "…"},
		{Fit(family+family+"x", 4), family + "…"}, {Fit(accented+accented+accented, 2), accented + "…"},
		{FitMiddle("call.0123456789abc", 11), "call.…89abc"}, {FitMiddle("call.1", 11), "call.1"}, {FitMiddle("山山山山山山", 7), "山… 山"},
		{Pad("山", 4) + "|", "山  |"}, {PadLeft("46s", 5), "  46s"},
		{DropCells("abc", 1), "bc"}, {DropCells("山b", 1), " b"}, {DropCells("ab", 5), ""},
		{strings.Join(Hang("a: ", []string{"b", "c"}), "|"), "a: b|   c"}, {strings.Join(Hang("a", nil), "|"), ""},
		{strings.Join(WrapList("aa, bb, cc", 6), "|"), "aa,|bb, cc"}, {strings.Join(WrapList("aa, bb, cc", 7), "|"), "aa, bb,|cc"},
		{strings.Join(WrapList("\x1b[31maa\x1b[0m, bb", 6), "|"), "\x1b[31maa\x1b[0m, bb"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestCutText(t *testing.T) {
	for _, tt := range []struct {
		text, head string
		most, more int
	}{
		{"abc", "abc", 3, 0},
		{"abcd", "abc", 3, 1},
		{"山山山", "山山山", 3, 0},
		{"ab" + accented + "c", "ab", 3, 3},
		{"ab" + family, "ab", 3, utf8.RuneCountInString(family)},
	} {
		if head, more := CutText(tt.text, tt.most); head != tt.head || more != tt.more {
			t.Errorf("%q: %q and %d, want %q and %d", tt.text, head, more, tt.head, tt.more)
		}
	}
}

func FuzzWrap(f *testing.F) {
	for _, seed := range []string{"a bc", "山田 " + family + germany, strings.Repeat(accented, 9), "\u0600\u0600\u0600\u0600\u0600\u0600", "::error::", strings.Repeat("\u0301", 200)} {
		f.Add(seed, 5)
	}
	f.Fuzz(func(t *testing.T, text string, columns int) {
		text, columns = safetext.Line(text), max(8, min(columns, 200))
		var shown strings.Builder
		for _, line := range Wrap(text, columns) {
			if safe := safetext.Line(line); safe != line {
				t.Errorf("%q is not safe", line)
			}
			// At the beginning of a line, a colon or a joiner may become an escape.
			words := strings.Fields(line)
			n := max(0, len(words)-1)
			for _, word := range words {
				n += Cells(word)
			}
			if n > columns && !strings.Contains(line, `\`) {
				t.Errorf("%d columns, not %d: %q", n, columns, line)
			}
			if len(line) > maxCluster*(columns+1) {
				t.Errorf("a line of %d bytes", len(line))
			}
			shown.WriteString(line)
		}
		if want := strings.Join(strings.Fields(text), ""); strings.ReplaceAll(shown.String(), " ", "") != want && !strings.Contains(shown.String(), `\`) {
			t.Errorf("%q became %q", text, shown.String())
		}
		if got := Fit(text, columns); Cells(got) > columns {
			t.Errorf("%q has more than %d columns", got, columns)
		}
		if got := FitMiddle(text, columns); Cells(got) > columns {
			t.Errorf("%q has more than %d columns", got, columns)
		}
		if got := Pad(text, columns); Cells(got) < columns {
			t.Errorf("%q has less than %d columns", got, columns)
		}
	})
}

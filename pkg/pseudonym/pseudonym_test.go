package pseudonym

import (
	"regexp"
	"testing"
)

func maker(key string) *Maker {
	return New([]byte(key), func(word []byte) bool { return string(word) == "abo" })
}

// The form stays, the same value gives the same, and another key something else.
func TestForms(t *testing.T) {
	one, again, other := maker("0123456789abcdef"), maker("0123456789abcdef"), maker("another key, 16+")
	for _, tt := range []struct {
		make     func(m *Maker, s string) string
		in, want string
	}{
		{(*Maker).Word, "Zoë", `^[A-Z][a-z]{2}$`},
		{(*Maker).Word, "МИША", `^\p{Lu}{4}$`},
		{(*Maker).Word, "李明", `^\p{Han}{2}$`},
		{(*Maker).Digits, "(020) 7946-0958", `^\(\d{3}\) \d{4}-\d{4}$`},
		{(*Maker).Numeral, "-0.123456e7", `^-0\.\d{6}e7$`},
		{(*Maker).Phone, "+447911123456", `^\+440\d{9}$`},
		{(*Maker).Phone, "+393471234567", `^\+391\d{9}$`},
		{(*Maker).Phone, "sip:ada@byron.example", `^[a-z]{3}:[a-z]{3}@[a-z]{5}\.[a-z]{7}$`},
		{(*Maker).Email, "ada.byron@byron.example", `^[a-z]{3}\.[a-z]{5}@[a-z]{8}\.test$`},
		{(*Maker).ID, "call.k1J2", `^call\.[a-z]\d[A-Z]\d$`},
		{(*Maker).ID, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`},
		{(*Maker).Date, "12.05.1983", `^(0[1-9]|1[0-2])\.(0[1-9]|1[0-2])\.19(79|8[0-7])$`},
		{(*Maker).Date, "1983-05-12", `^19(79|8[0-7])-(0[1-9]|1[0-2])-(0[1-9]|1[0-2])$`},
		{(*Maker).Date, "1.2.83", `^[1-9]\.[1-9]\.\d\d$`},
		{func(m *Maker, s string) string { return m.Link(s, nil) }, "https://crm.example.com/ada/4471?x=%C3%A9", `^https://[a-z]{10}\.test/[a-z]{3}/\d{4}\?[a-z]=%6\d%6\d$`},
		{func(m *Maker, s string) string { return m.Link(s, []string{"call.a1"}) }, "https://julian.11x.ai/calls/call.a1", `^https://julian\.11x\.ai/calls/call\.[a-z]\d$`},
	} {
		got := tt.make(one, tt.in)
		if !regexp.MustCompile(tt.want).MatchString(got) || got == tt.in {
			t.Errorf("%q became %q, want %s", tt.in, got, tt.want)
		}
		if twice := tt.make(again, tt.in); twice != got {
			t.Errorf("%q became %q and %q", tt.in, got, twice)
		}
		if tt.make(other, tt.in) == got && len(tt.in) > 6 {
			t.Errorf("%q is %q with any key", tt.in, got)
		}
	}
}

// How a word is written makes no difference, and none becomes a word to avoid.
func TestWords(t *testing.T) {
	m := maker("0123456789abcdef")
	if a, b, c := m.Word("Victor"), m.Word("VICTOR"), m.Word("victor"); a[1:] != c[1:] || len(b) != len(a) {
		t.Errorf("%q, %q and %q", a, b, c)
	}
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			word := string([]rune{a, b, 'x'})
			if got := m.Word(word); got == "abo" || got == word {
				t.Errorf("%q became %q", word, got)
			}
		}
	}
	if m.Digits("+1 415 555 0132")[3:] != m.Digits("14155550132")[1:4]+" "+m.Digits("14155550132")[4:7]+" "+m.Digits("14155550132")[7:] {
		t.Errorf("with and without separators: %q, %q", m.Digits("+1 415 555 0132"), m.Digits("14155550132"))
	}
}

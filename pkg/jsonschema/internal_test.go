package jsonschema

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// random is a JSON number that means something to others around it.
func random(r *rand.Rand) string {
	digits := func(most int) string {
		var b strings.Builder
		for range 1 + r.IntN(most) {
			b.WriteByte("0012345679"[r.IntN(10)])
		}
		return b.String()
	}
	text := "0"
	if whole := strings.TrimLeft(digits(25), "0"); whole != "" && r.IntN(4) > 0 {
		text = whole
	}
	if r.IntN(2) == 0 {
		text += "." + digits(20)
	}
	if r.IntN(3) == 0 {
		text += fmt.Sprintf("%c%s%d", "eE"[r.IntN(2)], []string{"", "+", "-"}[r.IntN(3)], r.IntN(60))
	}
	if r.IntN(4) == 0 {
		text = "-" + text
	}
	return text
}

// Decimals compare and divide as rational numbers do.
func TestDecimal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	seed := maphash.MakeSeed()
	pool := []string{"0", "-0.0e9", "1", "1.0", "10e-1", "0.1", "0.01", "1e-7", "25", "100", "1e2", "3"}
	multiples, equals := 0, 0
	for range 20_000 {
		a, b := random(r), random(r)
		switch r.IntN(4) {
		case 0:
			a, b = pool[r.IntN(len(pool))], pool[r.IntN(len(pool))]
		case 1:
			b = pool[r.IntN(len(pool))]
		}
		x, y := parseDecimal([]byte(a)), parseDecimal([]byte(b))
		u, _ := new(big.Rat).SetString(a)
		v, _ := new(big.Rat).SetString(b)
		if got, want := x.compare(y), u.Cmp(v); got != want {
			t.Errorf("%s compares to %s as %d, want %d", a, b, got, want)
		} else if want == 0 {
			equals++
			if x.hash(seed) != y.hash(seed) {
				t.Errorf("%s and %s are equal, their hashes are not", a, b)
			}
		}
		if got := x.isInteger(); got != u.IsInt() || isWhole([]byte(a)) != u.IsInt() {
			t.Errorf("%s is an integer: %t", a, got)
		}
		if v.Sign() != 0 {
			want := new(big.Rat).Quo(u, v).IsInt()
			if want {
				multiples++
			}
			if got := x.isMultiple(y); got != want {
				t.Errorf("%s is a multiple of %s: %t", a, b, got)
			}
		}
		if u.IsInt() && u.Sign() >= 0 && len(u.Num().String()) <= 18 && int64(x.count()) != u.Num().Int64() {
			t.Errorf("%s is %d", a, x.count())
		}
	}
	if multiples < 500 || equals < 500 {
		t.Errorf("only %d multiples and %d equal pairs: the rest says little", multiples, equals)
	}
}

// Exponents cost nothing, whatever they are, and digits not much.
func TestDecimalHuge(t *testing.T) {
	for _, tt := range []struct {
		a, b     string
		compare  int
		multiple bool
	}{
		{"1e400", "1e399", 1, true},
		{"1e999999999999", "3", 1, false},
		{"3e999999999999", "3", 1, true},
		{"1e999999999999", "7e999999999998", 1, false},
		{"7e999999999999", "7e999999999998", 1, true},
		{"1e-999999999999", "1", -1, false},
		{"-1e999999999999999999999999", "1e99999999999999999999", -1, true},
		{"1e999999999999", "123456789012345678901234567890", 1, false},
		{strings.Repeat("9", 1<<20), "123456789012345678901234567891", 1, false},
		{strings.Repeat("9", 1<<20) + "." + strings.Repeat("9", 1<<20), "3e-1048576", 1, true},
	} {
		begin := time.Now()
		a, b := parseDecimal([]byte(tt.a)), parseDecimal([]byte(tt.b))
		if got := a.compare(b); got != tt.compare {
			t.Errorf("%.40s compares to %s as %d", tt.a, tt.b, got)
		}
		if got := a.isMultiple(b); got != tt.multiple {
			t.Errorf("%.40s is a multiple of %s: %t", tt.a, tt.b, got)
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%.40s of %s took %s", tt.a, tt.b, took)
		}
	}
}

func TestECMA(t *testing.T) {
	for _, tt := range []struct {
		pattern, matches, not string
	}{
		{`^\d{2}$`, "12", "١٢"},
		{`^\w$`, "_", "é"},
		{`^\s$`, "\ufeff", "\u200b"},
		{`^\s\s\s$`, "\v\u00a0\u2028", "a\u00a0\u2028"},
		{`^\S$`, "\u200b", "\u2003"},
		{`^[\s\d]{2}$`, "\u30001", "a1"},
		{`^[^\S]$`, "\ufeff", "a"},
		{`^.$`, "é", "\u2028"},
		{`a$`, "a", "a\n"},
		{`^\u00e9\u{1F600}\ud83d\ude00$`, "é😀😀", "e"},
		{`^\x41\cJ\0$`, "A\n\x00", "A"},
		{`^\/\-\.$`, "/-.", "/-a"},
		{`^\p{Letter}\p{Script=Greek}\P{Lu}$`, "aαb", "aaB"},
		{`^[[a]+$`, "[a", "]"},
		{`^[[:alpha:]]$`, "a]", "b"},
		{`^[^]$`, "\n", ""},
		{`[]`, "", "a"},
		{`^[\b]$`, "\b", "b"},
		{`^(?<year>\d{4})-(?:a|b)$`, "2025-a", "2025-c"},
		{`^[\w.-]+$`, "a.b-c", "a b"},
		{`^a{2,}?b*?$`, "aab", "ab"},
		{`é`, "xéx", "x"},
	} {
		re, err := compileECMA(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if tt.pattern != "[]" && !re.MatchString(tt.matches) || re.MatchString(tt.not) {
			t.Errorf("%s: %q %t, %q %t", tt.pattern, tt.matches, re.MatchString(tt.matches), tt.not, re.MatchString(tt.not))
		}
	}
	for pattern, backtracks := range map[string]bool{
		`(?=a)`: true, `(?!a)`: true, `(?<=a)`: true, `(?<!a)`: true, `(a)\1`: true, `(?<a>b)\k<a>`: true,
		`\a`: false, `\Z`: false, `\z`: false, `\Q`: false, `\pL`: false, `\p{Nothing}`: false, `\`: false, `(`: false,
		`a**`: false, `[b-a]`: false, `\u12`: false, `\u{}`: false, `\u{1234567}`: false, `\xg1`: false, `a{2,1}`: false, `\c1`: false,
	} {
		if _, err := compileECMA(pattern); err == nil || errors.Is(err, errBacktracks) != backtracks {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func TestSchemaFormats(t *testing.T) {
	for name, texts := range map[string]struct{ good, bad []string }{
		"date":                  {[]string{"2024-02-29"}, []string{"2023-02-29", "2024-2-29", "2024-02-29Z", "", "১024-02-2"}},
		"time":                  {[]string{"23:59:60Z", "08:30:06.283185+00:20", "08:30:06z"}, []string{"08:30:06", "24:00:00Z", "12:00:60Z", "8:30:06Z", ""}},
		"duration":              {[]string{"P4DT12H30M5S", "PT36H", "P1Y", "P2W", "P1M2D", "PT0S"}, []string{"P", "PT", "4D", "P1YT", "P1Y2W", "P1D2H", "PT1D", "P1Y1D", "P1S", "PW", "P-1D", ""}},
		"hostname":              {[]string{"a", "example.com", "xn--4gbwdl.xn--wgbh1c", "1.2.3"}, []string{"", "-a", "a-", "a..b", "a.", "é", strings.Repeat("a", 64), "a_b"}},
		"ipv4":                  {[]string{"192.0.2.1"}, []string{"256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4/24", "", "::1"}},
		"ipv6":                  {[]string{"::", "2001:db8::1", "::ffff:1.2.3.4"}, []string{"1.2.3.4", ":::", "::1%eth0", "12345::", ""}},
		"uuid":                  {[]string{"2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"}, []string{"2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08-aa98-11ea-b4ga-73b441d16380", "----2eb8aa08aa9811eab4aa73b441d16380"}},
		"uri":                   {[]string{"https://example.com/a?b#c", "urn:a:b"}, []string{"/a", "", "a b"}},
		"uri-reference":         {[]string{"", "/a?b#c", "a/b:c", "//h/p", "#f", "https://example.com"}, []string{"a b", ":a", "1:b", "%zz", "\\a"}},
		"json-pointer":          {[]string{"", "/", "/a/0/~0~1"}, []string{"a", "/~", "/~2", "#/a"}},
		"relative-json-pointer": {[]string{"0", "1/a", "10#", "0#"}, []string{"", "/a", "01/a", "-1", "1a", "1##"}},
		"regex":                 {[]string{"a", "(?=a)", `\1`}, []string{"(", `\a`}},
		"email":                 {[]string{"a@b.c"}, []string{"a"}},
		"date-time":             {[]string{"2025-01-20T14:00:00.000Z"}, []string{"2025-01-20"}},
	} {
		f := FormatNamed(name)
		if f == nil {
			t.Errorf("%q is not known", name)
			continue
		}
		for ok, list := range map[bool][]string{true: texts.good, false: texts.bad} {
			for _, text := range list {
				if f.OK([]byte(text)) != ok {
					t.Errorf("%s %q: want %t", name, text, ok)
				}
			}
		}
	}
	for _, name := range []string{"e164", "timezone", "iri", ""} {
		if FormatNamed(name) != nil {
			t.Errorf("%q is a format", name)
		}
	}
}

package safetext

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// Text that must come back untouched.
var ordinary = []string{
	"", " ", "plain", "C:\\path\\n", `\x1b is what an escape looks like`,
	"Grüße, Zoë — “quoted” … 100 % ½ €", "Привет, мир", "你好，世界　全角", "こんにちは", "안녕하세요",
	"שלום עולם", "مرحبا بالعالم", "می\u200cخواهم", "ه\u200d", "हिन्दी क्\u200dष क्\u200cष", "ശ്രീ ന്\u200d", "ශ්\u200dරී ලංකා",
	"ភាសា\u200bខ្មែរ", "ภาษา\u200bไทย", "ᠮᠣᠩᠭᠣᠯ\u180eᠠ", "ᠠ\u180b",
	"葛\U000e0100城市", "辻\ufe00", "e\u0301", "Z̷a̷l̷g̷o̷",
	"😀 👍🏽 👨\u200d👩\u200d👧\u200d👦 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈 🇩🇪 1\ufe0f\u20e3 #\ufe0f\u20e3 ©\ufe0f ♀\ufe0e 🙋🏽\u200d♀\ufe0f 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
	"::1", "::1:4040", " ::", "a::error::x", "a: b # c", "## heading", "# [x](y)", "##", "## [x]", "#vso[", "##1[",
	"\u00a0nbsp\u202fnarrow\u2003em", "\ufffd", "\ue0b0",
}

func TestOrdinaryTextStays(t *testing.T) {
	for _, s := range ordinary {
		for name, f := range map[string]func(string) string{"Line": Line, "Text": Text} {
			if got := f(s); got != s {
				t.Errorf("%s(%q) = %q", name, s, got)
			}
		}
		doc, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := JSON(doc); string(got) != string(doc) {
			t.Errorf("JSON(%q) = %q", doc, got)
		}
	}
	all := strings.ReplaceAll(strings.Join(ordinary[1:], " "), "## ", "")
	if n := testing.AllocsPerRun(100, func() { Line(all) }); n != 0 {
		t.Errorf("Line allocates %v times for text that stays", n)
	}
}

func TestLine(t *testing.T) {
	tests := map[string]string{
		"a\nb\r\nc\td":                                       `a\nb\r\nc\td`,
		"\x00\x07\x1b[31m\x7f":                               `\x00\x07\x1b[31m\x7f`,
		"\u0085\u009b31m\u009d":                              `\u0085\u009b31m\u009d`,
		"\x9b31m\x9d\xff\xc3":                                `\x9b31m\x9d\xff\xc3`,
		"\xed\xa0\x80":                                       `\xed\xa0\x80`, // a surrogate
		"\xc0\xaf":                                           `\xc0\xaf`,     // overlong
		"a\u2028b\u2029c":                                    `a\u2028b\u2029c`,
		"\u061c\u200e\u200f":                                 `\u061c\u200e\u200f`,
		"\u202aa\u202bb\u202cc\u202dd\u202ee":                `\u202aa\u202bb\u202cc\u202dd\u202ee`,
		"\u2066a\u2067b\u2068c\u2069d":                       `\u2066a\u2067b\u2068c\u2069d`,
		"pay\u200bpal pay\u200cpal pay\u200dpal":             `pay\u200bpal pay\u200cpal pay\u200dpal`,
		"a\u00adb\u034fc\u2060d\ufeffe\u3164f":               `a\u00adb\u034fc\u2060d\ufeffe\u3164f`,
		"é\u200bx é\u180b \u1e9e\u180b":                      `é\u200bx é\u180b ` + "\u1e9e" + `\u180b`,
		"a\ufe0fb\U000e0100c":                                `a\ufe0fb\U000e0100c`,
		"call.123\ufe0f":                                     `call.123\ufe0f`,
		"😀\ufe0f\ufe0f":                                      "😀\ufe0f" + `\ufe0f`,
		"می\u200c\u200cخ":                                    "می\u200c" + `\u200cخ`,
		"👍\u200dx":                                           `👍\u200dx`,
		"\U000e0041\U000e0001\U0001f3f4\U000e0061\U000e007f": `\U000e0041\U000e0001` + "\U0001f3f4" + `\U000e0061\U000e007f`,
		"\ufdd0\ufffe\uffff\U0001fffe\U0010ffff":             `\ufdd0\ufffe\uffff\U0001fffe\U0010ffff`,
		"\x1b\ufe0f":                                         `\x1b\ufe0f`,
		"\x1b]8;;http://x\x07a":                              `\x1b]8;;http://x\x07a`,
		"::error::boom":                                      `\x3a:error::boom`,
		" \u00a0\u3000::add-mask::x":                         " \u00a0\u3000" + `\x3a:add-mask::x`,
		":::error::x":                                        `\x3a::error::x`,
		"\r::error::x":                                       `\r::error::x`,
		"::_token::":                                         `\x3a:_token::`,
		"a ##[error]x":                                       `a #\x23[error]x`,
		"###[group]":                                         `##\x23[group]`,
		"##vso[task.x]##VSO[y]":                              `#\x23vso[task.x]#\x23VSO[y]`,
		"x ##teamcity[y":                                     `x #\x23teamcity[y`,
		"##vso\x1b[":                                         `##vso\x1b[`,
		"\x1b[0Ksection_start:1:n\r\x1b[0K":                  `\x1b[0Ksection_start:1:n\r\x1b[0K`,
	}
	for in, want := range tests {
		if got := Line(in); got != want {
			t.Errorf("Line(%+q) = %+q, want %+q", in, got, want)
		}
	}
}

func TestText(t *testing.T) {
	tests := map[string]string{
		"a\r\nb\nc\td":      "a\nb\nc\td",
		"a\rb\r":            `a\rb\r`,
		"\r\n":              "\n",
		"\r\r\n":            `\r` + "\n",
		"a\n::error::b":     "a\n" + `\x3a:error::b`,
		"a\n\t ::error::b":  "a\n\t " + `\x3a:error::b`,
		"a\u2028::error::b": `a\u2028::error::b`,
		"a\x0b\x0cb\u0085c": `a\x0b\x0cb\u0085c`,
		"#\n#[error]":       "#\n#[error]",
	}
	for in, want := range tests {
		if got := Text(in); got != want {
			t.Errorf("Text(%+q) = %+q, want %+q", in, got, want)
		}
	}
}

func TestJSONKeepsTheValue(t *testing.T) {
	for _, s := range append([]string{
		"\x1b\u009b\u202e\x7f\U000e0041 ##vso[x] \u2028 pay\u200bpal", "\t\r\n\"\\", "##[error]",
	}, ordinary...) {
		doc, err := json.MarshalIndent(map[string]any{s: []string{s}}, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		safe := JSON(doc)
		checkSafe(t, string(safe), "\n\t\r")
		var want, got any
		if err := json.Unmarshal(doc, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(safe, &got); err != nil {
			t.Fatalf("JSON(%q) = %q: %v", doc, safe, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("JSON(%q): %s", doc, d)
		}
	}
	if got, want := string(JSON([]byte("\"\xff\""))), `"\ufffd"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// checkSafe is written against the lists of the Unicode standard, not against
// the tables of the package.
func checkSafe(t *testing.T, s, keep string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Fatalf("%q is not UTF-8", s)
	}
	prev := rune(-1)
	for _, r := range s {
		switch {
		case strings.ContainsRune(keep, r):
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control, unicode.Noncharacter_Code_Point):
			t.Fatalf("%+q holds %U", s, r)
		case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r == 0x200c || r == 0x200d:
			if prev < 0x80 && !(r == 0xfe0f && strings.ContainsRune("0123456789#*", prev)) {
				t.Fatalf("%+q holds %U after %U", s, r, prev)
			}
		case unicode.Is(unicode.Cf, r) && r < 0xe0000 && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) &&
			!(0x13430 <= r && r <= 0x13455) && r != 0x200b && r != 0x180e && r != 0x70f:
			t.Fatalf("%+q holds the format character %U", s, r)
		}
		prev = r
	}
	for line := range strings.SplitSeq(s, "\n") {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "::") && strings.Contains(trimmed[2:], "::") && !isDigit(trimmed[2]) {
			t.Fatalf("%q is a command of GitHub", line)
		}
		for _, mark := range []string{"##[", "##vso[", "##teamcity["} {
			if strings.Contains(strings.ToLower(line), mark) {
				t.Fatalf("%q is a command of a CI system", line)
			}
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range naughty(f) {
		f.Add(s)
	}
	for _, s := range ordinary {
		f.Add(s)
	}
	f.Add("\x9b\xff\u009b\r\n::error::##vso[\U000e0041\U0001fffe\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		line := Line(s)
		checkSafe(t, line, "")
		if again := Line(line); again != line {
			t.Fatalf("Line(%q) = %q, and then %q", s, line, again)
		}
		text := Text(s)
		checkSafe(t, text, "\n\t")
		if again := Text(text); again != text {
			t.Fatalf("Text(%q) = %q, and then %q", s, text, again)
		}
		if !utf8.ValidString(s) {
			return
		}
		doc, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		safe := JSON(doc)
		checkSafe(t, string(safe), "")
		var got string
		if err := json.Unmarshal(safe, &got); err != nil || got != s {
			t.Fatalf("JSON(%q) = %q reads as %q: %v", doc, safe, got, err)
		}
	})
}

// naughty is the Big List of Naughty Strings, from the folder of suites.
func naughty(t testing.TB) []string {
	dir := os.Getenv("JULIANCTL_SUITES")
	if dir == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(dir, "blns", "blns.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 400 {
		t.Fatalf("only %d strings", len(list))
	}
	return list
}

func TestNaughtyStrings(t *testing.T) {
	list := naughty(t)
	if list == nil {
		t.Skip("JULIANCTL_SUITES is not set: the Big List of Naughty Strings is not read")
	}
	names := map[string]string{}
	for _, s := range list {
		checkSafe(t, Line(s), "")
		checkSafe(t, Text(s), "\n\t")
		name := Filename(s)
		checkName(t, name)
		if other, taken := names[strings.ToLower(name)]; taken && other != s {
			t.Errorf("%q and %q are both called %q", s, other, name)
		}
		names[strings.ToLower(name)] = s
	}
}

func TestFilename(t *testing.T) {
	long := strings.Repeat("x", 500)
	tests := map[string]string{
		"call.abc123":    "call.abc123",
		"a_b-c..d":       "a_b-c..d",
		"":               "_~e3b0c44298fc",
		".":              "_~cdb4ee2aea69",
		"..":             "_~5ec1f7e700f3",
		"../../etc/x":    "_" + "_.._etc_x~",
		"a/b":            "a_b~c14cddc033f6",
		"a\\b":           "a_b~",
		"a.":             "a~",
		"a ":             "a_~",
		"-rf":            "_rf~",
		".bashrc":        "_bashrc~",
		"con":            "_con~",
		"NUL.txt":        "_NUL.txt~",
		"com1.json":      "_com1.json~",
		"com10":          "com10",
		"console":        "console",
		"lpt9":           "_lpt9~",
		"Call.A":         "Call.A~",
		"a~b":            "a_b~",
		"a:b|c?d*e\x00":  "a_b_c_d_e_~",
		"né":             "n_~",
		"$(rm -rf)`x`;&": "__rm_-rf__x___~",
		long:             strings.Repeat("x", 107) + "~",
	}
	for in, want := range tests {
		got := Filename(in)
		if stem, hash, found := strings.Cut(got, "~"); found && strings.HasSuffix(want, "~") {
			if len(hash) != 12 {
				t.Errorf("Filename(%q) = %q: no hash", in, got)
			}
			got = stem + "~"
		}
		if got != want {
			t.Errorf("Filename(%q) = %q, want %q", in, got, want)
		}
		checkName(t, Filename(in))
	}
}

func checkName(t *testing.T, name string) {
	t.Helper()
	stem, _, _ := strings.Cut(name, ".")
	switch {
	case name == "" || len(name) > maxName,
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-") != "",
		strings.ContainsAny(name[:1], "-.~"), strings.HasSuffix(name, "."),
		len(stem) == 3 && strings.Contains("CON PRN AUX NUL", strings.ToUpper(stem)):
		t.Fatalf("%q is no safe name", name)
	}
}

func FuzzFilename(f *testing.F) {
	f.Add("a/b", "a_b")
	f.Add("Call.A", "call.a")
	f.Add("a/b", "a_b~c14cddc033f6")
	f.Add("aux.x", "..")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := Filename(a), Filename(b)
		checkName(t, x)
		if a != b && strings.EqualFold(x, y) {
			t.Fatalf("%q and %q are both called %q", a, b, x)
		}
	})
}

func TestMaskHeader(t *testing.T) {
	header := http.Header{
		"X-Api-Key":           {"k1", ""},
		"x-api-key":           {"k2"},
		"Authorization":       {"Bearer t"},
		"Proxy-Authorization": {"Basic t"},
		"Cookie":              {"a=b"},
		"Set-Cookie":          {"a=b", "c=d"},
		"X-Signature":         {"s"},
		"Content-Type":        {"application/json"},
	}
	before := header.Clone()
	want := http.Header{
		"X-Api-Key":           {Masked, ""},
		"x-api-key":           {Masked},
		"Authorization":       {Masked},
		"Proxy-Authorization": {Masked},
		"Cookie":              {Masked},
		"Set-Cookie":          {Masked, Masked},
		"X-Signature":         {Masked},
		"Content-Type":        {"application/json"},
	}
	got := http.Header(MaskHeader(header, "x-signature"))
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got["Content-Type"][0] = "changed"
	if d := cmp.Diff(before, header); d != "" {
		t.Errorf("the original changed: %s", d)
	}
	if SecretHeader("X-Signature") || SecretHeader("X-Api-Key-Id") || !SecretHeader("X-Sig", "x-sig ") {
		t.Error("SecretHeader names the wrong headers")
	}
	if MaskHeader(nil) != nil {
		t.Error("nil is not nil")
	}
}

func BenchmarkLine(b *testing.B) {
	for name, s := range map[string]string{
		"ascii": strings.Repeat("The quick brown fox: jumps. ", 40),
		"mixed": strings.Repeat("Grüße 你好 😀 ok. ", 40),
		"dirty": strings.Repeat("bad \x1b[31m text ", 40),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				Line(s)
			}
		})
	}
}

package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/jsonscan/jsonscantest"
)

// isJSON reports whether all of b is one value.
func isJSON(b []byte, depth int) bool {
	end := jsonscan.Value(b, jsonscan.Space(b, 0), depth)
	return end != jsonscan.None && jsonscan.Space(b, end) == len(b)
}

// valid is what encoding/json reads, less what is not UTF-8.
func valid(b []byte) bool { return json.Valid(b) && utf8.Valid(b) }

func texts() []string {
	texts := []string{
		"", " ", "0", "-0", "-", "01", "1.", "1.5e-7", "1e", "1E+", "1e400", ".5", "+1", "- 1", "true", "tru", "truex", "nul", "False",
		`""`, `"`, `"a`, `"\"`, `"\\"`, `"\/\b\f\n\r\t\u00e9"`, `"\x"`, `"\u12"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`,
		`"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\ud83d\u00"`, `"\ud83d\n"`, `"\u00e9` + strings.Repeat("é", 80) + `\""`, "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\x1f\"", "\"\x00\"", "\"\x7f\"", "\"\n\"",
		"[]", "[ ]", "[,]", "[1,]", "[1 2]", "[1, [2], {}]", "[", "]", "[[1]", "{}", "{ }", `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1,"a":2}`,
		`{a:1}`, `{"a" : [{"b":null}] , "c":false}`, `{"a":1}}`, `{"a":1 "b":2}`, "{,}", "\xef\xbb\xbf{}", "[]\x00", "\v[]", "NaN", "//", "{\"\xff\":1}",
		strings.Repeat("[", 129) + strings.Repeat("]", 129), strings.Repeat(`{"":`, 128) + "1" + strings.Repeat("}", 128), strings.Repeat(`{"":`, 129) + "1" + strings.Repeat("}", 129),
	}
	for _, n := range []int{7, 8, 9, 31, 32, 33, 127, 128, 129, 135, 136, 137, 300} {
		texts = append(texts, `"`+strings.Repeat("x", n)+`"`, `"`+strings.Repeat("é", n)+`\n"`, `"`+strings.Repeat("語", n)+`"`)
	}
	return texts
}

// What is a value to encoding/json is one here, if it is UTF-8, and nothing
// else.
func FuzzValue(f *testing.F) {
	for _, text := range texts() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := isJSON(b, 10_000), valid(b); got != want {
			t.Fatalf("%q is JSON: %t, encoding/json says %t", b, got, want)
		}
		if !valid(b) {
			return
		}
		// A value ends where it ends, whatever follows.
		end := jsonscan.Value(append(slices.Clone(b), "\x00x"...), jsonscan.Space(b, 0), 10_000)
		if string(bytes.TrimSpace(b)) != string(bytes.TrimSpace(b[:end])) {
			t.Errorf("%q ends at %d", b, end)
		}
		deep := deeper(b, jsonscan.MaxDepth)
		if isJSON(b, jsonscan.MaxDepth) == deep || jsonscan.Deep(b) != deep {
			t.Errorf("%q: more than %d deep is %t", b, jsonscan.MaxDepth, deep)
		}
	})
}

// deeper counts with encoding/json.
func deeper(b []byte, than int) bool {
	dec := json.NewDecoder(bytes.NewReader(b))
	for depth := 0; ; {
		token, err := dec.Token()
		switch {
		case err != nil:
			return false
		case token == json.Delim('{') || token == json.Delim('['):
			if depth++; depth > than {
				return true
			}
		case token == json.Delim('}') || token == json.Delim(']'):
			depth--
		}
	}
}

// Strings end where encoding/json has their end, and say what it says they say.
func FuzzString(f *testing.F) {
	for _, text := range texts() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 || b[0] != '"' {
			return
		}
		end, form := jsonscan.String(b, 0)
		var want string
		if end == jsonscan.None {
			if valid(b) {
				t.Fatalf("%q is no string", b)
			}
			return
		}
		quoted := b[:end]
		if byQuotes := jsonscan.StringEnd(b, 0); byQuotes != end {
			t.Errorf("%q ends at %d, by its quotes at %d", b, end, byQuotes)
		}
		if err := json.Unmarshal(quoted, &want); err != nil || !utf8.Valid(quoted) {
			t.Fatalf("%q is a string: %v", quoted, err)
		}
		if got := string(jsonscan.Text(quoted)); got != want {
			t.Errorf("%q says %q, want %q", quoted, got, want)
		}
		if plain := bytes.IndexByte(quoted, '\\') < 0; plain != (form == jsonscan.Plain) {
			t.Errorf("%q is plain: %t", quoted, form == jsonscan.Plain)
		}
		// Half of a pair is all that encoding/json replaces here.
		half := strings.Count(want, "\ufffd") > strings.Count(string(quoted), "\ufffd")+strings.Count(strings.ToLower(string(quoted)), `\ufffd`)
		if half && form != jsonscan.Unpaired {
			t.Errorf("%q has half of a pair", quoted)
		}
	})
}

func TestForm(t *testing.T) {
	for text, want := range map[string]jsonscan.Form{
		`"a"`: jsonscan.Plain, `"\ufffd"`: jsonscan.Escaped, `"\\ud83d"`: jsonscan.Escaped, `"\ud83d\ude00"`: jsonscan.Escaped,
		`"\ud83d"`: jsonscan.Unpaired, `"\ude00"`: jsonscan.Unpaired, `"\ude00\ude00"`: jsonscan.Unpaired, `"\ud7ff\ue000"`: jsonscan.Escaped, `"\ud83d\u0041\n"`: jsonscan.Unpaired, `"\ud83d\\ude00"`: jsonscan.Unpaired,
	} {
		if end, form := jsonscan.String([]byte(text), 0); end != len(text) || form != want {
			t.Errorf("%s: %d, form %d, want %d", text, end, form, want)
		}
	}
}

// What stands at the edge of a word is seen: every byte at every place of a
// string, short or long.
func TestEveryByteInEveryPlace(t *testing.T) {
	lengths := []int{127, 128, 129, 136, 159, 160, 161, 200}
	for n := range 70 {
		lengths = append(lengths, n)
	}
	for _, length := range lengths {
		for at := range length {
			for _, c := range []byte{0, '\t', '\n', 0x1f, ' ', '!', '"', '#', '[', '\\', ']', 0x7f, 0x80, 0xc3, 0xff} {
				text := bytes.Repeat([]byte("x"), length)
				text[at] = c
				for _, behind := range []string{"", ",", `,"abcdefgh"`} {
					b := slices.Concat([]byte{'"'}, text, []byte{'"'}, []byte(behind))
					want := jsonscan.None
					switch {
					case c == '"':
						want = at + 2
					case valid(b[:length+2]):
						want = length + 2
					case c == '\\' && at == length-1 && behind == `,"abcdefgh"`:
						want = length + 4 // the quote that was to end it is escaped
					}
					if end, _ := jsonscan.String(b, 0); end != want {
						t.Fatalf("byte 0x%02x at %d of %d before %q: ends at %d, want %d", c, at, length, behind, end, want)
					}
				}
			}
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, text := range texts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end := jsonscan.Number([]byte(text), 0)
		var n json.Number
		whole := strings.Trim(text, " \t\r\n") == text && text != "null" && !strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(text), &n) == nil
		if whole != (end == len(text) && text != "") {
			t.Fatalf("%q ends at %d", text, end)
		}
		if end > 0 && !json.Valid([]byte(text[:end])) {
			t.Errorf("%q is a number", text[:end])
		}
	})
}

// Object hands out keys and the places of values.
func TestObject(t *testing.T) {
	b := []byte(`{ "a" : 1,"\u0062":[{"c":2}] }x`)
	var got []string
	end := jsonscan.Object(b, 0, func(key []byte, i int) int {
		end := jsonscan.Value(b, i, 5)
		got = append(got, string(jsonscan.Text(key))+"="+string(b[i:end])+"@"+strconv.Itoa(i))
		return end
	})
	if want := []string{"a=1@8", `b=[{"c":2}]@19`}; end != len(b)-1 || !slices.Equal(got, want) {
		t.Errorf("%q, ends at %d; want %q", got, end, want)
	}
	if end := jsonscan.Object(b, 0, func([]byte, int) int { return jsonscan.None }); end != jsonscan.None {
		t.Errorf("goes on to %d", end)
	}
}

// The JSONTestSuite of Nicolas Seriot: y_ files are JSON, n_ files are not.
func TestJSONTestSuite(t *testing.T) {
	for _, file := range jsonscantest.Suite(t, "*.json", 300) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		want := name[0] == 'y' || name[0] == 'i' && valid(b)
		if got := isJSON(b, 10_000); got != want {
			t.Errorf("%s: JSON is %t, want %t", name, got, want)
		}
	}
}

package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// problem is a problem, and the pointer of the value that was being read.
type problem struct {
	jsonscan.Problem
	Pointer string
}

func read(b []byte, index *jsonscan.Index) (ok bool, problems []problem) {
	var r *jsonscan.Reader
	r = jsonscan.NewReader(b, "text", index, func(p jsonscan.Problem) {
		problems = append(problems, problem{p, r.Path().Pointer()})
	})
	return r.Document(r.Any), problems
}

// A reader refuses what the functions refuse, and nothing else; an index that
// was made without it is the index that it makes.
func FuzzReader(f *testing.F) {
	for _, text := range texts() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var slow, fast jsonscan.Index
		ok, problems := read(b, &slow)
		fatal, has := 0, map[jsonscan.Class]int{}
		for _, p := range problems {
			has[p.Class]++
			if p.Fatal {
				fatal++
			}
			if p.Offset < 0 || p.Offset > len(b) || p.Message == "" || strings.ContainsAny(p.Message, "\n\r") && utf8.Valid(b) && p.Class != jsonscan.Syntax {
				t.Errorf("%q: %+v", b, p)
			}
		}
		if ok != (fatal == 0) || fatal > 1 {
			t.Fatalf("%q: read is %t, with %+v", b, ok, problems)
		}
		if has[jsonscan.TooDeep] == 0 && (ok && has[jsonscan.Encoding] == 0) != valid(b) {
			t.Fatalf("%q: encoding/json says %t, the reader %+v", b, json.Valid(b), problems)
		}
		if deep := valid(b) && deeper(b, jsonscan.MaxDepth); deep != (has[jsonscan.TooDeep] > 0) && valid(b) {
			t.Errorf("%q: more than %d deep is %t, %+v", b, jsonscan.MaxDepth, deep, problems)
		}
		read := fast.Read(b)
		if read && problems != nil {
			t.Fatalf("%q: read at once, though %+v", b, problems)
		}
		if odd := bytes.IndexByte(b, '\\') >= 0 || bytes.Count(b, []byte{':'}) > 50; !read && problems == nil && !odd {
			t.Errorf("%q is not read at once", b)
		}
		if !ok {
			return
		}
		elements := dump(&slow)
		if read {
			if diff := cmp.Diff(elements, dump(&fast)); diff != "" {
				t.Errorf("%q (-reader +fast):\n%s", b, diff)
			}
		}
		if has[jsonscan.Encoding] == 0 {
			if want := tokens(t, b); !slices.Equal(want, scalars(&slow)) {
				t.Errorf("%q: %q, encoding/json has %q", b, scalars(&slow), want)
			}
		}
	})
}

// dump is all that an index says.
func dump(x *jsonscan.Index) (all []string) {
	for at := range x.Len() {
		all = append(all, fmt.Sprintf("%c %d %q %d %t %s", x.Kind(at), x.Offset(at), x.Raw(at), x.After(at), x.IsKey(at), x.Path(at).Pointer()))
	}
	return all
}

// scalars is what is neither an array nor an object, keys included.
func scalars(x *jsonscan.Index) (all []string) {
	for at := range x.Len() {
		switch {
		case x.IsString(at):
			all = append(all, string(x.Text(at)))
		case x.Kind(at) != '{' && x.Kind(at) != '[':
			all = append(all, string(x.Raw(at)))
		}
	}
	return all
}

func tokens(t *testing.T, b []byte) (all []string) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return all
		}
		switch token := token.(type) {
		case json.Delim:
		case nil:
			all = append(all, "null")
		default:
			all = append(all, fmt.Sprint(token))
		}
	}
}

func TestReader(t *testing.T) {
	deep := strings.Repeat("[", 129)
	for _, tt := range []struct {
		text string
		want []string // class offset pointer: message | hint
	}{
		{`{"a": [1, "é", true]}`, nil},
		{"", []string{"0 0 : holds no text | "}},
		{" \n", []string{"0 0 : holds no text | "}},
		{`{"a": {"b": [0, tru]}}`, []string{`1 16 /a/b/1: unexpected "tru", want a value | `}},
		{`{"a": True}`, []string{`1 6 /a: unexpected "True", want a value | write true`}},
		{`{"a": 1,}`, []string{`1 8 : unexpected "}", want a key in double quotes | remove the comma before it`}},
		{`{a: 1}`, []string{`1 1 : unexpected "a", want a key in double quotes | put the key in double quotes`}},
		{`{"a" 1}`, []string{`1 5 : unexpected "1", want ":" after the key "a" | `}},
		{`{"a": 1 "b": 2}`, []string{`1 8 : unexpected '"', want "," or "}" | is a comma missing before it?`}},
		{`[1, 2`, []string{"1 5 : the document ends before it is complete | is the document cut off?"}},
		{`[1,]`, []string{`1 3 : unexpected "]", want a value | remove the comma before it`}},
		{`[01]`, []string{"1 1 /0: number begins with 0 | remove the zero, or put the value in double quotes"}},
		{`[1.x]`, []string{`1 3 /0: unexpected "x" in a number, want a digit | `}},
		{`1 {`, []string{`1 2 : unexpected "{" after the end of the text | one document a line, or an array of them`}},
		{"[\"a\nb\"]", []string{`1 3 /0: line end in a string | close the string, or write the line end as \n`}},
		{"[\"a\x01\"]", []string{`1 3 /0: control character U+0001 in a string | write it as \u0001`}},
		{`["\x"]`, []string{`1 2 /0: unexpected "x" after \ in a string | write a backslash as \\`}},
		{`["\u12g4"]`, []string{`1 2 /0: unexpected "g4" in \u, want four hexadecimal digits | `}},
		{`["\ud83d\u12g4"]`, []string{`1 8 /0: unexpected "g4" in \u, want four hexadecimal digits | `}},
		{`["\ude00\u12g4"]`, []string{`6 2 /0: \ude00 is half of a surrogate pair | it stands for no character: the text was probably cut in the middle of one`, `1 8 /0: unexpected "g4" in \u, want four hexadecimal digits | `}},
		{`["abc`, []string{"1 1 /0: string is not closed | is the document cut off?"}},
		{"[\"\xff\xfe\"]", []string{"2 2 /0: byte 0xFF is not UTF-8 | save it as UTF-8"}},
		{"\xef\xbb\xbf1", []string{"2 0 : begins with a byte order mark | save it as UTF-8 without a byte order mark"}},
		{"\xff\xfe1\x00", []string{"2 0 : is UTF-16, want UTF-8 | save it as UTF-8 without a byte order mark"}},
		{`["\ud83d", "\ud83d"]`, []string{`6 2 /0: \ud83d is half of a surrogate pair | it stands for no character: the text was probably cut in the middle of one`}},
		{"{\"a\": 1, \"\\u0061\": 2,\n\n\"a\": 3}", []string{"5 9 /a: is given twice, first on the same line | ", "5 23 /a: is given twice, first 2 lines above | "}},
		{deep, []string{"3 128 " + strings.Repeat("/0", 128) + ": is more than 128 arrays and objects deep | "}},
	} {
		_, problems := read([]byte(tt.text), nil)
		var got []string
		for _, p := range problems {
			got = append(got, fmt.Sprintf("%d %d %s: %s | %s", p.Class, p.Offset, p.Pointer, p.Message, p.Hint))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%.40q (-want +got):\n%s", tt.text, diff)
		}
	}
}

// Many duplicate keys are not all reported, and many keys cost no more than
// a few each.
func TestManyDuplicates(t *testing.T) {
	var b strings.Builder
	b.WriteString("{")
	for n := range 50_000 {
		fmt.Fprintf(&b, `"%d":1,`, n%40_000)
	}
	b.WriteString(`"x":1}`)
	if _, problems := read([]byte(b.String()), nil); len(problems) != 100 || problems[0].Class != jsonscan.DuplicateKey {
		t.Errorf("%d problems", len(problems))
	}
}

func TestPosition(t *testing.T) {
	text := []byte("é\n\n😀x\xff\r\n")
	want := []jsonscan.Position{{1, 1, 0}, {1, 2, 1}, {1, 2, 2}, {2, 1, 3}, {3, 1, 4}}
	for at, want := range want {
		if got := jsonscan.Start.After(text[:at]); got != want {
			t.Errorf("%d: %+v, want %+v", at, got, want)
		}
	}
	if got := jsonscan.Start.After(text).After([]byte("ab")); got != (jsonscan.Position{4, 3, int64(len(text)) + 2}) {
		t.Errorf("%+v", got)
	}
	path := jsonscan.Path{{Key: []byte("a/~")}, {Index: 3}, {Key: []byte("")}, {Key: bytes.Repeat([]byte("é"), 101)}}
	if got, want := path.Pointer(), "/a~1~0/3//"+strings.Repeat("é", 100)+"…"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

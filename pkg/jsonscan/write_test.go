package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

func FuzzAppendString(f *testing.F) {
	for _, text := range []string{
		"", "plain", `"quoted" \ and /`, "<b> & 'x'", "\x00\x01\b\t\n\v\f\r\x1b\x1f\x7f", "é ß Ð 日本 😀",
		"\u0080\u07ff\u2027\u2028\u2029\u202a\ufffd\ufeff", "bad \xff\xc0\xaf\xc1\xbf\xed\xa0\x80 bytes",
		"half \xc3", "half \xe2\x80", "lone \x80\xbf", "\xc3\"", "\xc3\xc3\xa9", strings.Repeat("long 😀\né", 100),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(text); err != nil {
			t.Fatal(err)
		}
		want := "before" + strings.TrimSuffix(b.String(), "\n")
		if got := string(jsonscan.AppendString([]byte("before"), text)); got != want {
			t.Errorf("string: %s, encoding/json has %s", got, want)
		}
		if got := string(jsonscan.AppendString([]byte("before"), []byte(text))); got != want {
			t.Errorf("bytes: %s, encoding/json has %s", got, want)
		}
	})
}

func TestAppend(t *testing.T) {
	got, err := jsonscan.Append([]byte("a "), map[string]any{"b": "<&>", "a": []int{1}})
	if string(got) != `a {"a":[1],"b":"<&>"}` || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := jsonscan.Append([]byte("a "), math.NaN()); string(got) != "a " || err == nil {
		t.Errorf("%s, %v", got, err)
	}
}

// Package jsonscantest holds records that are written without encoding/json to
// what encoding/json makes of them, and finds the public suite of JSON, for tests.
package jsonscantest

import (
	"bytes"
	"encoding"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Texts are strings that are hard to write.
var Texts = []string{
	"", "plain", `"quoted" \ and /`, "<b> & 'x'", "\x00\x01\b\t\n\v\f\r\x1b\x1f\x7f", "é ß 日本 😀",
	"\u2028\u2029\ufffd\u009b\u202e", "bad \xff\xc0\xaf\xed\xa0\x80 bytes", "half \xe2\x80", strings.Repeat("long 😀\n", 100),
}

// Suite are the files of the JSONTestSuite of Nicolas Seriot that pattern names, at
// least so many: y_ files are JSON, n_ files are not, and on i_ files decoders may
// differ. Without the suite the test is skipped.
func Suite(t *testing.T, pattern string, least int) []string {
	t.Helper()
	suites := os.Getenv("JULIANCTL_SUITES")
	if suites == "" {
		t.Skip("JULIANCTL_SUITES is not set: it names the folder that JSONTestSuite was cloned to")
	}
	files, err := filepath.Glob(filepath.Join(suites, "JSONTestSuite", "test_parsing", pattern))
	if err != nil || len(files) < least {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}

// Same reports a record that appendJSON writes in another way than encoding/json
// does without its escapes for HTML, or writes though encoding/json refuses it.
func Same[T any](t *testing.T, r T, appendJSON func(*T, []byte) ([]byte, error)) {
	t.Helper()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	wantErr := enc.Encode(r)
	got, err := appendJSON(&r, []byte("before"))
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("error %v, encoding/json has %v", err, wantErr)
	}
	if diff := cmp.Diff("before"+want.String(), string(got)+"\n"); err == nil && diff != "" {
		t.Errorf("(-encoding/json +appendJSON):\n%s", diff)
	}
}

// Fields is Same of records in which each field is set, alone and together with
// those before it: a field that is added later is among them.
func Fields[T any](t *testing.T, appendJSON func(*T, []byte) ([]byte, error)) {
	t.Helper()
	var none T
	Same(t, none, appendJSON)
	for _, text := range Texts {
		var all T
		fields := reflect.ValueOf(&all).Elem()
		for i := range fields.NumField() {
			var alone T
			setField(t, reflect.ValueOf(&alone).Elem().Field(i), text)
			Same(t, alone, appendJSON)
			setField(t, fields.Field(i), text)
			Same(t, all, appendJSON)
			if field := reflect.ValueOf(&alone).Elem().Field(i); field.Kind() == reflect.Pointer {
				field.Set(reflect.New(field.Type().Elem())) // to nothing
				Same(t, alone, appendJSON)
			}
		}
	}
}

// setField sets v, and all below it, to something that is not its zero value.
func setField(t *testing.T, v reflect.Value, text string) {
	t.Helper()
	switch value := v.Addr().Interface().(type) {
	case *time.Time:
		*value = time.Unix(1e9, 120e6)
		return
	case *json.RawMessage:
		*value = json.RawMessage(`{"a":[1,"\u2028"]}`)
		return
	case encoding.TextMarshaler:
		if v.Kind() == reflect.Slice {
			v.SetBytes([]byte(text))
			return
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			setField(t, field, text)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		setField(t, v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		setField(t, v.Index(0), text)
		setField(t, v.Index(1), text)
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		setField(t, value, text)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(text), value)
	case reflect.String:
		v.SetString(text + v.Type().Name())
	case reflect.Float64:
		v.SetFloat(46.25)
	case reflect.Int, reflect.Int64:
		v.SetInt(-46)
	case reflect.Uint8:
		v.SetUint(0xfe)
	case reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("a record has a %s: say how to set it", v.Type())
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/validate"
)

// sameAsStandard holds appendJSON to encoding/json.
func sameAsStandard(t *testing.T, r listenRecord) {
	t.Helper()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	wantErr := enc.Encode(r)
	got, err := r.appendJSON([]byte("before"))
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("error %v, encoding/json has %v", err, wantErr)
	}
	if diff := cmp.Diff("before"+want.String(), string(got)+"\n"); err == nil && diff != "" {
		t.Errorf("(-encoding/json +appendJSON):\n%s", diff)
	}
}

var recordTexts = []string{
	"", "plain", `"quoted" \ and /`, "<b> & 'x'", "\x00\x01\b\t\n\v\f\r\x1b\x1f\x7f", "é ß 日本 😀",
	"\u2028\u2029\ufffd\u009b\u202e", "bad \xff\xc0\xaf\xed\xa0\x80 bytes", "half \xe2\x80", strings.Repeat("long 😀\n", 100),
}

// Every field of a record, also one that is added, is written as the standard
// library would: alone, and with all the others.
func TestListenRecordIsStandard(t *testing.T) {
	sameAsStandard(t, listenRecord{})
	for _, text := range recordTexts {
		var all listenRecord
		fields := reflect.ValueOf(&all).Elem()
		for i := range fields.NumField() {
			var alone listenRecord
			setField(t, reflect.ValueOf(&alone).Elem().Field(i), text)
			sameAsStandard(t, alone)
			setField(t, fields.Field(i), text)
			sameAsStandard(t, all)
		}
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 0.001, -3, 46.25, 1e-6, 9.99e-7, 1e20, 1e21, 1e300, math.NaN(), math.Inf(1)} {
		sameAsStandard(t, listenRecord{TookMS: f})
	}
	for _, year := range []int{-1, 0, 1, 2026, 9999, 10000} {
		sameAsStandard(t, listenRecord{Received: time.Date(year, 12, 31, 23, 59, 59, 999999999, time.FixedZone("", -3600))})
		sameAsStandard(t, listenRecord{Received: time.Date(year, 1, 2, 3, 4, 5, 120000, time.UTC)})
	}
	sameAsStandard(t, listenRecord{Header: http.Header{}})
	sameAsStandard(t, listenRecord{Header: http.Header{"B": nil, "A": {}, "\xff<": {"x", "\u2028"}, "b": {""}}})
	sameAsStandard(t, listenRecord{Body: new(bodyText), BodyBase64: []byte{}})
	sameAsStandard(t, listenRecord{Issues: []validate.Issue{}})
}

// setField sets v, and all below it, to something that is not its zero value.
func setField(t *testing.T, v reflect.Value, text string) {
	switch value := v.Addr().Interface().(type) {
	case *time.Time:
		*value = time.Unix(1e9, 120e6)
		return
	case *bodyText:
		*value = bodyText(text)
		return
	case *json.RawMessage:
		*value = json.RawMessage(`{"a":[1,"\u2028"]}`)
		return
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

func FuzzListenRecord(f *testing.F) {
	for _, text := range recordTexts {
		f.Add(text, 46.25, int64(1e9))
	}
	f.Fuzz(func(t *testing.T, text string, number float64, nanoseconds int64) {
		body := []byte(text)
		sameAsStandard(t, listenRecord{
			Received: time.Unix(0, nanoseconds), URI: text, Header: http.Header{text: {text}}, TookMS: number,
			Size: nanoseconds, Body: (*bodyText)(&body),
		})
	})
}

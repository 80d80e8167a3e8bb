package generate_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
)

// standard is the encoding that Encode is held to.
func standard(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func sameAsStandard(t *testing.T, e julian.CallEvent) {
	t.Helper()
	want, wantErr := standard(e)
	got, err := generate.Encode(e)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("error %v, encoding/json has %v", err, wantErr)
	}
	if diff := cmp.Diff(string(want), string(got)); err == nil && diff != "" {
		t.Errorf("(-encoding/json +Encode):\n%s", diff)
	}
}

// texts are strings that encoders differ on.
var texts = []string{
	"", "plain", `"quoted" \ and /`, "<b> & 'x'", "\x00\x01\b\t\n\v\f\r\x1b\x1f\x7f", "é ß 日本 😀",
	"\u2028\u2029\ufffd\u009b\u202e", "bad \xff\xc0\xaf\xed\xa0\x80 bytes", "half \xe2\x80", strings.Repeat("long 😀\n", 100),
}

// Every field of the event, also one that is added, is encoded as the standard
// library would.
func TestEncodeIsStandard(t *testing.T) {
	sameAsStandard(t, julian.CallEvent{})
	for round, text := range texts {
		var e julian.CallEvent
		n := round
		setAll(reflect.ValueOf(&e).Elem(), text, &n)
		sameAsStandard(t, e)
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 0.5, -3, 46.25, 1 << 53, 1e15, 1e21, 1e300, 1e-7, math.NaN(), math.Inf(1)} {
		sameAsStandard(t, julian.CallEvent{Duration: f})
	}
	for _, year := range []int{-1, 0, 1, 1969, 2026, 9999, 10000} {
		at := julian.Timestamp{Time: time.Date(year, 12, 31, 23, 59, 59, 999999999, time.FixedZone("", -3600))}
		sameAsStandard(t, julian.CallEvent{ScheduledAt: at})
		sameAsStandard(t, julian.CallEvent{RescheduledAt: &at})
	}
	sameAsStandard(t, julian.CallEvent{CustomInputVariables: map[string]any{
		"z": nil, "b": true, "a": 1, "n": 1.5, "list": []any{"<", map[string]any{"y": 1, "x": "\u2028"}}, "<k\xff>": json.Number("12"),
		"1": 1, "2": 2, "3": 3, "4": 4,
	}})
	sameAsStandard(t, julian.CallEvent{CustomInputVariables: map[string]any{"bad": func() {}}})
	sameAsStandard(t, julian.CallEvent{CRMSchedulingDetails: map[string]any{}})
}

// setAll sets every field below v to something that is not its zero value.
func setAll(v reflect.Value, text string, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(int64(1e9+*n), int64(*n)*1e6)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			setAll(field, text, n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		setAll(v.Elem(), text, n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		setAll(v.Index(0), text, n)
		setAll(v.Index(1), text, n)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]any{text: text, "n": *n, "a": []any{text}}))
	case reflect.String:
		v.SetString(text + v.Type().Name())
	case reflect.Float64:
		v.SetFloat(float64(*n))
	}
}

// What is encoded decodes to the same event, and ends without a line break.
func TestEncodeRoundTrip(t *testing.T) {
	g := generate.New(1)
	for range 200 {
		e := g.Event(g.Draw(generate.Spec{}))
		sameAsStandard(t, e)
		body, err := generate.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		var back julian.CallEvent
		if err := json.Unmarshal(body, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Fatalf("round trip (-event +decoded):\n%s", diff)
		}
	}
}

func FuzzEncode(f *testing.F) {
	for _, text := range texts {
		f.Add(text, 46.0)
	}
	f.Fuzz(func(t *testing.T, text string, number float64) {
		sameAsStandard(t, julian.CallEvent{Name: text, Duration: number, CustomInputVariables: map[string]any{text: text, "n": number}})
	})
}

package jsonscan

import (
	"cmp"
	"math"
	"strconv"
	"time"
)

// Writer appends the members of an object, each with what stands before its
// value: a bracket or comma, the key and a colon. It keeps its first error.
//
// It is for records that are written by the hundred thousand, and leaves what is
// rare to encoding/json.
type Writer struct {
	B   []byte
	Err error
}

// Raw adds s as it is.
func (w *Writer) Raw(s string) { w.B = append(w.B, s...) }

// Text adds a string.
func (w *Writer) Text(before, s string) {
	w.Raw(before)
	w.B = AppendString(w.B, s)
}

// SomeText is Text that is left out when it is empty.
func (w *Writer) SomeText(before, s string) {
	if s != "" {
		w.Text(before, s)
	}
}

// Texts adds a list of strings, or null.
func (w *Writer) Texts(before string, all []string) {
	w.Raw(before)
	if all == nil {
		w.Raw(`null`)
		return
	}
	w.Raw(`[`)
	for i, s := range all {
		if i > 0 {
			w.Raw(`,`)
		}
		w.Text("", s)
	}
	w.Raw(`]`)
}

// Integer adds a whole number.
func (w *Writer) Integer(before string, n int64) {
	w.Raw(before)
	w.B = strconv.AppendInt(w.B, n, 10)
}

// Number adds f. What is written with an exponent is left to encoding/json.
func (w *Writer) Number(before string, f float64) {
	if size := math.Abs(f); size < 1e-6 && f != 0 || !(size < 1e21) {
		w.Value(before, f)
		return
	}
	w.Raw(before)
	w.B = strconv.AppendFloat(w.B, f, 'f', -1, 64)
}

// Bool adds true or false.
func (w *Writer) Bool(before string, b bool) {
	w.Raw(before)
	w.B = strconv.AppendBool(w.B, b)
}

// Time adds t as RFC 3339.
func (w *Writer) Time(before string, t time.Time) {
	w.Raw(before)
	w.Raw(`"`)
	b, err := t.AppendText(w.B)
	w.B, w.Err = b, cmp.Or(w.Err, err)
	w.Raw(`"`)
}

// Value adds v as encoding/json does.
func (w *Writer) Value(before string, v any) {
	w.Raw(before)
	b, err := Append(w.B, v)
	w.B, w.Err = b, cmp.Or(w.Err, err)
}

package deliveryview

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/jsonscan/jsonscantest"
	"github.com/julianctl/julianctl/pkg/validate"
)

// sameRecord holds AppendJSON to encoding/json.
func sameRecord(t *testing.T, r Record) {
	t.Helper()
	jsonscantest.Same(t, r, (*Record).AppendJSON)
}

// Every field of a record, also one that is added, is written as the standard
// library would: alone, and with all the others.
func TestListenRecordIsStandard(t *testing.T) {
	jsonscantest.Fields(t, (*Record).AppendJSON)
	for _, f := range []float64{0, math.Copysign(0, -1), 0.001, -3, 46.25, 1e-6, 9.99e-7, 1e20, 1e21, 1e300, math.NaN(), math.Inf(1)} {
		sameRecord(t, Record{TookMS: f})
	}
	for _, year := range []int{-1, 0, 1, 2026, 9999, 10000} {
		sameRecord(t, Record{Received: time.Date(year, 12, 31, 23, 59, 59, 999999999, time.FixedZone("", -3600))})
		sameRecord(t, Record{Received: time.Date(year, 1, 2, 3, 4, 5, 120000, time.UTC)})
	}
	sameRecord(t, Record{Header: http.Header{}})
	sameRecord(t, Record{Header: http.Header{"B": nil, "A": {}, "\xff<": {"x", "\u2028"}, "b": {""}}})
	sameRecord(t, Record{Body: new(bodyText), BodyBase64: []byte{}})
	sameRecord(t, Record{Issues: []validate.Issue{}})
}

func FuzzListenRecord(f *testing.F) {
	for _, text := range jsonscantest.Texts {
		f.Add(text, 46.25, int64(1e9))
	}
	f.Fuzz(func(t *testing.T, text string, number float64, nanoseconds int64) {
		body := []byte(text)
		sameRecord(t, Record{
			Received: time.Unix(0, nanoseconds), URI: text, Header: http.Header{text: {text}}, TookMS: number,
			Size: nanoseconds, Body: (*bodyText)(&body),
		})
	})
}

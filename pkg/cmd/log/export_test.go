package log

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/jsonscan/jsonscantest"
)

// Every field of a record of the log, also one that is added, is written as the
// standard library would.
func TestLoggedRecordIsStandard(t *testing.T) {
	jsonscantest.Fields(t, (*loggedRecord).appendJSON)
	seconds := 46.25
	for _, r := range []loggedRecord{
		{},
		{
			ID: 1, First: 2, Record: deliveryview.Record{URI: "/<\u2028"}, Scheme: "https", Seconds: &seconds, Name: "\xff", Direction: "inbound",
			Errors: 3, Warnings: 4, SHA256: "ab", Attempts: []deliveryview.Attempt{{By: "log resend", Answer: &deliveryview.Answer{}}},
		},
		{Attempts: []deliveryview.Attempt{}},
	} {
		jsonscantest.Same(t, r, (*loggedRecord).appendJSON)
	}
}

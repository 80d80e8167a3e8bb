package listen

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/receive"
)

func TestTally(t *testing.T) {
	expect := expectFlags{exitAfter: 0, unique: -1, until: []string{"a=1"}}
	if err := expect.check(); err != nil {
		t.Fatal(err)
	}
	both := expect
	both.exitAfter = 2
	type step struct {
		body   string
		failed bool
		done   bool
	}
	tests := map[string]struct {
		want  expectFlags
		steps []step
	}{
		"until":                {expect, []step{{`{"a":2}`, false, false}, {`{"a":1}`, true, false}, {`{"a":1}`, false, true}}},
		"until and exit-after": {both, []step{{`{"a":1}`, false, false}, {`{"a":2}`, true, false}, {`{"a":2}`, false, true}}},
		"exit-after":           {expectFlags{exitAfter: 1, unique: -1}, []step{{"x", true, false}, {"x", false, true}}},
		"nothing":              {expectFlags{unique: -1}, []step{{"x", false, false}}},
	}
	for name, tt := range tests {
		tally := newTally(tt.want)
		for i, s := range tt.steps {
			shown := &deliveryview.Shown{Delivery: answeredDelivery(s.failed), Inflated: []byte(s.body)}
			if tally.add(shown, false); tally.complete() != s.done || (tally.missed() == "") != (s.done || name == "nothing") {
				t.Errorf("%s, step %d: complete %v, missed %q", name, i, tally.complete(), tally.missed())
			}
		}
	}
}

func answeredDelivery(failed bool) *receive.Delivery {
	d := &receive.Delivery{Entry: journal.Entry{Outcome: &journal.Outcome{Status: 204}}}
	if failed {
		d.Outcome.Status, d.Fault.Failed = 503, true
	}
	return d
}

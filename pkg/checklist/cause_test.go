package checklist_test

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/checklist"
)

// Two failures have one cause only where nothing else is wrong with either.
func TestSameCause(t *testing.T) {
	effects := func(after ...int) (all []check.Effect) {
		for _, n := range after {
			all = append(all, check.Effect{Want: 1, After: n})
		}
		return all
	}
	failed := func(id string, effects []check.Effect, said ...string) check.Result {
		return check.Result{ID: id, Verdict: fail, Effects: effects, Message: said[0], Details: said[1:]}
	}
	late := failed("final-count", effects(2), "processed 2 times", "delivered by repeat 1")
	late.Related = []string{"repeat"}
	merged := late
	merged.Related = []string{"repeat", "near-ids"}
	repeat, large := failed("repeat", effects(2), "processed 2 times"), failed("large-payload", nil, "a transcript: 413 Too Large")
	for name, tt := range map[string]struct {
		r, before check.Result
		want      string
	}{
		"doubled too":          {failed("together", effects(8, 1), "processed 8 times"), repeat, "repeat"},
		"doubled at the end":   {late, repeat, "repeat"},
		"too large too":        {failed("size-slope", nil, "the transcript: 413 Too Large", "outcomes: 413 Too Large"), large, "large-payload"},
		"lost as well":         {failed("together", effects(8, 0), "processed 0 to 8 times"), repeat, ""},
		"refused as well":      {failed("lost-ack", effects(2), "processed 2 times", "redelivery: 500"), repeat, ""},
		"ids that are merged":  {failed("near-ids", effects(2), "processed 2 times"), repeat, ""},
		"merged, at the end":   {merged, repeat, ""},
		"nothing was doubled":  {failed("together", effects(1), "a copy: 500"), repeat, ""},
		"repeat failed so too": {failed("together", effects(8), "processed 8 times"), failed("repeat", effects(1), "repeat: 500"), ""},
		"slow as well":         {failed("size-slope", nil, "the transcript: 413 Too Large", "9 times as long"), large, ""},
		"it passed":            {check.Result{ID: "together", Verdict: pass, Effects: effects(8)}, repeat, ""},
	} {
		if got := checklist.SameCause(tt.r, []check.Result{tt.before}); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

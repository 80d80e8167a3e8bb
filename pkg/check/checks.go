package check

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
)

// Checks is the registry, in the order in which they run. To add a check is to
// add a row.
var Checks = []Check{
	{
		ID: "sample", Group: "accepts", Title: "accepts the documented sample", run: sample,
		Why: "the sample is the one payload that the provider promises",
		How: "delivers the sample byte for byte; a 2xx passes",
	},
	{
		ID: "result-types", Group: "accepts", Title: "accepts every result type", run: resultTypes,
		Why: "a consumer tried with one outcome breaks on the first busy line",
		How: "delivers a call of each of the 13 result types; all must be answered with a 2xx",
	},
	{
		ID: "lifecycle-statuses", Group: "accepts", Title: "accepts every lifecycle status", run: lifecycleStatuses,
		Why: "the status says whether a contact is still to be called; a refused one is lost",
		How: "delivers a call of each of the 4 lifecycle statuses; all must be answered with a 2xx",
	},
	{
		ID: "repeat", Group: "idempotency", Title: "acknowledges a repeat", run: repeat,
		Why: "deliveries may repeat; one that is refused looks like a failure to the sender",
		How: "delivers a call, then the same bytes again; both must be answered with a 2xx (answers only: what the endpoint stored is not seen)",
	},
	{
		ID: "budget", Group: "speed", Title: "answers within the budget", run: budget,
		Why: "a slow acknowledgement is a time-out at the sender, and a time-out is a repeat",
		How: "delivers 20 calls one after the other and holds the time to each answer against --budget",
	},
	{
		ID: "malformed-json", Group: "robustness", Title: "refuses malformed JSON without 5xx", run: malformedJSON,
		Why: "a 5xx asks for the same body again and again; a 2xx throws it away unseen",
		How: "delivers bodies that are no JSON: each must be answered with a 4xx, and a good call afterwards with a 2xx",
	},
}

func sample(ctx context.Context, t *trial) finding {
	a := t.send(ctx, "sample", "call.abc123", julian.Sample())
	switch {
	case unreachable(a):
		return nobody(a)
	case !acknowledged(a):
		return finding{verdict: Fail, message: describe(a)}
	}
	return finding{verdict: Pass, message: describe(a)}
}

func resultTypes(ctx context.Context, t *trial) finding {
	return t.acceptsAll(ctx, valueNames(julian.ResultTypes()), func(name string) generate.Spec {
		return generate.Spec{ResultType: julian.ResultType(name)}
	})
}

func lifecycleStatuses(ctx context.Context, t *trial) finding {
	return t.acceptsAll(ctx, valueNames(julian.LifecycleStatuses()), func(name string) generate.Spec {
		return generate.Spec{Lifecycle: julian.LifecycleStatus(name)}
	})
}

func repeat(ctx context.Context, t *trial) finding {
	body, id, first := t.call(ctx, "first delivery", generate.Spec{})
	switch {
	case unreachable(first):
		return nobody(first)
	case !acknowledged(first):
		return finding{verdict: Fail, message: "the first delivery was not acknowledged: " + describe(first)}
	}
	second := t.send(ctx, "repeat", id, body)
	if !acknowledged(second) {
		return finding{verdict: Fail, message: fmt.Sprintf("first %d, repeat %s", first.Status, describe(second))}
	}
	return finding{verdict: Pass, message: fmt.Sprintf("%d, again %d; effects unseen", first.Status, second.Status)}
}

// budgetCalls is how many answers the budget is held against.
const budgetCalls = 20

func budget(ctx context.Context, t *trial) finding {
	var took []time.Duration
	for i := range budgetCalls {
		_, _, a := t.call(ctx, fmt.Sprintf("call %d", i+1), generate.Spec{})
		switch {
		case unreachable(a):
			return nobody(a)
		case !acknowledged(a):
			return finding{verdict: Fail, message: fmt.Sprintf("call %d: %s", i+1, describe(a))}
		}
		took = append(took, a.Latency())
	}
	slices.Sort(took)
	var over []string
	for _, l := range t.budget {
		if got := percentile(took, l.Percentile); got > l.Max {
			over = append(over, fmt.Sprintf("%s is %s, over %s", l.Name, round(got), l.Max))
		}
	}
	measured := fmt.Sprintf("p50 %s p95 %s max %s",
		round(percentile(took, 50)), round(percentile(took, 95)), round(percentile(took, 100)))
	if over != nil {
		return finding{verdict: Fail, message: strings.Join(over, ", "), details: []string{measured}}
	}
	return finding{verdict: Pass, message: measured}
}

// percentile is the nearest-rank percentile p, over 0 and up to 100, of sorted
// values, of which there is at least one.
func percentile(sorted []time.Duration, p float64) time.Duration {
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func round(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return d.Round(time.Microsecond)
	}
	return d.Round(100 * time.Microsecond)
}

func malformedJSON(ctx context.Context, t *trial) finding {
	good := julian.Sample()
	bodies := []struct {
		what string
		body []byte
	}{
		{"a truncated payload", good[:len(good)/2]},
		{"a payload with a trailing comma", []byte(`{"callId":"call.julianctl-malformed",}`)},
		{"plain text", []byte("not JSON at all")},
		{"single quotes", []byte(`{'callId': 'call.julianctl-malformed'}`)},
	}
	var wrong []string
	for _, b := range bodies {
		a := t.send(ctx, b.what, "", b.body)
		switch {
		case unreachable(a):
			return nobody(a)
		case acknowledged(a):
			wrong = append(wrong, fmt.Sprintf("%s: acknowledged with %d, so nobody will send it again", b.what, a.Status))
		case a.Err != nil || a.Status/100 != 4:
			wrong = append(wrong, fmt.Sprintf("%s: %s", b.what, describe(a)))
		}
	}
	_, _, after := t.call(ctx, "a good call afterwards", generate.Spec{})
	if !acknowledged(after) {
		wrong = append(wrong, "a good call afterwards: "+describe(after))
	}
	if wrong != nil {
		return finding{verdict: Fail, message: fmt.Sprintf("%d of %d answers are wrong", len(wrong), len(bodies)+1), details: wrong}
	}
	return finding{verdict: Pass, message: fmt.Sprintf("%d refused, a good one taken", len(bodies))}
}

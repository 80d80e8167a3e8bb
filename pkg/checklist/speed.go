package checklist

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/units"
)

// within makes a check of timed deliveries that are held against the budget.
func within(deliveries func(*check.Trial) []deliver.Answer) func(*check.Trial) check.Conclusion {
	return func(t *check.Trial) check.Conclusion {
		var n check.Notes
		answers := deliveries(t)
		limited := 0
		for _, a := range answers {
			if n.Answered = n.Answered || a.Status != 0; check.AsksToWait(a) {
				limited++
				continue
			}
			n.Ack("an acknowledgement", a)
		}
		if limited > 0 {
			n.Warn("%d of %d: asked to come again later, with a 429, a 503 or a Retry-After", limited, len(answers))
		}
		took := latencies(answers)
		t.Timed(took)
		return func() check.Finding {
			if len(took) == 0 {
				n.Undecided("nothing was acknowledged")
				return n.Finding("")
			}
			var over []string
			sorted := slices.Sorted(slices.Values(took))
			for _, l := range t.Options.Budget {
				if got := check.Percentile(sorted, l.Percentile); got > l.Max {
					over = append(over, fmt.Sprintf("%s is %s, over %s", l.Name, units.Against(got, l.Max), units.Exactly(l.Max)))
				}
			}
			if over != nil {
				n.Fail("%s (%s)", strings.Join(over, ", "), t.Result.Latency)
			}
			return n.Finding("%s", t.Result.Latency)
		}
	}
}

// latencies are those of the deliveries that were acknowledged.
func latencies(answers []deliver.Answer) []time.Duration {
	var took []time.Duration
	for _, a := range answers {
		if check.Acknowledged(a) {
			took = append(took, a.Latency())
		}
	}
	return took
}

const (
	warmCalls = 30
	coldCalls = 10
	slowCalls = 5 // are enough where each takes seconds
)

func warm(t *check.Trial) []deliver.Answer {
	answers := make([]deliver.Answer, min(warmCalls, t.Counter.Affords(2*warmCalls)/2))
	began := time.Now()
	for i := range answers {
		if i >= slowCalls && time.Since(began) > slowTimes/2*t.Options.Slow {
			return answers[:i]
		}
		answers[i] = t.Send("kept-alive connection", t.Call(generate.Spec{}))
	}
	return answers
}

func cold(t *check.Trial) []deliver.Answer {
	answers := make([]deliver.Answer, coldCalls)
	for i := range answers {
		answers[i] = t.As("connection of its own", t.Call(generate.Spec{}), deliver.WireOptions{})
	}
	return answers
}

func inBurst(t *check.Trial) []deliver.Answer {
	calls := t.Calls(burst)
	return t.AndAgain("one of a burst", calls, t.Burst("one of a burst", calls, 0))
}

const (
	slopeCalls = 3                      // of each size
	slopeAgain = 2                      // times, where the whole takes longer
	growing    = 500 * time.Millisecond // what is faster may be chance
)

// shape is one way in which a call may be long. Sizes are a sixteenth, a quarter and
// the whole of what it makes.
type shape struct {
	what string
	unit string // of most
	most int
	// sized is a call of this size.
	sized func(c check.Call, n int) check.Call
	// usual: the others are rare, and to refuse them with a 4xx is worth a look.
	usual bool
}

// repeated is a list, or an object, of n items.
func repeated(n int, open, shut string, item func(i int) string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = item(i)
	}
	return open + strings.Join(items, ",") + shut
}

var shapes = []shape{
	{what: "the transcript", unit: "B", most: 1 << 20, usual: true, sized: func(c check.Call, n int) check.Call {
		const line = "Agent: So what would help you most?\nUser: One that answers at night.\n"
		return c.With("callResult.transcription", quote(strings.Repeat(line, n/len(line)+1)[:n-1]+"."))
	}},
	{what: "a transcript of short lines", unit: "B", most: 1 << 19, usual: true, sized: func(c check.Call, n int) check.Call {
		const line = "User: Yes\n"
		return c.With("callResult.transcription", quote(strings.Repeat(line, n/len(line))))
	}},
	{what: "a transcript of one line", unit: "B", most: 1 << 20, usual: true, sized: func(c check.Call, n int) check.Call {
		return c.With("callResult.transcription", quote("User: "+strings.Repeat("and then ", n/9)))
	}},
	{what: "the number of outcomes", most: 8192, usual: true, sized: func(c check.Call, n int) check.Call {
		return c.With("callResult.outcomes", repeated(n, "[", "]", func(i int) string { return fmt.Sprintf(`{"name":"outcome_%d","reasoning":"One of many."}`, i) }))
	}},
	{what: "the number of actions", most: 4096, sized: func(c check.Call, n int) check.Call {
		return c.With("callResult.agentActions", repeated(n, "[", "]", func(i int) string {
			return fmt.Sprintf(`{"description":"Action %d","status":"completed","actionKey":"action_%[1]d","completedAt":"2026-01-20T14:05:00.000Z","metadata":{}}`, i)
		}))
	}},
	{what: "the number of variables", most: 4096, sized: func(c check.Call, n int) check.Call {
		variables := repeated(n, "{", "}", func(i int) string { return fmt.Sprintf(`"variable_%d":"value %[1]d"`, i) })
		return c.With("customInputVariables", variables).With("callResult.extractedVariables", variables)
	}},
	{what: "the summary", unit: "B", most: 1 << 16, sized: func(c check.Call, n int) check.Call {
		return c.With("callResult.summary", quote(strings.Repeat("and then ", n/9)))
	}},
}

// sizes of a shape, as a share of the whole.
var sizes = []int{16, 4, 1}

// timesOf delivers calls of each size of a shape and returns the least time to an
// answer of each: what came between is not the endpoint's. ok is false where one of
// them was not taken.
func (s shape) timesOf(t *check.Trial, n *check.Notes, calls int) (times []time.Duration, ok bool) {
	for _, share := range sizes {
		var took []time.Duration
		what := fmt.Sprintf("%s, %s", s.what, s.text(s.most/share))
		for range calls {
			a := t.Send(what, s.sized(t.Call(generate.Spec{}), s.most/share))
			n.Answered = n.Answered || a.Status != 0
			switch {
			case check.Acknowledged(a):
				took = append(took, max(0, a.Answered.Sub(a.Sent)))
			case !s.usual && a.Err == nil && a.Status/100 == 4 && !check.Limited(a):
				n.Warn("%s: %s", what, a.Describe())
				return nil, false
			default:
				n.Ack(what, a)
				return nil, false
			}
		}
		times = append(times, slices.Min(took))
	}
	return times, true
}

func (s shape) text(n int) string {
	if s.unit != "" {
		return units.Size(n)
	}
	return units.Number(n)
}

func (s shape) measured(times []time.Duration) string {
	var parts []string
	for i, share := range sizes {
		parts = append(parts, units.Time(times[i])+" for "+s.text(s.most/share))
	}
	return strings.Join(parts, ", ")
}

// sizeSlope looks for work before the answer, which grows with what there is to
// work on: four times as much takes four times as long at most. The time to send is
// left out.
func sizeSlope(t *check.Trial) check.Conclusion {
	var n check.Notes
	passed := ""
	for _, s := range shapes {
		times, ok := s.timesOf(t, &n, slopeCalls)
		if !ok {
			continue
		}
		grows := func(factor time.Duration) bool { return times[2]-times[1] > growing && times[2] > factor*times[1] }
		longer := func() bool { return times[2]-times[0] > t.Options.Slope }
		// Once more, and again: something else may have taken the time, of the quarter too.
		for tries := 0; tries < slopeAgain && ok && (grows(4) || longer()); tries++ {
			var again []time.Duration
			again, ok = s.timesOf(t, &n, slopeCalls-1)
			for i := range again {
				times[i] = min(times[i], again[i])
			}
		}
		if !ok {
			continue
		}
		switch {
		case grows(9):
			n.Fail("the time to the answer grows faster than %s: %s", s.what, s.measured(times))
		case longer():
			n.Warn("the answer waits for %s: %s", s.what, s.measured(times))
		}
		passed = cmp.Or(passed, s.measured(times))
	}
	return func() check.Finding { return n.Finding("%s; %d shapes", passed, len(shapes)) }
}

const largeBurst = 500

func largeBurstTaken(t *check.Trial) check.Conclusion {
	var n check.Notes
	// One that holds its budget with 50 at once may take ten times as long for ten
	// times as many: here it is not held to a budget.
	const longest = 30 * time.Second
	patience := largeBurst / burst * mostOf(t.Options.Budget)
	answers := t.Burst("one of a burst", t.Calls(largeBurst), min(patience, longest))
	t.Timed(latencies(answers))
	counts := map[string]int{}
	refused, busy := 0, 0
	for _, a := range answers {
		n.Answered = n.Answered || a.Status != 0
		if errors.Is(a.Err, deliver.Timeout) && t.Gone == nil {
			t.Gone = a.Err // until it answers a plain call again
		}
		switch {
		case check.Acknowledged(a):
			continue
		case check.AsksToWait(a):
			busy++
		default:
			refused++
			counts[a.Describe()]++
		}
	}
	var after deliver.Answer
	if refused > 0 {
		after = t.Send("a call after the burst", t.Call(generate.Spec{}))
	}
	return func() check.Finding {
		var how []string
		for what, times := range counts {
			how = append(how, fmt.Sprintf("%d × %s", times, what))
		}
		slices.Sort(how)
		switch {
		case refused > 0 && check.Acknowledged(after):
			n.Warn("%d of %d, and a call afterwards is taken: %s", refused, largeBurst, strings.Join(how, ", "))
		case refused > 0:
			n.Fail("%d of %d, and a call afterwards is not taken (%s): %s", refused, largeBurst, after.Describe(), strings.Join(how, ", "))
		}
		if busy > 0 {
			n.Warn("%d of %d: asked to come again later, with a 429, a 503 or a Retry-After, and nobody knows when the sender does", busy, largeBurst)
		}
		return n.Finding("%d at once acknowledged (%s)", largeBurst, t.Result.Latency)
	}
}

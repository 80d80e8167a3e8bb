package checklist

import (
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
		n.Acks("an acknowledgement", answers)
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
)

func warm(t *check.Trial) []deliver.Answer {
	answers := make([]deliver.Answer, warmCalls)
	for i := range answers {
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

func crowded(t *check.Trial) []deliver.Answer { return t.Together("one of a burst", t.Calls(burst)) }

const (
	smallTranscript = 1 << 10
	largeTranscript = 1 << 20
	slopeCalls      = 3 // of each size
)

// sizeSlope looks for work before the answer, which grows with what there is to
// work on. The time to send is left out.
func sizeSlope(t *check.Trial) check.Conclusion {
	var n check.Notes
	best := map[int]time.Duration{} // of a size: what came between is not the endpoint's
	for _, size := range []int{smallTranscript, largeTranscript / 4, largeTranscript} {
		var took []time.Duration
		for range slopeCalls {
			c := t.Call(generate.Spec{Transcript: &generate.Range{Min: size, Max: size}})
			what := "transcript of " + units.Size(size)
			if a := t.Send(what, c); n.Ack(what, a) {
				took = append(took, max(0, a.Answered.Sub(a.Sent)))
			}
		}
		if len(took) == slopeCalls {
			best[size] = slices.Min(took)
		}
	}
	return func() check.Finding {
		if len(best) < 3 {
			n.Undecided("not every size was acknowledged")
			return n.Finding("")
		}
		small, middle, large := best[smallTranscript], best[largeTranscript/4], best[largeTranscript]
		measured := fmt.Sprintf("%s for 1KiB, %s for 256KiB, %s for 1MiB", units.Time(small), units.Time(middle), units.Time(large))
		switch {
		case large-middle > 500*time.Millisecond && large > 9*middle:
			n.Fail("the time to the answer grows faster than the transcript: %s", measured)
		case large-small > t.Options.Slope:
			n.Warn("the answer waits for the transcript: %s", measured)
		}
		return n.Finding("%s", measured)
	}
}

const largeBurst = 500

func largeBurstTaken(t *check.Trial) check.Conclusion {
	var n check.Notes
	// One that holds its budget with 50 at once may take ten times as long for ten
	// times as many: here it is not held to a budget.
	const longest = 30 * time.Second
	var patience time.Duration
	for _, l := range t.Options.Budget {
		patience = max(patience, largeBurst/burst*l.Max)
	}
	client := t.Options.Client.WithMinTimeout(min(patience, longest))
	defer client.Close()
	answers := t.TogetherBy(client, "one of a burst", t.Calls(largeBurst))
	t.Timed(latencies(answers))
	counts := map[string]int{}
	refused, busy := 0, 0
	for _, a := range answers {
		n.Answered = n.Answered || a.Status != 0
		switch {
		case check.Acknowledged(a):
			continue
		case a.Err == nil && a.Status == 429:
			busy++
		default:
			refused++
			counts[a.Describe()]++
		}
	}
	return func() check.Finding {
		var how []string
		for what, times := range counts {
			how = append(how, fmt.Sprintf("%d × %s", times, what))
		}
		slices.Sort(how)
		if refused > 0 {
			n.Fail("%d of %d: %s", refused, largeBurst, strings.Join(how, ", "))
		}
		if busy > 0 {
			n.Warn("%d of %d: 429 Too Many Requests, and nobody knows when the sender tries again", busy, largeBurst)
		}
		return n.Finding("%d at once acknowledged (%s)", largeBurst, t.Result.Latency)
	}
}

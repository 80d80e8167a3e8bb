package check

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/units"
)

// within makes a check of timed deliveries that are held against the budget.
func within(deliveries func(*trial) []deliver.Answer) func(*trial) judgement {
	return func(t *trial) judgement {
		var n notes
		answers := deliveries(t)
		n.acks("an acknowledgement", answers)
		took := latencies(answers)
		t.timed(took)
		return func() finding {
			if len(took) == 0 {
				n.undecided("nothing was acknowledged")
				return n.finding("")
			}
			var over []string
			sorted := slices.Sorted(slices.Values(took))
			for _, l := range t.o.Budget {
				if got := percentile(sorted, l.Percentile); got > l.Max {
					over = append(over, fmt.Sprintf("%s is %s, over %s", l.Name, units.Against(got, l.Max), units.Exactly(l.Max)))
				}
			}
			if over != nil {
				n.fail("%s (%s)", strings.Join(over, ", "), t.result.Latency)
			}
			return n.finding("%s", t.result.Latency)
		}
	}
}

// latencies are those of the deliveries that were acknowledged.
func latencies(answers []deliver.Answer) []time.Duration {
	var took []time.Duration
	for _, a := range answers {
		if acknowledged(a) {
			took = append(took, a.Latency())
		}
	}
	return took
}

// timed keeps latencies as evidence.
func (t *trial) timed(took []time.Duration) {
	if len(took) == 0 {
		return
	}
	for _, d := range took {
		t.result.Samples = append(t.result.Samples, units.Milliseconds(d))
	}
	sorted := slices.Sorted(slices.Values(took))
	at := func(p float64) float64 { return units.Milliseconds(percentile(sorted, p)) }
	t.result.Latency = &Times{Count: len(took), P50: at(50), P95: at(95), P99: at(99), Max: at(100)}
}

func (t *Times) String() string {
	return fmt.Sprintf("p50 %s  p95 %s  p99 %s  max %s", units.Time(units.FromMilliseconds(t.P50)), units.Time(units.FromMilliseconds(t.P95)), units.Time(units.FromMilliseconds(t.P99)), units.Time(units.FromMilliseconds(t.Max)))
}

// percentile is the nearest-rank percentile p, over 0 and up to 100, of sorted
// values, of which there is at least one.
func percentile(sorted []time.Duration, p float64) time.Duration {
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

const (
	warmCalls = 30
	coldCalls = 10
)

func warm(t *trial) []deliver.Answer {
	answers := make([]deliver.Answer, warmCalls)
	for i := range answers {
		answers[i] = t.send("kept-alive connection", t.call(generate.Spec{}))
	}
	return answers
}

func cold(t *trial) []deliver.Answer {
	answers := make([]deliver.Answer, coldCalls)
	for i := range answers {
		answers[i] = t.as("connection of its own", t.call(generate.Spec{}), deliver.WireOptions{})
	}
	return answers
}

func crowded(t *trial) []deliver.Answer { return t.together("one of a burst", t.calls(burst)) }

const (
	smallTranscript = 1 << 10
	largeTranscript = 1 << 20
	slopeCalls      = 3 // of each size
)

// sizeSlope looks for work before the answer, which grows with what there is to
// work on. The time to send is left out.
func sizeSlope(t *trial) judgement {
	var n notes
	best := map[int]time.Duration{} // of a size: what came between is not the endpoint's
	for _, size := range []int{smallTranscript, largeTranscript / 4, largeTranscript} {
		var took []time.Duration
		for range slopeCalls {
			c := t.call(generate.Spec{Transcript: &generate.Range{Min: size, Max: size}})
			what := "transcript of " + units.Size(size)
			if a := t.send(what, c); n.ack(what, a) {
				took = append(took, max(0, a.Answered.Sub(a.Sent)))
			}
		}
		if len(took) == slopeCalls {
			best[size] = slices.Min(took)
		}
	}
	return func() finding {
		if len(best) < 3 {
			n.undecided("not every size was acknowledged")
			return n.finding("")
		}
		small, middle, large := best[smallTranscript], best[largeTranscript/4], best[largeTranscript]
		measured := fmt.Sprintf("%s for 1KiB, %s for 256KiB, %s for 1MiB", units.Time(small), units.Time(middle), units.Time(large))
		switch {
		case large-middle > 500*time.Millisecond && large > 9*middle:
			n.fail("the time to the answer grows faster than the transcript: %s", measured)
		case large-small > t.o.Slope:
			n.warn("the answer waits for the transcript: %s", measured)
		}
		return n.finding("%s", measured)
	}
}

const largeBurst = 500

func largeBurstTaken(t *trial) judgement {
	var n notes
	// One that holds its budget with 50 at once may take ten times as long for ten
	// times as many: here it is not held to a budget.
	const longest = 30 * time.Second
	var patience time.Duration
	for _, l := range t.o.Budget {
		patience = max(patience, largeBurst/burst*l.Max)
	}
	client := t.o.Client.WithMinTimeout(min(patience, longest))
	defer client.Close()
	answers := t.togetherBy(client, "one of a burst", t.calls(largeBurst))
	t.timed(latencies(answers))
	counts := map[string]int{}
	refused, busy := 0, 0
	for _, a := range answers {
		n.answered = n.answered || a.Status != 0
		switch {
		case acknowledged(a):
			continue
		case a.Err == nil && a.Status == 429:
			busy++
		default:
			refused++
			counts[a.Describe()]++
		}
	}
	return func() finding {
		var how []string
		for what, times := range counts {
			how = append(how, fmt.Sprintf("%d × %s", times, what))
		}
		slices.Sort(how)
		if refused > 0 {
			n.fail("%d of %d: %s", refused, largeBurst, strings.Join(how, ", "))
		}
		if busy > 0 {
			n.warn("%d of %d: 429 Too Many Requests, and nobody knows when the sender tries again", busy, largeBurst)
		}
		return n.finding("%d at once acknowledged (%s)", largeBurst, t.result.Latency)
	}
}

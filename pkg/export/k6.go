package export

import (
	"bytes"
	_ "embed"
	"fmt"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/units"
)

// deliverJS is the script after the plan.
//
//go:embed deliver.js
var deliverJS []byte

// k6Plan is the input of the script. Times are in milliseconds, or durations in the form
// of k6.
type k6Plan struct {
	Files        []string            `json:"files"`
	InARow       int                 `json:"inARow"` // deliveries of an iteration
	Concurrency  int                 `json:"concurrency"`
	Rate         float64             `json:"rate"`     // deliveries a second; 0: as answers come
	Delay        float64             `json:"delay"`    // between copies
	Duration     float64             `json:"duration"` // 0: no end
	MaxDuration  string              `json:"maxDuration"`
	GracefulStop string              `json:"gracefulStop"`
	Timeout      string              `json:"timeout"`
	Insecure     bool                `json:"insecure"`
	Expect       string              `json:"expect"`
	Statuses     []any               `json:"statuses"` // a number, or k6Range
	Thresholds   map[string][]string `json:"thresholds"`
	Secrets      map[string]string   `json:"secrets"` // header to variable
}

type k6Range struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// forever is longer than any run; k6 would end one after ten minutes.
const forever = 365 * 24 * time.Hour

// script is a k6 script that makes the deliveries of m's shards.
func (e Export) script(m *Manifest) []byte {
	timeout := e.timeout()
	p := k6Plan{
		InARow:      e.consecutive(),
		Concurrency: max(e.Plan.Concurrency, 1),
		Rate:        e.Plan.Rate,
		Delay:       units.Milliseconds(e.Plan.Delay),
		Duration:    units.Milliseconds(e.Duration),
		MaxDuration: forever.String(),
		// Deliveries in flight are completed.
		GracefulStop: (time.Duration(e.consecutive())*(timeout+e.Plan.Delay) + time.Second).String(),
		Timeout:      timeout.String(),
		Insecure:     e.Insecure,
		Expect:       e.Plan.Expect.String(),
		Statuses:     k6Statuses(e.Plan.Expect),
		Thresholds:   map[string][]string{"checks": {"rate==1"}},
		Secrets:      map[string]string{},
	}
	for i := range m.Shards {
		p.Files = append(p.Files, shardName(i, len(m.Shards)))
	}
	if e.Duration > 0 {
		p.MaxDuration = e.Duration.String()
	} else {
		p.Thresholds["dropped_iterations"] = []string{"count==0"}
	}
	for _, l := range e.Limits {
		name := fmt.Sprintf("p(%v)", l.Percentile)
		if l.Percentile == 100 {
			name = "max"
		}
		p.Thresholds["delivery_latency"] = append(p.Thresholds["delivery_latency"], fmt.Sprintf("%s<=%v", name, units.Milliseconds(l.Max)))
	}
	for _, name := range e.Secrets {
		p.Secrets[name] = Variable(name)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `// julianctl export k6, run %s: %d deliveries of %d payloads.
//
// Run it with: k6 run %s. On several machines, each with all files:
//   k6 run --execution-segment 0:1/3   --execution-segment-sequence 0,1/3,2/3,1 %[4]s
//   k6 run --execution-segment 1/3:2/3 --execution-segment-sequence 0,1/3,2/3,1 %[4]s
//   k6 run --execution-segment 2/3:1   --execution-segment-sequence 0,1/3,2/3,1 %[4]s

import encoding from 'k6/encoding';
import exec from 'k6/execution';
import http from 'k6/http';
import { check, sleep } from 'k6';
import { SharedArray } from 'k6/data';
import { Trend } from 'k6/metrics';

const plan = %s;
`, m.Run, m.Deliveries, m.Payloads, ScriptFile, jsonText(p))
	b.Write(deliverJS)
	return b.Bytes()
}

// k6Statuses returns the ranges of s; a single status is a number.
func k6Statuses(s deliver.Statuses) (out []any) {
	for low := 200; low < 600; low++ {
		if !s.Has(low) {
			continue
		}
		high := low
		for high < 599 && s.Has(high+1) {
			high++
		}
		if high == low {
			out = append(out, low)
		} else {
			out = append(out, k6Range{low, high})
		}
		low = high
	}
	return out
}

func (e Export) timeout() time.Duration {
	if e.Timeout > 0 {
		return e.Timeout
	}
	return 30 * time.Second
}

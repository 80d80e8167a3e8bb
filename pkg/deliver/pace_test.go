package deliver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/payload"
)

// stalling answers at once, but for the time from after to until, of which it
// answers nothing before the end.
func stalling(start time.Time, after, until time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			if raw, _ := readRequest(r); raw == nil {
				return
			}
			if at := time.Since(start); after <= at && at < until {
				<-time.After(until - at)
			}
			if _, err := io.WriteString(c, ok204); err != nil {
				return
			}
		}
	}
}

// A stall of one second in a run of five is a p99 of nearly a second: latency
// counts from when a delivery was due, also where the bound on those on the way
// held it back.
func TestPaceShowsStall(t *testing.T) {
	for _, concurrency := range []int{1, 8, 1000} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, serving := pipeClient(t, Options{}, stalling(time.Now(), 2*time.Second, 3*time.Second))
				got := c.Run(t.Context(), documents(1000), Plan{Rate: 200, Concurrency: concurrency}, nil)
				c.Close()
				serving.Wait()
				if got.OK != 1000 || got.Elapsed != 4995*time.Millisecond {
					t.Errorf("%d answered in %s", got.OK, got.Elapsed)
				}
				if p50, p99 := got.Latency.At(50), got.Latency.At(99); p50 > time.Millisecond || p99 < 940*time.Millisecond || p99 > time.Second {
					t.Errorf("p50 %s, p99 %s", p50, p99)
				}
				// 200 were due in the stall. All but those on the way waited, the
				// last one or two less than counts as late.
				late := max(0, 200-concurrency)
				if n := got.Pace.Late; late == 0 && n != 0 || late > 0 && (n > late || n < late-3) {
					t.Errorf("%d late, want %d", n, late)
				}
			})
		})
	}
}

// Deliveries are begun when they are due, to the moment: errors do not add up.
func TestPaceIsAbsolute(t *testing.T) {
	tests := []struct {
		name string
		plan Plan
		want []time.Duration // due, by delivery
	}{
		{"one by one", Plan{Rate: 4}, []time.Duration{0, 250, 500}},
		{"less than one a second", Plan{Rate: 0.5}, []time.Duration{0, 2000, 4000}},
		{"together", Plan{Rate: 4, Mode: AtOnce, Duplicates: 1}, []time.Duration{0, 0, 500, 500, 1000, 1000}},
		// The duplicate is due with the answer to the first, 100 ms later.
		{"after", Plan{Rate: 4, Duplicates: 1}, []time.Duration{0, 100, 500, 600, 1000, 1100}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, serving := pipeClient(t, Options{}, func(c net.Conn) {
					r := bufio.NewReader(c)
					for raw, _ := readRequest(r); raw != nil; raw, _ = readRequest(r) {
						<-time.After(100 * time.Millisecond)
						_, _ = io.WriteString(c, ok204)
					}
				})
				tt.plan.Concurrency = 8
				start := time.Now()
				var due []time.Duration
				got := c.Run(t.Context(), documents(3), tt.plan, func(r Result) {
					due = append(due, r.Answer.Due.Sub(start)/time.Millisecond)
					if late := r.Answer.Sent.Sub(r.Answer.Due); late != 0 {
						t.Errorf("sent %s after it was due", late)
					}
				})
				c.Close()
				serving.Wait()
				if d := cmp.Diff(tt.want, due); d != "" {
					t.Errorf("due in ms (-want +got):\n%s", d)
				}
				if p := got.Pace; p.Late != 0 || p.Missed != 0 || p.Reached() != tt.plan.Rate || p.Lateness.Count() != 3 {
					t.Errorf("%+v, reached %v", p, p.Reached())
				}
			})
		})
	}
}

// A run that is ended says how many deliveries were due by then and not begun.
func TestPaceMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, serving := pipeClient(t, Options{}, stalling(time.Now(), 0, time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), 9950*time.Millisecond)
		defer cancel()
		got := c.Run(ctx, documents(10_000), Plan{Rate: 10, Concurrency: 20}, nil)
		c.Close()
		serving.Wait()
		// Due at 0, 0.1, … 9.9 s: 100, of which 20 are on the way.
		if got.Planned != 20 || got.Errors[Timeout] != 20 || got.Pace.Missed != 80 {
			t.Errorf("%d planned, %v, %d missed", got.Planned, got.Errors, got.Pace.Missed)
		}
	})
	synctest.Test(t, func(t *testing.T) { // nothing was due yet
		c, serving := pipeClient(t, Options{}, stalling(time.Now(), 0, 0))
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		got := c.Run(ctx, documents(10), Plan{Rate: 1}, nil)
		c.Close()
		serving.Wait()
		if got.Sent != 1 || got.Pace.Missed != 0 || got.Elapsed != 500*time.Millisecond {
			t.Errorf("%d sent, %d missed in %s", got.Sent, got.Pace.Missed, got.Elapsed)
		}
	})
}

// A source that pauses does not make what follows it late, nor a burst.
func TestPaceOfSlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, serving := pipeClient(t, Options{}, stalling(time.Now(), 0, 0))
		docs := func(yield func(payload.Document, error) bool) {
			for range 3 {
				<-time.After(10 * time.Second)
				for doc, err := range documents(2) {
					if !yield(doc, err) {
						return
					}
				}
			}
		}
		start := time.Now()
		var due []time.Duration
		got := c.Run(t.Context(), docs, Plan{Rate: 2, Concurrency: 8}, func(r Result) {
			due = append(due, r.Answer.Due.Sub(start)/time.Millisecond)
		})
		c.Close()
		serving.Wait()
		if d := cmp.Diff([]time.Duration{10_000, 10_500, 20_500, 21_000, 31_000, 31_500}, due); d != "" {
			t.Errorf("due in ms (-want +got):\n%s", d)
		}
		if got.Pace.Late != 0 || got.Latency.Max() > time.Millisecond {
			t.Errorf("%d late, latency up to %s", got.Pace.Late, got.Latency.Max())
		}
	})
}

// Over a real network, with real timers.
func TestPaceOverNetwork(t *testing.T) {
	noLeaks(t)
	s := httptest.NewServer(handler(204, nil, ""))
	defer s.Close()
	c := newClient(t, s.URL, Options{Timeout: 10 * time.Second})
	got := c.Run(t.Context(), documents(200), Plan{Rate: 1000, Concurrency: 64}, nil)
	c.Close()
	if got.OK != 200 || got.Elapsed < 199*time.Millisecond {
		t.Errorf("%d answered in %s: faster than asked for", got.OK, got.Elapsed)
	}
	t.Logf("reached %.0f of 1000 a second, median lateness %s", got.Pace.Reached(), got.Pace.Lateness.At(50))
}

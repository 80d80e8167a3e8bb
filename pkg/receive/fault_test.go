package receive

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/record"
)

// The seed and the number of a delivery alone decide, and one rate does not
// change what another does.
func TestFaultsAreDeterministic(t *testing.T) {
	const n = 10_000
	play := func(f Faults) (failed, dropped []int64, delays time.Duration) {
		for seq := range int64(n) {
			fault := f.of(&Delivery{Seq: seq, Nth: 9})
			if fault.Failed {
				failed = append(failed, seq)
			}
			if fault.Dropped {
				dropped = append(dropped, seq)
			}
			if fault.Delay < f.MinDelay || fault.Delay > f.MaxDelay {
				t.Fatalf("delay %s", fault.Delay)
			}
			delays += fault.Delay
		}
		return failed, dropped, delays / n
	}
	one := Faults{Seed: 1, FailRate: 0.1}
	failed, _, _ := play(one)
	again, _, _ := play(one)
	if d := cmp.Diff(failed, again); d != "" {
		t.Error(d)
	}
	if share := float64(len(failed)) / n; math.Abs(share-0.1) > 0.02 {
		t.Errorf("%g failed", share)
	}
	if other, _, _ := play(Faults{Seed: 2, FailRate: 0.1}); cmp.Equal(failed, other) {
		t.Error("another seed does the same")
	}
	both := Faults{Seed: 1, FailRate: 0.1, DropRate: 0.3, MinDelay: time.Second, MaxDelay: 3 * time.Second}
	stillFailed, dropped, delay := play(both)
	if share := float64(len(dropped)) / n; math.Abs(share-0.3) > 0.03 {
		t.Errorf("%g dropped", share)
	}
	all := map[int64]bool{}
	for _, seq := range append(stillFailed, dropped...) {
		if all[seq] {
			t.Fatalf("%d is both", seq)
		}
		all[seq] = true
	}
	for _, seq := range failed {
		if !all[seq] {
			t.Fatalf("%d suffers nothing", seq)
		}
	}
	if math.Abs(delay.Seconds()-2) > 0.1 {
		t.Errorf("mean delay %s", delay)
	}
}

func TestFaultsOf(t *testing.T) {
	tests := []struct {
		faults Faults
		d      Delivery
		want   string
	}{
		{Faults{}, Delivery{Seq: 1, Nth: 1}, ""},
		{Faults{FailRate: 1}, Delivery{Seq: 1}, "failed"},
		{Faults{DropRate: 1}, Delivery{Seq: 1}, "dropped"},
		{Faults{DropRate: 1, FailRate: 1, FailFirst: 1}, Delivery{Seq: 1, Nth: 1}, "dropped"},
		{Faults{FailFirst: 2}, Delivery{Nth: 1}, "failed"},
		{Faults{FailFirst: 2}, Delivery{Nth: 2}, "failed"},
		{Faults{FailFirst: 2}, Delivery{Nth: 3}, ""},
		{Faults{FailFirst: 2}, Delivery{Nth: 0}, ""}, // without a call id
		{Faults{MinDelay: time.Second, MaxDelay: time.Second, FailFirst: 1}, Delivery{Nth: 1}, "delayed 1s, failed"},
		{Faults{FailRate: 1, DropRate: 1, MaxDelay: time.Hour}, Delivery{Entry: record.Entry{Delivery: record.Delivery{Refusal: WrongPath}}}, ""},
	}
	for _, tt := range tests {
		if got := tt.faults.of(&tt.d).String(); got != tt.want {
			t.Errorf("%+v of copy %d: %q, want %q", tt.faults, tt.d.Nth, got, tt.want)
		}
	}
}

// What each fault does to the sender, the store, the forwarder and the record.
func TestFaultsAreSuffered(t *testing.T) { bothWays(t, testFaultsAreSuffered) }

func testFaultsAreSuffered(t *testing.T, netHTTP bool) {
	tests := []struct {
		name      string
		faults    Faults
		forward   bool
		answer    string
		status    int
		forwarded bool
		answered  bool
	}{
		{"failed", Faults{FailRate: 1}, false, "HTTP/1.1 503 Service Unavailable", 503, false, false},
		{"failed otherwise", Faults{FailFirst: 1, FailStatus: 500}, false, "HTTP/1.1 500 Internal Server Error", 500, false, false},
		{"failed before it was forwarded", Faults{FailRate: 1}, true, "HTTP/1.1 503 Service Unavailable", 503, false, false},
		{"dropped", Faults{DropRate: 1}, false, "", 0, false, false},
		{"dropped after it was forwarded", Faults{DropRate: 1}, true, "", 0, true, false},
		{"none", Faults{}, true, "HTTP/1.1 201 Created", 201, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stored []string
			opts := Options{netHTTP: netHTTP, Faults: tt.faults, Store: func(_ context.Context, d *Delivery) error {
				stored = append(stored, d.Fault.String())
				return nil
			}}
			if tt.forward {
				opts.Forward = func(context.Context, *Delivery) (ForwardAnswer, error) { return ForwardAnswer{Status: 201}, nil }
			}
			r := run(t, opts)
			if got := statusLine(r.exchange(post("/"))); got != tt.answer {
				t.Errorf("answer %q", got)
			}
			d := r.end()[0]
			if d.Outcome.Status != tt.status || (d.Outcome.Forward != nil) != tt.forwarded || d.Answered() != tt.answered || string(d.Body) != payload {
				t.Errorf("saw %+v", d)
			}
			if d := cmp.Diff([]string{d.Fault.String()}, stored); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDelay(t *testing.T) { bothWays(t, testDelay) }

func testDelay(t *testing.T, netHTTP bool) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		r := serve(t, Options{netHTTP: netHTTP, Faults: Faults{MinDelay: 20 * time.Second, MaxDelay: 20 * time.Second}}, ln)
		if got := answer(ln.send(t, post("/"))); got != "HTTP/1.1 204 No Content after 20s" {
			t.Errorf("got %q", got)
		}
		// No delay outlasts the drain time.
		late := ln.send(t, post("/"))
		synctest.Wait()
		start := time.Now()
		go func() { _, _ = io.ReadAll(late) }()
		seen := r.end()
		if took := time.Since(start); took != DefaultDrainTimeout || len(seen) != 2 || seen[0].Outcome.Took != 20*time.Second {
			t.Errorf("ended after %s, %d seen", took, len(seen))
		}
	})
}

func TestAcknowledgementWithBody(t *testing.T) { bothWays(t, testAcknowledgementWithBody) }

func testAcknowledgementWithBody(t *testing.T, netHTTP bool) {
	r := run(t, Options{netHTTP: netHTTP, Status: 202, Body: []byte(`{"ok":true}`), ContentType: "application/json"})
	answer := r.exchange(post("/"))
	for _, part := range []string{"HTTP/1.1 202 Accepted\r\n", "\r\nContent-Type: application/json\r\n", "\r\nContent-Length: 11\r\n", "\r\n\r\n{\"ok\":true}"} {
		if !strings.Contains(answer, part) {
			t.Errorf("no %q in %q", part, answer)
		}
	}
}

func TestFullStore(t *testing.T) { bothWays(t, testFullStore) }

func testFullStore(t *testing.T, netHTTP bool) {
	r := run(t, Options{netHTTP: netHTTP, Store: func(context.Context, *Delivery) error { return fmt.Errorf("disk: %w", ErrFull) }, Faults: Faults{DropRate: 1}})
	if got := r.exchange(post("/")); statusLine(got) != "HTTP/1.1 507 Insufficient Storage" || !strings.Contains(got, "Retry-After: 1\r\n") {
		t.Errorf("answer %q", got)
	}
	if d := r.end()[0]; d.Refusal != NoRoom || d.Outcome.Status != 507 || d.Fault != (Fault{}) {
		t.Errorf("saw %+v", d)
	}
}

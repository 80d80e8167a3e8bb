package sender

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tries delivers one call on a clock of this speed to an endpoint that answers with
// statuses in turn, the last one for good, and returns the times of the tries on the
// clock.
func tries(t *testing.T, p Profile, speed float64, statuses ...int) (times []time.Duration, result Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		origin := time.Now()
		clock := NewClock(origin, speed, 0)
		var mu sync.Mutex
		s := &Sender{
			Profile: p, Clock: clock,
			Send: func(_ context.Context, try Try) (got []int) {
				mu.Lock()
				defer mu.Unlock()
				for range try.Copies {
					times = append(times, try.At.Sub(origin).Round(time.Millisecond))
					got = append(got, statuses[min(len(times), len(statuses))-1])
				}
				return got
			},
			Done: func(r Result) { result = r },
		}
		s.Deliver(origin, &Call{ID: "call.1"})
		clock.Run(t.Context())
		if n := pending(clock); n != 0 || result.Call == nil {
			t.Errorf("%d functions left, done with %+v", n, result)
		}
	})
	result.Call = nil
	return times, result
}

func times(text string) (list []time.Duration) {
	for word := range strings.FieldsSeq(text) {
		d, err := time.ParseDuration(word)
		if err != nil {
			panic(err)
		}
		list = append(list, d)
	}
	return list
}

// Each profile tries when its row says so, and no longer, at any speed of the clock.
func TestTimesOfTries(t *testing.T) {
	for _, tt := range []struct {
		profile  string
		statuses []int
		want     string // without jitter and spread
		result   Result
	}{
		{"once", []int{204}, "0s", Result{Delivered: true, Tries: 1, First: true}},
		{"once", []int{500}, "0s", Result{Tries: 1, Status: 500}},
		{"once", []int{0}, "0s", Result{Tries: 1}},

		{"retell", []int{500}, "0s 0s 0s 0s", Result{Tries: 4, Status: 500}},
		{"retell", []int{400}, "0s 0s 0s 0s", Result{Tries: 4, Status: 400}},
		{"retell", []int{0, 302, 200}, "0s 0s 0s", Result{Delivered: true, Tries: 3, Status: 302}},

		{"elevenlabs", []int{503}, "0s 0s 30s 2m30s 10m30s 40m30s", Result{Tries: 6, Status: 503}},
		{"elevenlabs", []int{429, 408, 500, 200}, "0s 0s 30s 2m30s", Result{Delivered: true, Tries: 4, Status: 500, Late: 150 * time.Second}},
		{"elevenlabs", []int{404}, "0s", Result{Tries: 1, Status: 404}},
		{"elevenlabs", []int{500, 401}, "0s 0s", Result{Tries: 2, Status: 401}},
		{"elevenlabs", []int{0}, "0s", Result{Tries: 1}},

		{"dialpad", []int{500}, "0s 2s 6s 14s", Result{Tries: 4, Status: 500}},
		{"dialpad", []int{503, 204}, "0s 2s", Result{Delivered: true, Tries: 2, Status: 503, Late: 2 * time.Second}},
		{"dialpad", []int{429}, "0s", Result{Tries: 1, Status: 429}},
		{"dialpad", []int{400}, "0s", Result{Tries: 1, Status: 400}},
		{"dialpad", []int{0}, "0s 0s 0s", Result{Tries: 3}},

		{"telnyx", []int{200}, "0s 0s 0s", Result{Delivered: true, Tries: 3, First: true}},
		{"telnyx", []int{500}, "0s 0s 0s 0s 0s 0s 0s 0s 0s", Result{Tries: 9, Status: 500}},

		{"worst", []int{200}, "0s 0s 1m0s 24h0m0s 24h0m0s", Result{Delivered: true, Tries: 5, First: true}},
		{"worst", []int{500, 0, 500, 500, 200}, "0s 0s 0s 0s 1s 1s 1m0s 24h0m0s 24h0m0s", Result{Delivered: true, Tries: 9, Status: 500, Late: time.Second}},
	} {
		for _, speed := range []float64{1, 60, 1440, math.Inf(1)} {
			t.Run(fmt.Sprint(tt.profile, tt.statuses, speed), func(t *testing.T) {
				p, err := Find(tt.profile)
				if err != nil {
					t.Fatal(err)
				}
				p.Jitter, p.Spread = 0, 0
				got, result := tries(t, p, speed, tt.statuses...)
				slices.Sort(got)
				result.Late = result.Late.Round(time.Millisecond)
				if diff := cmp.Diff(times(tt.want), got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.result, result); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Jitter and spread stay within their row, differ between calls, and not between runs
// of one seed.
func TestDrawnTimes(t *testing.T) {
	p, _ := Find("elevenlabs")
	got, _ := tries(t, p, 1, 500)
	for i, want := range times("0s 0s 30s 2m30s 10m30s 40m30s") {
		if got[i] < want || got[i] > want+want/10 || i > 1 && got[i] == want {
			t.Errorf("try %d at %s, want %s and up to a tenth more", i+1, got[i], want)
		}
	}
	again, _ := tries(t, p, 1, 500)
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("same seed, other times:\n%s", diff)
	}
}

// run delivers calls that end a second apart, and returns what arrives, in order.
func run(t *testing.T, profile string, calls int, status func(Try) int) (arrived []string, results []Result) {
	t.Helper()
	p, err := Find(profile)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock(time.Now(), 1, 0)
		var mu sync.Mutex
		s := &Sender{
			Profile: p, Clock: clock,
			Send: func(_ context.Context, try Try) []int {
				mu.Lock()
				defer mu.Unlock()
				for range try.Copies {
					arrived = append(arrived, string(try.Body))
				}
				return slices.Repeat([]int{status(try)}, try.Copies)
			},
			Done: func(r Result) {
				mu.Lock()
				defer mu.Unlock()
				results = append(results, r)
			},
		}
		for i := range calls {
			id := fmt.Sprint(i)
			s.Deliver(clock.Now().Add(time.Duration(i)*time.Second), &Call{ID: id, Body: []byte(id + " newer"), Older: []byte(id + " older")})
		}
		clock.Run(t.Context())
	})
	return arrived, results
}

func ok(Try) int { return 200 }

// The profiles that promise it send calls out of order, and an older content of a call
// after the newer.
func TestOrder(t *testing.T) {
	for _, p := range Profiles {
		arrived, results := run(t, p.Name, 20, ok)
		newer := slices.DeleteFunc(slices.Clone(arrived), func(s string) bool { return strings.HasSuffix(s, " older") })
		overtakes := !slices.IsSortedFunc(newer, func(a, b string) int {
			var i, j int
			_, _ = fmt.Sscan(a, &i)
			_, _ = fmt.Sscan(b, &j)
			return i - j
		})
		late := false
		for i, s := range arrived {
			id, is := strings.CutSuffix(s, " older")
			late = late || is && slices.Contains(arrived[:i], id+" newer")
		}
		special := p.Name == "telnyx" || p.Name == "worst"
		if overtakes != special || late != special || p.SendsOlder() != special {
			t.Errorf("%s: calls overtake %t, older after newer %t, sends older %t; want %t", p.Name, overtakes, late, p.SendsOlder(), special)
		}
		if want := 20 * max(1, len(arrived)/20); len(results) != 20 || len(arrived) != want {
			t.Errorf("%s: %d deliveries, %d calls", p.Name, len(arrived), len(results))
		}
	}
}

// Ten failures in a row disable the endpoint, unless it acknowledged one lately.
func TestDisabled(t *testing.T) {
	arrived, results := run(t, "elevenlabs", 20, func(Try) int { return 400 })
	if len(arrived) != 10 || len(results) != 20 {
		t.Errorf("%d tries of %d calls, want 10 of 20", len(arrived), len(results))
	}
	for _, r := range results {
		if r.Unsent != (r.Tries == 0) || r.Delivered {
			t.Errorf("%+v", r)
		}
	}
	arrived, _ = run(t, "elevenlabs", 20, func(try Try) int {
		if try.Call.ID == "0" {
			return 200
		}
		return 400
	})
	if len(arrived) != 20 {
		t.Errorf("%d tries, want 20: one was acknowledged within a week", len(arrived))
	}
	if arrived, _ := run(t, "retell", 20, func(Try) int { return 400 }); len(arrived) != 80 {
		t.Errorf("%d tries, want 80: retell disables nothing", len(arrived))
	}
}

// A success begins the count of failures anew.
func TestFailuresInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock(time.Now(), 1, 0)
		sent := 0
		s := &Sender{Profile: Profile{Disable: 3}, Clock: clock, Send: func(context.Context, Try) []int {
			sent++
			return []int{map[bool]int{true: 200, false: 500}[sent%3 == 0]}
		}}
		for i := range 12 {
			s.Deliver(clock.Now().Add(time.Duration(i)*time.Second), &Call{ID: fmt.Sprint(i)})
		}
		clock.Run(t.Context())
		if sent != 12 || s.Disabled() {
			t.Errorf("%d sent, disabled %t", sent, s.Disabled())
		}
	})
}

// A call of which only the older content was acknowledged is not delivered.
func TestOlderIsNotDelivered(t *testing.T) {
	_, results := run(t, "telnyx", 3, func(try Try) int {
		if try.Older {
			return 200
		}
		return 500
	})
	for _, r := range results {
		if r.Delivered || r.Tries != 7 || r.Status != 500 {
			t.Errorf("%+v", r)
		}
	}
}

// A context that ends leaves what is not delivered, and claims nothing of it.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		clock := NewClock(time.Now(), 1, 0)
		p, _ := Find("elevenlabs")
		s := &Sender{Profile: p, Clock: clock, Send: func(context.Context, Try) []int { return []int{500} }, Done: func(r Result) { t.Errorf("done with %+v", r) }}
		s.Deliver(clock.Now(), &Call{ID: "call.1"})
		clock.Run(ctx)
		if pending(clock) != 1 {
			t.Errorf("%d pending, want 1", pending(clock))
		}
	})
}

// At infinite speed what has one key runs one after the other, in the order of due,
// though other keys run meanwhile.
func TestKeysAtInfiniteSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock(time.Now(), math.Inf(1), 8)
		var mu sync.Mutex
		got := map[string][]int{}
		most, running := 0, 0
		for _, i := range []int{3, 1, 2, 0} {
			for _, key := range []string{"a", "b", "c"} {
				clock.At(clock.Now().Add(time.Duration(i)*time.Hour), key, func(context.Context, time.Time) {
					mu.Lock()
					running++
					most = max(most, running)
					mu.Unlock()
					time.Sleep(time.Second) // of the bubble
					mu.Lock()
					running--
					got[key] = append(got[key], i)
					mu.Unlock()
				})
			}
		}
		clock.Run(t.Context())
		want := []int{0, 1, 2, 3}
		if diff := cmp.Diff(map[string][]int{"a": want, "b": want, "c": want}, got); diff != "" || most != 3 {
			t.Errorf("%d at a time (-want +got):\n%s", most, diff)
		}
	})
}

// The clock stands still for nothing: it is held, or Run ends.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock(time.Now(), 60, 0)
		release := clock.Hold()
		begun := time.Now()
		time.AfterFunc(time.Minute, release)
		clock.Run(t.Context())
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("ended after %s", took)
		}
		if got := clock.Now().Sub(begun); got != time.Hour {
			t.Errorf("the clock shows %s after a minute at 60x", got)
		}
	})
}

// Each row says where it comes from and what it is like.
func TestProfiles(t *testing.T) {
	for _, name := range Names() {
		p, err := Find(name)
		if err != nil || p.Doc == "" || p.Source == "" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if _, err := Find("stripe"); err == nil || !strings.Contains(err.Error(), "once, retell") {
		t.Errorf("%v", err)
	}
}

// pending is how many functions have not run to their end.
func pending(c *Clock) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.events) + c.running
	for _, waiting := range c.busy {
		n += len(waiting)
	}
	return n
}

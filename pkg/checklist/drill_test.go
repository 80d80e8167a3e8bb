package checklist_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/drill"
	"github.com/julianctl/julianctl/pkg/sender"
)

// restarting is an endpoint that can be stopped and started at one address.
type restarting struct {
	t       *testing.T
	address string
	handler http.Handler
	server  *http.Server
	ended   sync.WaitGroup
}

func (r *restarting) start(context.Context) error {
	if r.address == "" {
		r.address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		return err
	}
	r.address = l.Addr().String()
	r.server = &http.Server{Handler: r.handler}
	r.ended.Go(func() { r.server.Serve(l) })
	return nil
}

func (r *restarting) stop(context.Context) error {
	err := r.server.Close()
	r.ended.Wait()
	return err
}

// What became of every call of an outage is told, and no fate is taken for
// another.
func TestDrill(t *testing.T) {
	t.Parallel()
	never := func(context.Context) error { return nil }
	for _, tt := range []struct {
		name    string
		fault   fault
		loses   bool // what is acknowledged while it goes down
		amnesia bool // of what it processed before it was stopped
		gone    bool // it is not started again
		unseen  bool // no probe
		up      bool // the endpoint is never stopped
		want    check.Verdict
		present drill.Fate
		absent  drill.Fate
		says    string
	}{
		{name: "correct", fault: correct, want: pass, present: drill.Late, absent: drill.Lost, says: "have one effect each"},
		{name: "doubles", fault: noDedupe, want: fail, present: drill.Doubled, absent: drill.Lost, says: "processed more than once"},
		{name: "forgets", fault: correct, loses: true, want: fail, present: drill.Lost, absent: drill.Doubled, says: "lost"},
		{name: "forgets what it did", fault: correct, amnesia: true, want: fail, present: drill.Doubled, absent: drill.Lost, says: "processed more than once"},
		{name: "does not come back", fault: correct, gone: true, want: fail, present: drill.Open, absent: drill.Lost, says: "did not come back"},
		{name: "no probe", fault: correct, unseen: true, want: undecided, present: drill.Late, absent: drill.Lost, says: "without a probe"},
		{name: "never down", fault: correct, up: true, want: undecided, present: drill.Right, absent: drill.Late, says: "never down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newMemory(t)
			c := &consumer{fault: tt.fault, store: s}
			r := &restarting{t: t}
			// One that doubles stores, and then every third answer is lost, until
			// there were enough.
			var answers atomic.Int32
			r.handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if tt.loses {
					return // acknowledged, and only kept in memory
				}
				c.ServeHTTP(w, req)
				if n := answers.Add(1); n <= 12 && n%3 == 0 && tt.fault == noDedupe {
					panic(http.ErrAbortHandler)
				}
			})
			if err := r.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			o := drill.Options{
				Client: options(t, "http://"+r.address, "").Client, Probe: c.probe, Settle: 40 * time.Millisecond,
				Rate: 50, Phase: 300 * time.Millisecond, Patience: 20 * time.Second, Stop: r.stop, Start: r.start,
			}
			if tt.amnesia {
				o.Start = func(ctx context.Context) error {
					clear(s.(*memory).keys)
					return r.start(ctx)
				}
			}
			if tt.gone {
				o.Start, o.Patience = never, 100*time.Millisecond
			}
			if tt.unseen {
				o.Probe = nil
			}
			if tt.up {
				o.Stop, o.Start = never, never
			}
			var told strings.Builder
			o.Tell = func(_ time.Duration, what string) { told.WriteString(what + "\n") }
			got, err := drill.Run(t.Context(), o)
			r.stop(t.Context())
			if err != nil || got.Verdict != tt.want || got.Count[tt.present] == 0 || got.Count[tt.absent] != 0 || !strings.Contains(got.Message, tt.says) {
				t.Errorf("%+v, error %v", got, err)
			}
			if len(got.Calls) < 10 || got.Requests < len(got.Calls) || !strings.Contains(told.String(), "starting the endpoint") {
				t.Errorf("%d calls, %d deliveries, told\n%s", len(got.Calls), got.Requests, told.String())
			}
		})
	}
}

// When the endpoint cannot be stopped, the drill ends and says why.
func TestDrillThatCannotStop(t *testing.T) {
	t.Parallel()
	r := &restarting{t: t, handler: &consumer{fault: correct, store: newMemory(t)}}
	if err := r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.stop(t.Context())
	no := errors.New("no such service")
	_, err := drill.Run(t.Context(), drill.Options{
		Client: options(t, "http://"+r.address, "").Client, Phase: 20 * time.Millisecond,
		Stop: func(context.Context) error { return no }, Start: r.start,
	})
	if !errors.Is(err, no) {
		t.Error(err)
	}
}

// Two drills of one seed deliver different calls: the records of the first are
// not taken for those of the second.
func TestDrillSeedUsedTwice(t *testing.T) {
	t.Parallel()
	r := &restarting{t: t, handler: &consumer{fault: correct, store: newMemory(t)}}
	if err := r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.stop(t.Context())
	never := func(context.Context) error { return nil }
	seen := map[string]bool{}
	for range 2 {
		got, err := drill.Run(t.Context(), drill.Options{
			Client: options(t, "http://"+r.address, "").Client, Seed: 7, Rate: 200, Phase: 10 * time.Millisecond, Stop: never, Start: never,
		})
		if err != nil || len(got.Calls) == 0 {
			t.Fatalf("%d calls, error %v", len(got.Calls), err)
		}
		for _, c := range got.Calls {
			if seen[c.CallID] {
				t.Errorf("%s came in both", c.CallID)
			}
			seen[c.CallID] = true
		}
	}
}

// A drill delivers as the sender does that it is given: one that tries at once and then
// gives up loses what was due in the outage, one that doubles is seen through.
func TestDrillSender(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sender string
		fault  fault
		never  bool // down
		want   check.Verdict
		count  drill.Fate
		says   string
	}{
		{sender: "retell", fault: correct, want: fail, count: drill.GivenUp, says: "given up by the sender"},
		{sender: "dialpad", fault: correct, want: fail, count: drill.GivenUp, says: "given up by the sender"},
		{sender: "worst", fault: correct, want: pass, count: drill.Late, says: "have one effect each"},
		{sender: "worst", fault: noDedupe, want: fail, count: drill.Doubled, says: "processed more than once"},
		{sender: "telnyx", fault: correct, never: true, want: undecided, count: drill.Right, says: "never down"},
	} {
		t.Run(fmt.Sprint(tt.sender, tt.fault), func(t *testing.T) {
			t.Parallel()
			profile, err := sender.Find(tt.sender)
			if err != nil {
				t.Fatal(err)
			}
			profile.Spread /= 100
			c := &consumer{fault: tt.fault, store: newMemory(t)}
			r := &restarting{t: t, handler: c}
			if err := r.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			o := drill.Options{
				Client: options(t, "http://"+r.address, "").Client, Probe: c.probe, Settle: 40 * time.Millisecond, Sender: &profile,
				Rate: 50, Phase: 400 * time.Millisecond, Patience: 2 * time.Second, Stop: r.stop, Start: r.start,
			}
			if tt.never {
				o.Stop, o.Start = func(context.Context) error { return nil }, func(context.Context) error { return nil }
			}
			got, err := drill.Run(t.Context(), o)
			r.stop(t.Context())
			if err != nil || got.Verdict != tt.want || got.Count[tt.count] == 0 || !strings.Contains(got.Message, tt.says) {
				t.Errorf("%+v, error %v", got, err)
			}
		})
	}
}

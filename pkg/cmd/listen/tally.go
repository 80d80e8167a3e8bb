package listen

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

// expectFlags are the deliveries that listen waits for.
type expectFlags struct {
	exitAfter int
	unique    int // -1: not asked for
	until     []string
	timeout   time.Duration

	match deliveryview.Chosen // of until
}

func (f *expectFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.exitAfter, "exit-after", 0, "end after N acknowledged deliveries")
	flags.StringArrayVar(&f.until, "until", nil, "end after an acknowledged delivery that matches this filter, such as callId=call.abc123 (repeatable: all must match)")
	flags.IntVar(&f.unique, "expect-unique", -1, "exit 1 unless exactly N different calls were delivered")
	flags.DurationVar(&f.timeout, "timeout", 0, "how long to wait for what is expected")
}

func (f *expectFlags) check() (err error) {
	if f.match, err = deliveryview.ReadLiveFilters("until", f.until); err != nil {
		return err
	}
	switch {
	case f.exitAfter < 0:
		return cli.UsageError(fmt.Errorf("--exit-after %d is negative", f.exitAfter), "")
	case f.unique < -1:
		return cli.UsageError(fmt.Errorf("--expect-unique %d is negative", f.unique), "")
	case f.timeout < 0:
		return cli.UsageError(fmt.Errorf("--timeout %s is negative", f.timeout), "")
	case f.timeout > 0 && f.exitAfter == 0 && f.unique < 0 && !f.match.Any():
		return cli.UsageError(errors.New("--timeout has nothing to wait for"), "add --exit-after N, --until CONDITION or --expect-unique N")
	}
	return nil
}

// tally counts deliveries. It is used by one goroutine at a time.
type tally struct {
	Deliveries   int     `json:"deliveries"`   // taken in: at the right place and whole
	Acknowledged int     `json:"acknowledged"` // of them, answered 2xx
	Calls        int     `json:"calls"`        // different call ids among them
	Duplicates   int     `json:"duplicates"`   // deliveries of a call that had been delivered before
	Invalid      int     `json:"invalid"`      // deliveries whose payload has an error
	Faults       int     `json:"faults"`       // deliveries that failed or were dropped on purpose
	Hidden       int     `json:"hidden"`       // not shown: --filter
	Refused      int     `json:"refused"`      // other requests
	Shed         int64   `json:"shed"`         // refused without a record: too much was waiting
	Complete     bool    `json:"complete"`     // what was expected has come
	ElapsedMS    float64 `json:"elapsedMs"`

	want   expectFlags
	counts int  // towards --exit-after
	met    bool // --until
	ids    map[string]struct{}
}

func newTally(want expectFlags) *tally { return &tally{want: want, ids: map[string]struct{}{}} }

// add counts a delivery; first means that its call was not delivered before in this run.
// A delivery that its sender will repeat does not count as expected: one that was failed
// or dropped on purpose, or whose forwarding failed.
func (t *tally) add(s *deliveryview.Shown, first bool) {
	if s.Hidden {
		t.Hidden++
	}
	if s.Refusal != "" {
		t.Refused++
		return
	}
	t.Deliveries++
	if s.Copy > 1 {
		t.Duplicates++
	}
	if first {
		t.Calls++
	}
	if s.Invalid {
		t.Invalid++
	}
	if s.Acknowledged() {
		t.Acknowledged++
	}
	if !s.Answered() {
		t.Faults++
	}
	if !t.arrived(s.Delivery) {
		return
	}
	t.counts++
	if t.want.match.Any() && !t.met {
		t.met = t.want.match.Matches(s)
	}
	if s.CallID != "" && t.want.unique >= 0 {
		t.ids[s.CallID] = struct{}{}
	}
}

// arrived reports whether the sender got the regular answer, which may be a failing
// --status.
func (t *tally) arrived(d *receive.Delivery) bool {
	return d.Answered() && (d.Acknowledged() || d.Outcome.Forward == nil)
}

// complete reports whether everything expected has arrived.
func (t *tally) complete() bool {
	want := t.want
	switch {
	case t.counts < want.exitAfter, want.match.Any() && !t.met:
		return false
	case want.exitAfter > 0 || want.match.Any():
		return true
	}
	return want.unique > 0 && len(t.ids) >= want.unique
}

// missed returns what was expected and did not arrive; empty if all did.
func (t *tally) missed() string {
	switch want := t.want; {
	case t.counts < want.exitAfter:
		return fmt.Sprintf("%d of %d expected deliveries came", t.counts, want.exitAfter)
	case want.match.Any() && !t.met:
		return fmt.Sprintf("no delivery came that meets --until %q", strings.Join(want.until, " and "))
	case want.unique >= 0 && len(t.ids) != want.unique:
		return fmt.Sprintf("%s came, and %d expected", units.Count(len(t.ids), "different call"), want.unique)
	}
	return ""
}

package checklist

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/crashcheck"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/units"
)

// plainCalls is how many requests come before the checks: a plain call that
// says whether there is anything to check. It comes again in place of a request
// that could not be sent.
const plainCalls = 1

// run is the state of one run.
type run struct {
	*check.Session
	given bool // Settle was, and with it how long effects are waited for
	quick bool // Settle was, whatever else
	// overBudget is how long a plain call took to its answer, where that is longer than
	// slow senders take, and over every limit; 0: it is not, or checks were named.
	overBudget time.Duration
	sum        check.Summary

	supervisor *crashcheck.Supervisor // nil without a supervised consumer

	concluding sync.WaitGroup      // but for those that wait long on purpose
	late       sync.WaitGroup      // those
	mu         sync.Mutex          // of the counts in sum
	results    []chan check.Result // by check; nil: it was not selected
	next       int                 // the first check that was not observed
}

// Run runs the checks one after the other, and calls observe with each result, in
// the order of [Checks]. A check delivers alone, but for a repeat after a pause; its
// effects are waited for while the next one delivers. The error is ErrUnknown, or that
// of ctx when the run was cut short; what was observed until then stands, and
// so do the ids in the summary.
func Run(ctx context.Context, o check.Options, observe func(check.Result)) (_ check.Summary, err error) {
	for _, name := range slices.Concat(o.Only, o.Skip) {
		if !slices.Contains(Names(), name) {
			return check.Summary{}, fmt.Errorf("%q %w", name, ErrUnknown)
		}
	}
	quick, given := o.Settle > 0, o.Settle > 0 && o.Patience == 0
	usual := 2 * time.Second
	if o.Smoke {
		usual = time.Second
	}
	o.Settle = cmp.Or(o.Settle, usual)
	o.Pause = cmp.Or(o.Pause, 2*time.Second)
	o.Slow = cmp.Or(o.Slow, 2*time.Second)
	o.Slope = cmp.Or(o.Slope, 400*time.Millisecond)
	r := &run{Session: check.NewSession(o), given: given, quick: quick, sum: check.Summary{Seed: o.Seed, Probe: check.ProbeNone}}
	for _, c := range Checks {
		var result chan check.Result
		if selects(o, c) {
			result = make(chan check.Result, 1)
		} else {
			r.sum.NotSelected++
		}
		r.results = append(r.results, result)
	}
	began := time.Now()
	if o.Supervision != nil {
		r.supervisor = crashcheck.New(o.Supervision)
		var crashes []string
		for i, c := range Checks {
			if c.crash != nil && r.results[i] != nil {
				crashes = append(crashes, c.ID)
			}
		}
		r.supervisor.Plan(crashes)
		if err := r.supervisor.Begin(ctx); err != nil {
			return r.sum, err
		}
		r.Options.Client = r.supervisor.Client
		defer func() { err = errors.Join(err, r.supervisor.End(context.WithoutCancel(ctx))) }()
	}
	if o.Ready != nil {
		if err := o.Ready(ctx, r.Options.Client); err != nil {
			return r.sum, err
		}
	}
	r.begin(ctx)
	var results []check.Result
	hand := observe
	observe = func(result check.Result) {
		results = append(results, result)
		hand(result)
	}
	planned := plainCalls
	selected, over, _ := Planned(o)
	done := 0
	for _, i := range order() {
		c := Checks[i]
		c.Requests = most(o, c)
		switch {
		case ctx.Err() != nil || r.results[i] == nil:
			continue
		case past(o, c, planned):
			r.results[i] <- check.Result{Verdict: check.Skip, Message: fmt.Sprintf("would be past --max-requests %d", o.MaxRequests)}
			continue
		case r.Counter != nil && len(o.Only) == 0 && r.Counter.Affords(c.calls()) < c.calls():
			r.results[i] <- check.Result{Verdict: check.Skip, Message: fmt.Sprintf("delivers too many calls for what takes %s for each, one after the other", units.Time(r.Counter.Each))}
			continue
		case r.overBudget > 0 && time.Since(began) > slowTimes*o.Slow && !c.always && c.ID != "budget" && c.ID != lastCount:
			r.results[i] <- check.Result{Verdict: check.Skip, Message: fmt.Sprintf("an answer takes %s, over the budget: mend that first, or ask for this check alone", units.Time(r.overBudget))}
			continue
		}
		planned += c.Requests
		if o.Begin != nil {
			o.Begin(check.Step{ID: c.ID, Done: done, Checks: selected - over, Requests: r.sent()})
		}
		r.check(ctx, i, c)
		done++
		r.observe(observe, false)
	}
	if ctx.Err() == nil {
		if o.Begin != nil {
			o.Begin(check.Step{Waiting: "the last effects", Done: done, Checks: selected - over, Requests: r.sent()})
		}
		r.observe(observe, true)
	}
	r.concluding.Wait()
	r.late.Wait()
	r.limits(results)
	if r.supervisor != nil {
		r.sum.Exercised = r.supervisor.Exercised()
	}
	r.sum.ElapsedMS = units.Milliseconds(time.Since(began))
	return r.sum, ctx.Err()
}

// slowTimes is for how many times as long as slow senders take checks are begun, where
// every answer is over the budget: with 6s to each, all would take half an hour.
const slowTimes = 20

// mostOf is the longest time that a budget gives.
func mostOf(budget []deliver.Limit) time.Duration {
	var most time.Duration
	for _, l := range budget {
		most = max(most, l.Max)
	}
	return most
}

// begin looks whether there is an endpoint to check, and whether the probe
// counts.
func (r *run) begin(ctx context.Context) {
	t := r.Trial(ctx, check.PlainTrial, 0)
	plain := t.Call(generate.Spec{})
	if r.Counter = r.Options.NewCounter(); r.Counter != nil {
		t.Counter = r.Counter
		r.sum.Probe = check.ProbeCounts
		for _, c := range Named(lastCount) {
			r.Counter.Again = selects(r.Options, c)
		}
		r.tryProbe(t)
	}
	a := t.Send("plain call", plain)
	if errors.Is(a.Err, deliver.Timeout) && r.Options.MaxRequests == 0 {
		// What starts with the first call may take its time once.
		a = t.Send("the plain call once more", plain)
		r.Silent.Store(0)
	}
	if !check.Acknowledged(a) && !check.Unreachable(a) && !errors.Is(a.Err, deliver.Timeout) && r.Options.MaxRequests == 0 {
		// One that is refused says something of that call, and need not of others.
		for _, spec := range []generate.Spec{{ResultType: julian.Voicemail, Single: true}, {Direction: julian.Inbound, Lifecycle: julian.SequenceDone}} {
			other := t.Call(spec)
			if b := t.Send("another plain call", other); check.Acknowledged(b) {
				plain, a = other, b
				break
			}
		}
	}
	if took := a.Latency(); check.Acknowledged(a) && len(r.Options.Only) == 0 && !r.Options.Thorough && took > max(r.Options.Slow, mostOf(r.Options.Budget)) {
		r.overBudget = took
	}
	switch {
	case r.absent(a):
	case !check.Acknowledged(a):
		r.sum.Refused = "a plain call is not acknowledged: " + a.Describe()
		if slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone}, a.Status) {
			r.sum.WrongPath = fmt.Sprintf("%d at %s: is the path in --to right?", a.Status, r.Options.Client.Target().Path())
		}
		if (a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden) && len(r.Options.Secrets) == 0 {
			r.sum.Refused += "; a secret that it wants is given with -H"
		}
	case r.Counter != nil && r.Counter.Broken == "":
		r.measure(t, plain, a)
	}
	r.took(t)
}

// tryProbe looks whether the probe counts: one that says something of a call that
// was never sent would say it of every call.
func (r *run) tryProbe(t *check.Trial) {
	switch n, err := r.Counter.Read(t.Ctx, t.Call(generate.Spec{}).ID); {
	case err != nil:
		r.Counter.Broken = err.Error()
	case n.Count != 0:
		r.Counter.Broken = fmt.Sprintf("it counts %d for a call that was never delivered", n.Count)
	}
	if r.Counter.Broken != "" {
		r.sum.Probe = r.Counter.Broken
		return // it may take its time to say so
	}
	all := check.Watch(0, blanks)
	t.Look(all)
	for _, w := range all {
		if w.Error == "" { // an empty line of a batch is not an id
			r.Counter.Blank[w.CallID] = w.After
		}
	}
}

const (
	// longestEffect is how long the first effect of a run is waited for.
	longestEffect = 30 * time.Second
	// leastPatience is how long an effect that is missing is waited for at least: a
	// job that works every ten seconds was quick with the first call by chance.
	leastPatience = 12 * time.Second
	// slowEffect is when fewer calls are delivered, for a queue to get through.
	slowEffect = time.Second
	// second is after how long another plain call is delivered: the first may be
	// one that is lost.
	second = 2 * time.Second
	// batch is after how long a few more are: they may be worked on in tens.
	batch, batchSize = 12 * time.Second, 12
)

// measure finds out how long an effect takes, and takes from it how long one is
// waited for. Where --settle says how long, that is the longest wait.
func (r *run) measure(t *check.Trial, plain check.Call, a deliver.Answer) {
	if r.Options.Begin != nil {
		r.Options.Begin(check.Step{Waiting: "the effect of the first call"})
	}
	longest := cmp.Or(r.Options.Patience, longestEffect)
	if r.given {
		longest = r.Options.Settle
	}
	calls := []check.Call{plain}
	began := a.Answered
	wait := 2 * time.Millisecond
	for t.Ctx.Err() == nil {
		for _, c := range calls {
			n, err := r.Counter.Read(t.Ctx, c.ID)
			if err != nil {
				return // the checks say so
			}
			if n.Count >= r.Options.Expects(c.Body) {
				first := time.Since(began)
				r.sum.FirstEffectMS = units.Milliseconds(first)
				r.Counter.Slow = first > slowEffect
				if !r.given {
					least := leastPatience
					if r.Options.Smoke || r.quick {
						least = r.Options.Settle
					}
					r.Counter.Patience = max(least, 3*first+time.Second)
					r.measureQueue(t, first)
				}
				r.sum.PatienceMS = units.Milliseconds(r.Counter.Patience)
				return
			}
		}
		switch passed := time.Since(began); {
		case passed >= longest && r.given:
			return // what is missing is the checks' to say
		case passed >= longest:
			r.Counter.Broken = fmt.Sprintf("doubtful: it counts nothing for a plain call that was acknowledged %s ago; does it look where the effects are, and for the whole callId?", longest)
			r.sum.Probe = r.Counter.Broken
			return
		case passed >= second && len(calls) == 1 && r.Options.MaxRequests == 0:
			if c := t.Call(generate.Spec{}); check.Acknowledged(t.Send("another plain call", c)) {
				calls = append(calls, c)
			}
		case passed >= batch && len(calls) <= 2 && r.Options.MaxRequests == 0:
			more := t.Calls(batchSize)
			for i, a := range t.Parallel("one of a few plain calls", more, 4) {
				if check.Acknowledged(a) {
					calls = append(calls, more[i])
				}
			}
		}
		t.Rest(wait)
		wait = min(wait*3/2, 250*time.Millisecond)
	}
}

// measureQueue finds out whether effects come one after the other: of a few calls
// at a time the last then takes longer. Where a few make no difference, more may.
func (r *run) measureQueue(t *check.Trial, first time.Duration) {
	const few, many, quick, slow = 3, 24, 15 * time.Millisecond, 500 * time.Millisecond
	if first < quick || r.Options.MaxRequests > 0 {
		return
	}
	each := r.apart(t, few, first)
	if each == 0 && first > slow && !r.Options.Smoke {
		each = r.apart(t, many, first)
	}
	r.Counter.Each = each
	r.sum.EachMS = units.Milliseconds(each)
	// Copies that have no effect may take as long as those that have one.
	r.Counter.Patience = max(r.Counter.Patience, 10*each+second)
	if each > r.Options.Settle/10 && r.Options.Say != nil {
		r.Options.Say(fmt.Sprintf("an effect takes %s, and the next %s more: fewer calls are delivered, and the queue is waited for", units.Time(first), units.Time(each)))
	}
}

// apart delivers n calls at a time and returns how far apart their effects are; 0 where
// they come together.
func (r *run) apart(t *check.Trial, n int, first time.Duration) time.Duration {
	calls := t.Calls(n)
	t.Parallel("one of a few plain calls", calls, min(n, 4))
	began := time.Now()
	var times []time.Duration
	open := check.Watch(1, check.IDs(calls))
	for t.Ctx.Err() == nil && len(open) > 0 && time.Since(began) < r.Counter.Patience+time.Duration(n)*first {
		t.Look(open)
		had := len(open)
		open = slices.DeleteFunc(open, func(w *check.Watched) bool { return w.Error != "" || w.After > 0 })
		for range had - len(open) {
			times = append(times, time.Since(began))
		}
		t.Rest(max(2*time.Millisecond, first/20))
	}
	if len(times) < n || times[n-1]-times[0] < first/2 {
		return 0
	}
	return (times[n-1] - times[0]) / time.Duration(n-1)
}

// check delivers what a check has to, and concludes in the background.
func (r *run) check(ctx context.Context, i int, c Check) {
	if most := r.Options.MaxRequests; r.Silent.Load() >= check.MaxSilent && (most == 0 || r.sent() < most) {
		r.stillThere(ctx)
	}
	switch {
	case r.sum.Unreachable != "":
		r.results[i] <- check.Result{Verdict: check.Undecided, NotRun: true, Message: r.sum.Unreachable}
		return
	case r.sum.Refused != "" && !c.always:
		r.results[i] <- check.Result{Verdict: check.Undecided, NotRun: true, Message: r.sum.Refused}
		return
	}
	if c.alone {
		r.concluding.Wait()
	}
	t := r.Trial(ctx, c.ID, firstPhone(c.ID))
	start := time.Now()
	conclude := r.deliver(t, c)
	r.Options.Client.CloseIdle() // a connection may hold a thread of the endpoint
	if !c.pauses {
		r.took(t)
	}
	if t.Gone != nil && ctx.Err() == nil {
		r.stillThere(ctx)
	}
	concluding := &r.concluding
	if c.late {
		concluding = &r.late
	}
	concluding.Go(func() {
		f := conclude()
		if c.pauses {
			r.took(t)
		}
		if ctx.Err() != nil {
			r.results[i] <- check.Result{} // it was cut short
			return
		}
		f.WarnOf(t.Warned)
		out := t.Result
		out.Verdict, out.Message, out.Details = f.Verdict, f.Message, f.Details
		out.Mend = cmp.Or(r.sum.WrongPath, out.Mend)
		for i, refused := range out.Refused {
			out.Refused[i].Differs = r.Ledger.Differs(check.Call{Body: refused.Payload})
		}
		out.TookMS = units.Milliseconds(time.Since(start))
		r.results[i] <- out
	})
}

// deliver makes the deliveries of a check.
func (r *run) deliver(t *check.Trial, c Check) check.Conclusion {
	if c.crash != nil {
		return r.supervisor.Run(t, c.crash)
	}
	return c.run(t)
}

// mostSilent is how many plain calls in a row may get no answer in time, before the
// endpoint is taken to be gone: it may have a burst to work off.
const mostSilent = 4

// stillThere notes whether the endpoint is gone.
func (r *run) stillThere(ctx context.Context) {
	t := r.Trial(ctx, "still there", 0)
	var a deliver.Answer
	for range mostSilent {
		r.Silent.Store(0)
		if a = t.Send("plain call", t.Call(generate.Spec{})); !errors.Is(a.Err, deliver.Timeout) {
			break
		}
	}
	r.took(t)
	r.absent(a)
}

// absent reports that there is no endpoint to ask, and notes it: the endpoint
// cannot be reached, or gives no answer in time to a plain call.
func (r *run) absent(a deliver.Answer) bool {
	silent := errors.Is(a.Err, deliver.Timeout)
	if !silent && !check.Unreachable(a) {
		return false
	}
	r.sum.Unreachable, r.sum.Silent = a.Err.Error(), silent
	return true
}

// took adds what a trial sent.
func (r *run) took(t *check.Trial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Requests += t.Result.Requests
	r.sum.Redelivered += t.Result.Redelivered
	r.sum.CallIDs = append(r.sum.CallIDs, t.IDs...)
	r.sum.Unlisted += t.Unlisted
}

// sent is how many requests were sent so far.
func (r *run) sent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sum.Requests
}

// observe hands on what is there, in order; with all, it waits for the rest.
func (r *run) observe(observe func(check.Result), all bool) {
	for r.next < len(Checks) {
		if r.results[r.next] == nil {
			r.next++
			continue
		}
		var result check.Result
		if all {
			result = <-r.results[r.next]
		} else {
			select {
			case result = <-r.results[r.next]:
			default:
				return
			}
		}
		c := Checks[r.next]
		result.ID, result.Group, result.Title = c.ID, c.Group, c.Title
		if r.next++; result.Verdict != "" {
			observe(result)
		}
	}
}

// firstPhone gives each check numbers of its own.
func firstPhone(id string) int {
	n := 10 // for plain calls
	for _, c := range Checks {
		if c.ID == id {
			return n
		}
		n += 2*c.Requests + 20 // some calls are made and not delivered
	}
	return 0
}

package crashcheck

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/julianctl/julianctl/pkg/units"
)

// fileWatcher is a [Consumer] whose calls that change files can be followed, such
// as a [supervise.Instance].
type fileWatcher interface {
	WatchFiles(at int, after bool, wait time.Duration) error
	FileSteps() []supervise.FileStep
	FileHit() <-chan struct{}
	Peers() []string
}

// CrashFiles is crash for a consumer that keeps what it knows in files. Nothing
// stands in between: the system is asked what it does to them.
func CrashFiles(t *check.Trial, l *Supervisor, n *check.Notes) check.Finding {
	if len(l.durable()) > 0 {
		return check.Finding{Verdict: check.Skip, Message: "not needed: crash kills it at each write to what --through names"}
	}
	var runs [][]supervise.FileStep
	var before []check.Call
	for range 3 {
		// Each one is the first after a start, as it is in what follows.
		if err := l.restart(t.Ctx); err != nil {
			return check.Finding{Verdict: check.Undecided, Message: "the consumer does not start again: " + err.Error()}
		}
		w, ok := l.consumer.(fileWatcher)
		if !ok {
			return killedByClock(t, l, n, "only what --exec starts can be followed")
		}
		if err := w.WatchFiles(0, false, 0); err != nil {
			return killedByClock(t, l, n, "what it does to files cannot be followed: "+err.Error())
		}
		c := t.Call(generate.Spec{})
		if a := l.send(t, c); !check.Acknowledged(a) {
			return check.Finding{Verdict: check.Undecided, Message: "a plain call is not acknowledged: " + a.Describe()}
		}
		if l.complete(t, []check.Call{c})[0].probe == 1 {
			before = []check.Call{c}
		}
		l.rest(t)
		if peers := w.Peers(); len(peers) > 0 {
			return check.Finding{Verdict: check.Undecided, Message: fmt.Sprintf("it keeps something elsewhere, too: it talks to %s; name that with --through", strings.Join(peers, " and "))}
		}
		runs = append(runs, w.FileSteps())
	}
	steps := runs[0]
	for _, run := range runs[1:] {
		if len(run) < len(steps) {
			steps = run
		}
	}
	points := l.filePoints(steps)
	if len(points) == 0 {
		return check.Finding{Verdict: check.Undecided, Message: "a delivery changes no file, and " + needsThrough}
	}
	l.sweep(t, points, func(p *point) {
		l.killedInFile(t, p, n)
		// A file that is written over may lose what was there.
		if p.reached && l.gone(t, before) {
			p.said = "a call that was processed before is gone"
			before = nil // not the fault of the kills that follow
			for _, other := range points {
				if other != p {
					other.voided = other.reached // nor are those before to blame
				}
			}
		}
	})
	l.conclude(t, n, points, kill)
	return n.Finding("killed at %s, processed once each", units.Count(len(points), "write"))
}

// gone reports whether one of these calls is missing, and stays so.
func (l *Supervisor) gone(t *check.Trial, calls []check.Call) bool {
	missing := func() bool {
		return slices.ContainsFunc(l.counted(t, calls), func(e effectsOf) bool { return e.err == "" && e.probe == 0 })
	}
	if !missing() {
		return false
	}
	t.Rest(t.Counter.Settle)
	return missing()
}

// withinSQLite reports whether a step is one of a transaction of SQLite, which
// is done or not once its journal is gone: nothing is to be found in between.
func withinSQLite(steps []supervise.FileStep) func(supervise.FileStep) bool {
	const journal = "-journal"
	within := map[string]bool{}
	for _, s := range steps {
		if base, ok := strings.CutSuffix(s.Path, journal); ok && s.Call == "unlink" {
			within[base], within[s.Path] = true, true
		}
	}
	return func(s supervise.FileStep) bool { return within[s.Path] && s.Call != "unlink" }
}

// filePoints are a kill before each call that changes a file, and one after the
// last of them.
func (l *Supervisor) filePoints(steps []supervise.FileStep) []*point {
	var points []*point
	l.offered = nil
	add := func(at check.StepAt, place string, s supervise.FileStep) {
		l.offered = append(l.offered, at.String())
		if l.s.At == nil || *l.s.At == at {
			points = append(points, &point{at: at, name: fmt.Sprintf("killed %s %q (%d)", place, fileText(s), at.Step)})
		}
	}
	last := -1
	within := withinSQLite(steps)
	for i, s := range steps {
		if s.Changes && !within(s) {
			add(check.StepAt{Step: i + 1}, "before", s)
			last = i
		}
	}
	if last >= 0 {
		add(check.StepAt{Step: last + 1, After: true}, "after", steps[last])
	}
	return points
}

func fileText(s supervise.FileStep) string {
	return strings.TrimSuffix(s.Call+" "+filepath.Base(s.Path), " .")
}

// killedInFile kills the consumer at a call that changes a file, starts it again,
// and redelivers what was not acknowledged.
func (l *Supervisor) killedInFile(t *check.Trial, p *point, n *check.Notes) {
	for range reachTries {
		if t.Ctx.Err() != nil {
			return
		}
		if err := l.revive(t.Ctx); err != nil {
			n.Undecided("the consumer does not start again: %s", err)
			return
		}
		l.quiet(t)
		w, ok := l.consumer.(fileWatcher)
		if !ok {
			return
		}
		if err := w.WatchFiles(p.at.Step, p.at.After, max(killDelay, 3*l.latency)); err != nil {
			n.Undecided("%s", err)
			return
		}
		p.call, p.events, p.began = t.Call(generate.Spec{}), nil, time.Now()
		p.event("sender", "POST, copy 1", "")
		answers := make(chan deliver.Answer, 1)
		client := l.Client
		go func() { answers <- l.sendBy(t, client, p.call) }()
		var answer deliver.Answer
		select {
		case answer = <-answers:
			p.answered(1, answer)
			l.quietForLong(t)
			t.Rest(unreachedWait)
			select {
			case <-w.FileHit():
				p.reached = true
			default:
			}
		case <-w.FileHit():
			p.reached = true
			select {
			case answer = <-answers: // an early one gets out, and the end is one
				if check.Acknowledged(answer) {
					p.answered(1, answer)
				}
			case <-t.Ctx.Done():
			}
		}
		l.fileTimeline(p, w)
		if !p.reached {
			if check.Acknowledged(answer) {
				p.more = append(p.more, p.call)
			}
			if err := l.restart(t.Ctx); err != nil {
				n.Undecided("the consumer does not start again: %s", err)
				return
			}
			continue
		}
		select {
		case <-l.consumer.Gone():
		case <-time.After(firstPatience):
			n.Undecided("the consumer was not killed")
		}
		p.event("consumer", "killed", "")
		began := time.Now()
		if err := l.restart(t.Ctx); err != nil {
			n.Undecided("the consumer does not start again: %s", err)
			return
		}
		what := "killed"
		if !p.acked {
			what += "; unanswered"
		}
		p.events[len(p.events)-1].What = fmt.Sprintf("%s; ready after %s", what, units.Time(time.Since(began)))
		l.again(t, p, 2)
		return
	}
}

// fileTimeline adds what was done to files.
func (l *Supervisor) fileTimeline(p *point, w fileWatcher) {
	for i, s := range w.FileSteps() {
		result := ""
		if p.reached && i+1 == p.at.Step {
			result = "held"
			if p.at.After {
				result = "done, held"
			}
		}
		p.events = append(p.events, check.Event{AtMS: units.Milliseconds(s.At.Sub(p.began)), Step: fmt.Sprint(i + 1), Who: "files", What: fileText(s), Result: result, Reads: !s.Changes})
	}
	sortEvents(p.events)
}

// killedByClock kills a consumer whose files cannot be followed at some moments.
// That may fail, and never pass; why says why it cannot.
func killedByClock(t *check.Trial, l *Supervisor, n *check.Notes, why string) check.Finding {
	const kills = 12
	var points []*point
	began := time.Now()
	for i := range kills {
		if t.Ctx.Err() != nil || time.Since(began) > l.s.SweepTime {
			break
		}
		l.tell("%s: %d of %d", t.ID, i+1, kills)
		delay := l.latency * time.Duration(i+1) / kills
		p := &point{name: fmt.Sprintf("killed %s after it was sent", units.Time(delay)), call: t.Call(generate.Spec{}), reached: true}
		points = append(points, p)
		l.s.Recorder.Begin()
		p.began = time.Now()
		answers := make(chan deliver.Answer, 1)
		client := l.Client
		go func() { answers <- l.sendBy(t, client, p.call) }()
		t.Rest(delay)
		p.event("consumer", "killed", "")
		if err := l.restart(t.Ctx); err != nil {
			return check.Finding{Verdict: check.Undecided, Message: "the consumer does not start again: " + err.Error()}
		}
		p.answered(1, <-answers)
		l.again(t, p, 2)
	}
	l.conclude(t, n, points, kill)
	t.Result.Points = nil
	if len(n.Fails) == 0 {
		n.Undecided("%s by the clock found nothing, and cannot pass: %s", units.Count(len(points), "kill"), why)
	}
	return n.Finding("")
}

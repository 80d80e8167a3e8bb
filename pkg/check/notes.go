package check

import (
	"fmt"
	"slices"

	"github.com/julianctl/julianctl/pkg/deliver"
)

// finding is what a check concludes.
type finding struct {
	verdict Verdict
	message string
	details []string
}

// judgement says what became of the deliveries of a check. It may wait for
// effects to settle; the next check delivers in the meantime.
type judgement func() finding

// notes collect what is wrong, by how bad it is.
type notes struct {
	fails, warns, open []string
	answered           bool // something was asked and answered
}

func (n *notes) fail(format string, args ...any) {
	n.fails = append(n.fails, fmt.Sprintf(format, args...))
}
func (n *notes) warn(format string, args ...any) {
	n.warns = append(n.warns, fmt.Sprintf(format, args...))
}

// undecided notes what could not be found out.
func (n *notes) undecided(format string, args ...any) {
	if said := fmt.Sprintf(format, args...); !slices.Contains(n.open, said) {
		n.open = append(n.open, said)
	}
}

// ack notes an answer that should acknowledge, and reports whether it does.
func (n *notes) ack(what string, a deliver.Answer) bool {
	n.answered = n.answered || a.Status != 0
	switch {
	case acknowledged(a):
		return true
	case n.noAnswer(what, a):
	default:
		n.fail("%s: %s", what, a.Describe())
	}
	return false
}

// noAnswer notes an answer that is none to what was asked, and reports whether it
// is one: it shows neither that the endpoint takes it nor that it does not.
func (n *notes) noAnswer(what string, a deliver.Answer) bool {
	switch {
	case redirects(a):
		n.undecided("%s: %s (see no-redirect)", what, a.Describe())
	case limited(a):
		n.undecided("%s: %s (see burst)", what, a.Describe())
	case unreachable(a):
		n.undecided("%s: %s", what, a.Describe())
	default:
		return false
	}
	return true
}

// acks is ack for copies of one thing.
func (n *notes) acks(what string, answers []deliver.Answer) {
	for _, a := range answers {
		n.ack(what, a)
	}
}

// finding is the worst that was noted; passed says what was found when it is
// nothing. Without an answer nothing was found.
func (n *notes) finding(passed string, args ...any) finding {
	switch {
	case len(n.fails) > 0:
		return of(Fail, n.fails, n.warns, n.open)
	case len(n.open) > 0:
		return of(Undecided, n.open, n.warns)
	case len(n.warns) > 0:
		return of(Warn, n.warns)
	case !n.answered:
		return finding{verdict: Undecided, message: "nothing was answered"}
	}
	return finding{verdict: Pass, message: fmt.Sprintf(passed, args...)}
}

// of says the worst first, and what is alike once.
func of(v Verdict, said ...[]string) finding {
	var all []string
	times := map[string]int{}
	for _, line := range slices.Concat(said...) {
		if times[line]++; times[line] == 1 {
			all = append(all, line)
		}
	}
	for i, line := range all {
		if n := times[line]; n > 1 {
			all[i] = fmt.Sprintf("%s (%d times)", line, n)
		}
	}
	return finding{verdict: v, message: all[0], details: all[1:]}
}

// warnOf adds what is worth a look.
func (f *finding) warnOf(said []string) {
	if len(said) == 0 {
		return
	}
	w := of(Warn, said)
	if f.verdict == Pass {
		*f = w
		return
	}
	f.details = append(append(slices.Clone(f.details), w.message), w.details...)
}

// skip is a check that has nothing to ask.
func skip(why string) judgement {
	return func() finding { return finding{verdict: Skip, message: why} }
}

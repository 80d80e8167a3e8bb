package check

import (
	"fmt"
	"slices"

	"github.com/julianctl/julianctl/pkg/deliver"
)

// Finding is what a check concludes.
type Finding struct {
	Verdict Verdict
	Message string
	Details []string
}

// Conclusion says what became of the deliveries of a check. It may wait for
// effects to settle; the next check delivers in the meantime.
type Conclusion func() Finding

// Notes collect what is wrong, by how bad it is.
type Notes struct {
	Fails, Warns, open []string
	Answered           bool // something was asked and answered
}

// Fail notes what is wrong.
func (n *Notes) Fail(format string, args ...any) {
	n.Fails = append(n.Fails, fmt.Sprintf(format, args...))
}

// Warn notes what is worth a look.
func (n *Notes) Warn(format string, args ...any) {
	n.Warns = append(n.Warns, fmt.Sprintf(format, args...))
}

// Undecided notes what could not be found out.
func (n *Notes) Undecided(format string, args ...any) {
	if said := fmt.Sprintf(format, args...); !slices.Contains(n.open, said) {
		n.open = append(n.open, said)
	}
}

// Ack notes an answer that should acknowledge, and reports whether it does.
func (n *Notes) Ack(what string, a deliver.Answer) bool {
	n.Answered = n.Answered || a.Status != 0
	switch {
	case Acknowledged(a):
		return true
	case n.NoAnswer(what, a):
	default:
		n.Fail("%s: %s", what, a.Describe())
	}
	return false
}

// NoAnswer notes an answer that is none to what was asked, and reports whether it
// is one: it shows neither that the endpoint takes it nor that it does not.
func (n *Notes) NoAnswer(what string, a deliver.Answer) bool {
	switch {
	case Redirects(a):
		n.Undecided("%s: %s (see no-redirect)", what, a.Describe())
	case Limited(a):
		n.Undecided("%s: %s (see burst)", what, a.Describe())
	case Unreachable(a):
		n.Undecided("%s: %s", what, a.Describe())
	default:
		return false
	}
	return true
}

// Acks is ack for copies of one thing.
func (n *Notes) Acks(what string, answers []deliver.Answer) {
	for _, a := range answers {
		n.Ack(what, a)
	}
}

// Finding is the worst that was noted; passed says what was found when it is
// nothing. Without an answer nothing was found.
func (n *Notes) Finding(passed string, args ...any) Finding {
	switch {
	case len(n.Fails) > 0:
		return of(Fail, n.Fails, n.Warns, n.open)
	case len(n.open) > 0:
		return of(Undecided, n.open, n.Warns)
	case len(n.Warns) > 0:
		return of(Warn, n.Warns)
	case !n.Answered:
		return Finding{Verdict: Undecided, Message: "nothing was answered"}
	}
	return Finding{Verdict: Pass, Message: fmt.Sprintf(passed, args...)}
}

// of says the worst first, and what is alike once.
func of(v Verdict, said ...[]string) Finding {
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
	return Finding{Verdict: v, Message: all[0], Details: all[1:]}
}

// WarnOf adds what is worth a look.
func (f *Finding) WarnOf(said []string) {
	if len(said) == 0 {
		return
	}
	w := of(Warn, said)
	if f.Verdict == Pass {
		*f = w
		return
	}
	f.Details = append(append(slices.Clone(f.Details), w.Message), w.Details...)
}

// Skipped is a check that has nothing to ask.
func Skipped(why string) Conclusion {
	return func() Finding { return Finding{Verdict: Skip, Message: why} }
}

package deliver

import (
	"cmp"
	"slices"
	"time"
)

// Groups are the results of documents that were sent more than once.
type Groups struct {
	Total        int
	Acknowledged int // every copy that was sent was answered as expected
	Partial      int // not every copy that was sent was answered
	Cut          int // not every copy was sent: the run had ended
	Unsent       int // copies not sent because the run had ended
	// Differ counts groups whose answers differ in status, body or both.
	Differ       int
	DifferStatus int
	DifferBody   int

	// Worst are up to [KeptGroups] groups, the worst first: answers that differ in
	// status, unexpected answers, answers that differ in body, copies that were
	// not sent; then by skew, and by latency where skew was not measured.
	Worst []Group
}

// KeptGroups is how many groups are kept with all their copies.
const KeptGroups = 100

// Group is one document that was sent more than once.
type Group struct {
	Source string // with Line: where the document was read
	Line   int
	Number int    // of the document in the run, from 1
	CallID string // may be empty
	Copies []Copy // those that were started, by number
	Unsent []int  // numbers of those not started because the run had ended

	First        int  // number of the copy that was answered first; 0: none
	Acknowledged bool // every copy of Copies was answered as expected
	DifferStatus bool // of the answers that came
	DifferBody   bool
	// Skew is from the first release to the last, of copies sent together; 0
	// where it was not measured.
	Skew time.Duration
}

// Copy is the result of one delivery of a group.
type Copy struct {
	Number   int   // 1 is the delivery, the others are its duplicates
	Status   int   // 0: no answer
	Class    Class // why it failed; empty: as expected
	Due      time.Time
	Answered time.Time // or given up
	BodyHash [32]byte  // SHA-256 of the answer's; zero for an empty body
	Answer   string    // beginning of the answer's body, unchanged
}

// Latency is from due to answered.
func (c Copy) Latency() time.Duration { return max(0, c.Answered.Sub(c.Due)) }

// answerKept is how many bytes of the answer's body a [Copy] keeps.
const answerKept = 200

// group is a Group in progress.
type group struct {
	Group
	left, ok, answered int       // copies; left are those still to be sent by this process
	firstAt            time.Time // when First was answered
}

// add adds the result of one copy.
func (g *group) add(r Result) {
	a := r.Answer
	g.left--
	count(&g.ok, r.Err == nil)
	c := Copy{
		Number: r.Copy, Status: a.Status, Class: ClassOf(r.Err), Due: a.Due, Answered: a.Answered,
		BodyHash: a.BodyHash, Answer: string(a.Body[:min(len(a.Body), answerKept)]),
	}
	if c.Status != 0 {
		// All are equal if each equals the first.
		if i := slices.IndexFunc(g.Copies, func(c Copy) bool { return c.Status != 0 }); i >= 0 {
			g.DifferStatus = g.DifferStatus || c.Status != g.Copies[i].Status
			g.DifferBody = g.DifferBody || c.BodyHash != g.Copies[i].BodyHash
		}
		if g.First == 0 || c.Answered.Before(g.firstAt) {
			g.First, g.firstAt = c.Number, c.Answered
		}
		g.answered++
	}
	g.Copies = append(g.Copies, c)
}

// add counts a group that is complete or was interrupted, and keeps it if it is
// among the worst. Unsent must be set.
func (s *Groups) add(g *group) *Group {
	g.Acknowledged = g.ok == len(g.Copies)
	slices.SortFunc(g.Copies, func(a, b Copy) int { return a.Number - b.Number })
	s.Total++
	count(&s.Acknowledged, g.Acknowledged)
	count(&s.Partial, g.answered < len(g.Copies))
	count(&s.Cut, len(g.Unsent) > 0)
	s.Unsent += len(g.Unsent)
	count(&s.Differ, g.DifferStatus || g.DifferBody)
	count(&s.DifferStatus, g.DifferStatus)
	count(&s.DifferBody, g.DifferBody)
	at, _ := slices.BinarySearchFunc(s.Worst, &g.Group, func(a Group, b *Group) int { return worse(&a, b) })
	if at < KeptGroups {
		s.Worst = slices.Insert(s.Worst, at, g.Group)
		s.Worst = s.Worst[:min(len(s.Worst), KeptGroups)]
	}
	return &g.Group
}

// worse orders groups, the worst first.
func worse(a, b *Group) int {
	trueFirst := func(a, b bool) int {
		switch {
		case a == b:
			return 0
		case a:
			return -1
		}
		return 1
	}
	return cmp.Or(
		trueFirst(a.DifferStatus, b.DifferStatus),
		trueFirst(!a.Acknowledged, !b.Acknowledged),
		trueFirst(a.DifferBody, b.DifferBody),
		trueFirst(len(a.Unsent) > 0, len(b.Unsent) > 0),
		cmp.Compare(b.Skew, a.Skew),
		cmp.Compare(b.slowest(), a.slowest()),
		cmp.Compare(a.Number, b.Number),
	)
}

func (g *Group) slowest() (d time.Duration) {
	for i := range g.Copies {
		d = max(d, g.Copies[i].Latency())
	}
	return d
}

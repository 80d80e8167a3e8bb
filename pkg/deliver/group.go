package deliver

import (
	"cmp"
	"slices"
	"time"
)

// Groups are the documents that were sent more than once, each with its copies.
type Groups struct {
	Total        int
	Acknowledged int // every copy that was sent was answered as expected
	Partial      int // not every copy that was sent was answered
	Cut          int // not every copy was sent: the run had ended
	Unsent       int // copies that were not sent for that
	// Differ counts groups whose answers were not all alike, in status, in
	// body, or in both.
	Differ       int
	DifferStatus int
	DifferBody   int

	// Worst are up to [KeptGroups] of them, the worst first: answers that differ
	// in status, copies that were not as expected, answers that differ in body,
	// copies that were not sent, then by skew, or by latency where none was
	// measured.
	Worst []Group
}

// KeptGroups is how many groups are kept whole.
const KeptGroups = 100

// Group is one document that was sent more than once.
type Group struct {
	Source string // and line: where the document stood
	Line   int
	Number int    // of the document in the run, from 1
	CallID string // may be empty
	Copies []Copy // those that were begun, by number
	Unsent []int  // numbers of those that were not, since the run had ended

	First        int  // number of the copy that was answered first; 0: none was
	Acknowledged bool // every copy of Copies was answered as expected
	DifferStatus bool // of the answers that came
	DifferBody   bool
	// Skew is from the first release to the last, of copies sent together; 0
	// where it was not measured.
	Skew time.Duration
}

// Copy is what came of one delivery of a group.
type Copy struct {
	Number   int   // 1 is the delivery, the others are its duplicates
	Status   int   // 0: no answer
	Class    Class // of what went wrong; empty: as expected
	Due      time.Time
	Answered time.Time // or given up
	BodySize int64     // of the answer
	BodyHash [32]byte  // SHA-256; zero for an empty body
	Answer   string    // beginning of the answer's body, as it came
}

// Latency is from due to answered.
func (c Copy) Latency() time.Duration { return max(0, c.Answered.Sub(c.Due)) }

// answerKept is how many bytes of an answer a [Copy] keeps.
const answerKept = 200

// group is a Group while its copies are on the way.
type group struct {
	Group
	copies             int // that this process sends
	left, ok, answered int
	firstAt            time.Time // when First was answered
}

// add takes in one copy's result.
func (g *group) add(r Result) {
	a := r.Answer
	g.left--
	count(&g.ok, r.Err == nil)
	c := Copy{
		Number: r.Copy, Status: a.Status, Class: ClassOf(r.Err), Due: a.Due, Answered: a.Answered,
		BodySize: a.BodySize, BodyHash: a.BodyHash, Answer: string(a.Body[:min(len(a.Body), answerKept)]),
	}
	if c.Status != 0 {
		// All are alike if each is like one of them.
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

// fold counts a group that is over, or cut short, and keeps it if it is among
// the worst. Unsent is set by then.
func (s *Groups) fold(g *group) *Group {
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
	no := func(a, b bool) int { // the one that is so comes first
		switch {
		case a == b:
			return 0
		case a:
			return -1
		}
		return 1
	}
	return cmp.Or(
		no(a.DifferStatus, b.DifferStatus),
		no(!a.Acknowledged, !b.Acknowledged),
		no(a.DifferBody, b.DifferBody),
		no(len(a.Unsent) > 0, len(b.Unsent) > 0),
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

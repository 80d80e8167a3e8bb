package deliver

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A group is told whole, with the last of its copies, and kept.
func TestGroups(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Seen") != "" || string(body) == documentBody(2) {
			w.WriteHeader(409)
		}
		_, _ = io.WriteString(w, "got "+string(body))
	}))
	defer s.Close()
	for _, mode := range []Mode{After, AtOnce, Shuffled} {
		c := newClient(t, s.URL, Options{})
		var seen []Group
		sum := c.Run(t.Context(), documents(2), Plan{Duplicates: 2, Mode: mode, Seed: 3}, func(r Result) {
			if r.Group != nil {
				seen = append(seen, *r.Group)
			}
		})
		c.Close()
		group := func(n, status int, class Class) Group {
			text := "got " + documentBody(n)
			g := Group{Source: "test", Line: n, Number: n, CallID: fmt.Sprintf("call.%d", n), Acknowledged: class == ""}
			for i := range 3 {
				g.Copies = append(g.Copies, Copy{Number: i + 1, Status: status, Class: class, BodyHash: sha256.Sum256([]byte(text)), Answer: text})
			}
			return g
		}
		want := []Group{group(2, 409, Status), group(1, 200, "")} // the worst first
		if d := cmp.Diff(want, sum.Groups.Worst, cmpopts.IgnoreFields(Copy{}, "Due", "Answered"), cmpopts.IgnoreFields(Group{}, "First", "Skew")); d != "" {
			t.Errorf("%s (-want +got):\n%s", mode, d)
		}
		if len(seen) != 2 {
			t.Errorf("%s: told of %d groups", mode, len(seen))
		}
		for _, g := range sum.Groups.Worst {
			first := g.Copies[g.First-1]
			for _, c := range g.Copies {
				if c.Answered.Before(first.Answered) || c.Due.IsZero() {
					t.Errorf("%s: copy %d was answered at %s, before copy %d at %s", mode, c.Number, c.Answered, g.First, first.Answered)
				}
			}
			if (g.Skew > 0) != (mode == AtOnce) {
				t.Errorf("%s: skew %s", mode, g.Skew)
			}
		}
	}
}

func documentBody(n int) string {
	for doc := range documents(n) {
		if doc.Line == n {
			return string(doc.Body)
		}
	}
	return ""
}

// Of many groups the worst are kept, whatever the order in which they end.
func TestWorstGroups(t *testing.T) {
	start := time.Now()
	copies := func(n int, differ bool, statuses ...int) *group {
		g := &group{Group: Group{Number: n}}
		for i, status := range statuses {
			r := at(start, 0, 0, time.Duration(n)*time.Millisecond, status)
			r.Copy = i + 1
			if differ {
				r.Answer.BodyHash[0] = byte(i)
			}
			g.add(r)
		}
		for sent := len(statuses); sent < 2; sent++ {
			g.Unsent = append(g.Unsent, sent+1)
		}
		return g
	}
	var s Groups
	for n := range 10 * KeptGroups {
		s.add(copies(n, false, 200, 200))
	}
	for _, g := range []*group{
		copies(5000, false, 500, 500), // not acknowledged
		copies(5001, true, 200, 200),  // other bodies
		copies(5002, false, 200, 500), // other statuses
		copies(5003, false, 200),      // not sent to the last
	} {
		s.add(g)
	}
	var got []int
	for _, g := range s.Worst {
		got = append(got, g.Number)
	}
	want := []int{5002, 5000, 5001, 5003}
	for n := 10*KeptGroups - 1; len(want) < KeptGroups; n-- {
		want = append(want, n) // slower is worse
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	counts := Groups{Total: 10*KeptGroups + 4, Acknowledged: 10*KeptGroups + 2, Cut: 1, Unsent: 1, Differ: 2, DifferStatus: 1, DifferBody: 1}
	if d := cmp.Diff(counts, s, cmpopts.IgnoreFields(Groups{}, "Worst")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// at is a result that was due, sent and answered so long after start.
func at(start time.Time, due, sent, answered time.Duration, status int) Result {
	r := Result{Answer: Answer{Due: start.Add(due), Sent: start.Add(sent), Answered: start.Add(answered), Status: status}}
	r.Err = Statuses(nil).Evaluate(r.Answer)
	return r
}

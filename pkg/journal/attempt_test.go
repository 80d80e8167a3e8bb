package journal

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var unavailable = Outcome{Status: 503, Took: time.Second, Forward: &Forward{
	To: "http://127.0.0.1:8080/hook", Status: 503, Took: time.Second, Attempts: 2,
	Answer: &Answer{Header: http.Header{"Retry-After": {"60"}, "Set-Cookie": {"session=s3cret"}}, Body: []byte("no database"), Size: 11},
}}

func attempt(status int, body string) Attempt {
	return Attempt{
		At: start.Add(time.Hour), By: "log resend", To: "http://127.0.0.1:8080/hook", Status: status, Took: time.Millisecond,
		Answer: &Answer{Header: http.Header{}, Body: []byte(body), Size: int64(len(body))},
	}
}

// finish stores what became of deliveries, and returns once that is on the disk.
func finish(t testing.TB, l *Log, id int64, o *Outcome, attempts ...Attempt) {
	t.Helper()
	if o != nil {
		if err := l.Finish(t.Context(), id, *o); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range attempts {
		if err := l.Attempt(t.Context(), id, a); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.write.ask(t.Context(), func() error { return nil }); err != nil {
		t.Fatal(err)
	}
}

// story is what became of a delivery, in its order.
func story(t testing.TB, l *Log, id int64) (lines []string) {
	t.Helper()
	e, err := l.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	lines = append(lines, fmt.Sprintf("%s failed=%v", e.Verdict(), e.Failed()))
	if o := e.Outcome; o != nil && o.Forward != nil && o.Forward.Answer != nil {
		a := o.Forward.Answer
		lines = append(lines, fmt.Sprintf("%d from %s %v %q of %d", o.Forward.Status, o.Forward.To, a.Header, a.Body, a.Size))
	}
	for _, a := range e.Attempts {
		lines = append(lines, fmt.Sprintf("%s by %s: %d %s %q", a.At.UTC().Format(time.TimeOnly), a.By, a.Status, a.Err, a.Answer.Body))
	}
	return lines
}

// What an endpoint answered, and what came of delivering again, is part of a
// delivery: in the process that wrote it, in another one, and in the next.
func TestAttempts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	l := open(t, path, Options{})
	appendAll(t, l, delivery("call.1", "{}"), delivery("call.2", "{}"), delivery("call.3", "{}"))
	finish(t, l, 1, &unavailable)
	finish(t, l, 2, &unavailable, attempt(500, "not yet"))
	finish(t, l, 3, &Outcome{Status: 204})
	want := map[int64][]string{
		1: {"failed failed=true", `503 from http://127.0.0.1:8080/hook map[Retry-After:[60] Set-Cookie:[[masked]]] "no database" of 11`},
		2: {"failed failed=true", `503 from http://127.0.0.1:8080/hook map[Retry-After:[60] Set-Cookie:[[masked]]] "no database" of 11`,
			`04:04:05 by log resend: 500  "not yet"`},
		3: {"ok failed=false"},
	}
	look := func(l *Log) {
		t.Helper()
		for id := range want {
			if d := cmp.Diff(want[id], story(t, l, id)); d != "" {
				t.Errorf("delivery %d: %s", id, d)
			}
		}
	}
	look(l)
	other := open(t, path, Options{ReadOnly: true})
	look(other)
	if got := ids(t, l, Filter{Failed: true}); !cmp.Equal(got, []int64{1, 2}) {
		t.Errorf("%v fail", got)
	}
	finish(t, other2(t, path), 2, nil, attempt(200, "taken"))
	want[2][0] = "redelivered failed=false"
	want[2] = append(want[2], `04:04:05 by log resend: 200  "taken"`)
	look(l)
	look(other)
	for f, want := range map[*Filter][]int64{{Failed: true}: {1}, {Acknowledged: true}: {2, 3}} {
		if got := ids(t, l, *f); !cmp.Equal(got, want) {
			t.Errorf("%+v: %v", f, got)
		}
		for _, e := range collect(t, l, Filter{}) {
			if f.Match(e) != cmp.Equal([]int64{e.ID}, ids(t, l, Filter{IDs: []IDs{{From: e.ID, To: e.ID}}, Failed: f.Failed, Acknowledged: f.Acknowledged})) {
				t.Errorf("%+v says something else of %d than the table", f, e.ID)
			}
		}
	}
	s, err := l.Stats(t.Context(), Filter{}, 1)
	if err != nil || s.Failed != 2 || s.Redelivered != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	clean(t, l, 3)
}

func other2(t testing.TB, path string) *Log { return open(t, path, Options{}) }

// Of a long answer the beginning is kept, and thousands of them do not make one
// frame.
func TestLongAnswers(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	const n = 1500 // with 64 KiB each more than twice of what waits
	body := bytes.Repeat([]byte("x"), MaxAnswer+1)
	o := unavailable
	o.Forward = &Forward{Status: 503, Answer: &Answer{Body: body}}
	appendAll(t, l, delivery("call.1", "{}"))
	for range n {
		if err := l.Finish(t.Context(), 1, o); err != nil {
			t.Fatal(err)
		}
	}
	finish(t, l, 1, nil)
	e, err := l.Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if a := e.Outcome.Forward.Answer; len(a.Body) != MaxAnswer || a.Size != int64(len(body)) {
		t.Errorf("%d of %d bytes kept, and %d said", len(a.Body), len(body), a.Size)
	}
}

// What is deleted or pruned takes its answers and attempts with it, wherever
// they are; those of others are still found.
func TestAttemptsGo(t *testing.T) {
	for name, remove := range map[string]func(*Log) error{
		"deleted": func(l *Log) error { _, err := l.Delete(t.Context(), 1, 2); return err },
		"pruned":  func(l *Log) error { _, err := l.Prune(t.Context(), Prune{Keep: 1}); return err },
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
			appendAll(t, l, delivery("call.1", "{}"), delivery("call.2", "{}"), delivery("call.3", "{}"))
			o := unavailable
			for id := range int64(3) {
				forward := *o.Forward
				forward.Answer = &Answer{Body: fmt.Appendf(nil, "answer-%d", id+1)}
				o.Forward = &forward
				finish(t, l, id+1, &o)
			}
			// In one segment, the one that stays behind those that go.
			for id := range int64(3) {
				if err := l.Attempt(t.Context(), id+1, attempt(500, fmt.Sprintf("attempt-%d", id+1))); err != nil {
					t.Fatal(err)
				}
			}
			finish(t, l, 3, nil)
			want := story(t, l, 3)
			if len(want) != 3 {
				t.Fatal(want)
			}
			if err := remove(l); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, story(t, l, 3)); d != "" {
				t.Error(d)
			}
			clean(t, l, 1)
			holdsNone(t, l, "answer-1", "answer-2", "attempt-1", "attempt-2")
		})
	}
}

// What is told before a pruning is what then goes.
func TestPrunable(t *testing.T) {
	for _, p := range []Prune{{}, {Keep: 7}, {Keep: 20}, {Keep: -1}, {Before: start.Add(4 * time.Hour)}, {Before: start.Add(99 * time.Hour)}, {Before: start}} {
		l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
		for i := range 12 {
			d := delivery("call", "{}")
			d.Received = start.Add(time.Duration(i) * time.Hour)
			appendAll(t, l, d)
		}
		if _, err := l.Delete(t.Context(), 1, 8); err != nil { // ids do not count
			t.Fatal(err)
		}
		told, err := l.Prunable(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		n, err := l.Prune(t.Context(), p)
		if err != nil || n != told.Deliveries {
			t.Errorf("%+v: %+v told, %d gone, %v", p, told, n, err)
		}
		want := Prunable{Deliveries: n}
		if n > 0 {
			want.First = start.Add(time.Hour)
		}
		if d := cmp.Diff(want, told, cmpopts.IgnoreFields(Prunable{}, "Bytes", "Last", "Through")); d != "" {
			t.Error(d)
		}
	}
}

// Attempts that were flushed are there after a crash, also before they got into
// the table, and those of two processes on one log stand beside each other.
func TestAttemptsSurvive(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	appendAll(t, l, delivery("call.0", "{}"), delivery("call.1", "{}"))
	finish(t, l, 2, &unavailable, attempt(500, "not yet"))
	after := open(t, crashed(t, l), Options{})
	want := []string{"failed failed=true", `503 from http://127.0.0.1:8080/hook map[Retry-After:[60] Set-Cookie:[[masked]]] "no database" of 11`,
		`04:04:05 by log resend: 500  "not yet"`}
	if d := cmp.Diff(want, story(t, after, 2)); d != "" {
		t.Error(d)
	}
	clean(t, after, 2)
	other := open(t, l.Path(), Options{})
	for range 50 {
		finish(t, other, 2, nil, attempt(500, "not yet"))
		finish(t, l, 2, nil, attempt(500, "not yet"))
		appendAll(t, l, delivery("call.1", "{}"))
		appendAll(t, other, delivery("call.1", "{}"))
	}
	finish(t, other, 2, nil, attempt(200, "taken"))
	for _, log := range []*Log{l, other} {
		if got := story(t, log, 2); got[0] != "redelivered failed=false" || len(got) != 2+1+100+1 {
			t.Errorf("%s, and %d attempts", got[0], len(got)-2)
		}
	}
	clean(t, l, 102)
}

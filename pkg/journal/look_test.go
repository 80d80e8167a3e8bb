package journal

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// looked is a log of six deliveries: two calls, a copy of each, one refused and
// one without an outcome.
func looked(t *testing.T) *Log {
	t.Helper()
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	for i, d := range []*Delivery{
		delivery("call.a", `{"name":"Anna Perch"}`), delivery("call.b", `{"name":"Bela Pike"}`),
		delivery("call.a", `{"name":"Anna Perch"}`), delivery("call.b", `{"name":"Bela Pike"}`),
		delivery("", "secret of the fifth"), delivery("call.c", `{"name":"Anna Trout"}`),
	} {
		d.Received = start.Add(time.Duration(i) * 40 * time.Second)
		if i == 4 {
			d.Refusal = "path"
		}
		appendAll(t, l, d)
		if i == 5 {
			continue
		}
		o := Outcome{Status: 204, Took: time.Duration(i+1) * time.Millisecond}
		if i == 4 {
			o.Status, o.Findings, o.Errors = 404, []byte(`["finding of the fifth"]`), 1
		}
		if err := l.Finish(t.Context(), d.ID, o); err != nil {
			t.Fatal(err)
		}
	}
	settle(t, l)
	return l
}

// settle waits until outcomes are written.
func settle(t *testing.T, l *Log) {
	t.Helper()
	for range 1000 {
		if n := len(collect(t, l, Filter{Unanswered: true})); n == 1 {
			return
		}
		<-time.After(time.Millisecond)
	}
	t.Fatal("outcomes are never written")
}

func TestIDs(t *testing.T) {
	l := looked(t)
	for name, tt := range map[string]struct {
		f    Filter
		want []int64
	}{
		"all":           {Filter{}, []int64{1, 2, 3, 4, 5, 6}},
		"newest":        {Filter{Newest: true, Limit: 2}, []int64{6, 5}},
		"words":         {Filter{Text: "anna"}, []int64{1, 3, 6}},
		"words, newest": {Filter{Text: "ann", Newest: true, Limit: 2}, []int64{6, 3}},
		"words, after":  {Filter{Text: "anna", After: 1, Before: 6}, []int64{3}},
		"words, copies": {Filter{Text: "anna", Dups: true}, []int64{3}},
		"failed":        {Filter{Failed: true}, []int64{5}},
		"acknowledged":  {Filter{Acknowledged: true}, []int64{1, 2, 3, 4}},
		"none":          {Filter{Text: "salmon"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := l.IDs(t.Context(), tt.f)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			var entries []int64 // says the same
			for _, e := range collect(t, l, tt.f) {
				entries = append(entries, e.ID)
			}
			if diff := cmp.Diff(entries, got, cmpopts.IgnoreUnexported(Delivery{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSome(t *testing.T) {
	l := looked(t)
	some, err := l.Some(t.Context(), []int64{5, 99, 2})
	if err != nil || len(some) != 2 || some[0].ID != 5 || some[1].ID != 2 || some[0].Outcome.Status != 404 || some[1].Name != "Bela Pike" {
		t.Errorf("got %v, %v", some, err)
	}
	if some, err := l.Some(t.Context(), nil); some != nil || err != nil {
		t.Errorf("of none: %v, %v", some, err)
	}
}

func TestPosition(t *testing.T) {
	l := looked(t)
	before, err := l.Position(t.Context())
	if err != nil || before.First != 1 || before.Last != 6 {
		t.Fatalf("%+v, %v", before, err)
	}
	appendAll(t, l, delivery("call.d", `{}`))
	after, err := l.Position(t.Context())
	if err != nil || after.Last != 7 || after.Writes <= before.Writes {
		t.Errorf("%+v after %+v, %v", after, before, err)
	}
}

func TestTimeline(t *testing.T) {
	l := looked(t)
	got, err := l.Timeline(t.Context(), Filter{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	minute := func(n int) time.Time { return start.Truncate(time.Minute).Add(time.Duration(n) * time.Minute) }
	want := Timeline{
		Step:        time.Minute,
		ResultTypes: []Count{{Name: "Busy", Count: 5}},
		Spans: []Span{
			{From: minute(0), First: 2},
			{From: minute(1), Duplicates: 1},
			{From: minute(2), Duplicates: 1, Failed: 1},
			{From: minute(3), First: 1},
		},
	}
	took := []Percentiles{{P50: 1 * time.Millisecond, P95: 2 * time.Millisecond, P99: 2 * time.Millisecond, Max: 2 * time.Millisecond}, {P50: 3e6, P95: 3e6, P99: 3e6, Max: 3e6}, {P50: 4e6, P95: 5e6, P99: 5e6, Max: 5e6}, {}}
	for i, s := range got.Spans {
		for _, p := range [][2]time.Duration{{s.Took.P50, took[i].P50}, {s.Took.P95, took[i].P95}, {s.Took.P99, took[i].P99}, {s.Took.Max, took[i].Max}} {
			if off := (p[0] - p[1]).Abs(); off > p[1]/40 {
				t.Errorf("span %d: %v, want %v", i, p[0], p[1])
			}
		}
		got.Spans[i].Took, got.Spans[i].From = Percentiles{}, s.From.UTC()
	}
	got.Took = Percentiles{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if one, err := l.Timeline(t.Context(), Filter{CallIDs: []string{"call.c"}}, 2); err != nil || len(one.Spans) != 1 || one.Step != time.Second {
		t.Errorf("of one delivery: %+v, %v", one, err)
	}
	if none, err := l.Timeline(t.Context(), Filter{CallIDs: []string{"call.none"}}, 4); err != nil || none.Spans != nil {
		t.Errorf("of none: %+v, %v", none, err)
	}
}

func TestDelete(t *testing.T) {
	l := looked(t)
	if n, err := l.Delete(t.Context(), 5, 1, 77); n != 2 || err != nil {
		t.Fatalf("deleted %d, %v", n, err)
	}
	ids, err := l.IDs(t.Context(), Filter{})
	if diff := cmp.Diff([]int64{2, 3, 4, 6}, ids); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := l.Get(t.Context(), 5); !errors.Is(err, ErrNotFound) {
		t.Errorf("the fifth: %v", err)
	}
	if ids, err := l.IDs(t.Context(), Filter{Text: "anna"}); len(ids) != 2 || err != nil {
		t.Errorf("found %v, %v", ids, err)
	}
	v, err := l.Verify(t.Context(), func(id int64, what string) { t.Errorf("%d: %s", id, what) })
	if err != nil || v.Deliveries != 4 {
		t.Errorf("%+v, %v", v, err)
	}
	appendAll(t, l, delivery("call.a", `{}`)) // ids and copies go on
	if e, err := l.Get(t.Context(), 7); err != nil || e.Copy != 3 || e.First != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	holdsNone(t, l, "secret of the fifth", "finding of the fifth")
}

package journal

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/julianctl/julianctl/pkg/record"
)

func open(t testing.TB, path string, opts Options) *Log {
	t.Helper()
	l, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

func delivery(call, body string) *Delivery {
	return &Delivery{
		Received: start, Remote: "127.0.0.1:1", Method: "POST", URI: "/hook?a=b", Proto: "HTTP/1.1", Host: "localhost",
		Header: http.Header{"Content-Type": {"application/json"}, "X-Two": {"1", "2"}, "Authorization": {"Bearer s3cret"}},
		Body:   []byte(body), Size: int64(len(body)), CallID: call, ResultType: "Busy",
	}
}

func appendAll(t testing.TB, l *Log, all ...*Delivery) {
	t.Helper()
	for _, d := range all {
		if err := l.Append(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

func collect(t testing.TB, l *Log, f Filter) (all []*Entry) {
	t.Helper()
	for e, err := range l.Deliveries(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		e.Received = e.Received.UTC()
		all = append(all, e)
	}
	return all
}

// What was appended is there, whole, in this process and in the next.
func TestAppendAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "log.db")
	seconds := 46.5
	first, second, refused := delivery("call.1", "{\x00\xff}"), delivery("call.1", "{}"), delivery("", "")
	first.Seconds = &seconds
	refused.Reason, refused.Refusal, refused.Body, refused.Size = "why", "too-large", nil, 99
	outcome := Outcome{
		Status: 502, Took: 3 * time.Millisecond, Forward: &Forward{Took: time.Second, Attempts: 3, Err: "refused"}, Fault: "delayed 1s",
		Errors: 1, Warnings: 2, Findings: []byte(`[` + strings.Repeat(`{"rule":"x"},`, 100) + `{}]`),
	}
	want := []*Entry{{Delivery: *first, Outcome: &outcome}, {Delivery: *second}, {Delivery: *refused, Outcome: &Outcome{Status: 413, Forward: &Forward{Status: 500}}}}
	for i, e := range want {
		e.ID = int64(i + 1)
		e.Hash = record.Hash(e.Body)
		e.Header = http.Header{"Content-Type": {"application/json"}, "X-Two": {"1", "2"}, "Authorization": {"[masked]"}}
	}
	want[0].Copy, want[0].First = 1, 1
	want[1].Copy, want[1].First = 2, 1
	want[2].Body = []byte{}

	l := open(t, path, Options{})
	appendAll(t, l, first, second, refused)
	for _, i := range []int{0, 2} {
		if err := l.Finish(t.Context(), want[i].ID, *want[i].Outcome); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, opts := range []Options{{ReadOnly: true}, {Existing: true}} {
		l = open(t, path, opts)
		if d := cmp.Diff(want, collect(t, l, Filter{}), cmpopts.IgnoreUnexported(Delivery{})); d != "" {
			t.Errorf("%+v: %s", opts, d)
		}
	}
	e, err := l.Get(t.Context(), 2)
	if err != nil || string(e.Body) != "{}" {
		t.Errorf("%v, %v", e, err)
	}
}

func TestFilter(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	for i := range 600 {
		d := delivery(fmt.Sprintf("call.%d", i%500), "{}")
		d.Received = start.Add(time.Duration(i) * time.Minute)
		if i%10 == 0 {
			d.ResultType = "Voicemail"
		}
		appendAll(t, l, d)
		switch {
		case i%7 == 0:
			if err := l.Finish(t.Context(), d.ID, Outcome{Status: 500}); err != nil {
				t.Fatal(err)
			}
		case i%7 == 1:
			if err := l.Finish(t.Context(), d.ID, Outcome{Status: 204, Warnings: 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, l.Path(), Options{ReadOnly: true})
	all := collect(t, l, Filter{})
	var odd []IDs // more spans than an expression may have
	for id := int64(1); id < 600; id += 2 {
		odd = append(odd, IDs{From: id, To: id})
	}
	for name, tt := range map[string]struct {
		f           Filter
		n           int
		first, last int64
	}{
		"all":            {Filter{}, 600, 1, 600},
		"newest":         {Filter{Newest: true, Limit: 300}, 300, 600, 301},
		"after":          {Filter{After: 500}, 100, 501, 600},
		"before":         {Filter{Before: 11, Newest: true}, 10, 10, 1},
		"since":          {Filter{Since: start.Add(598 * time.Minute)}, 2, 599, 600},
		"until":          {Filter{Until: start.Add(2 * time.Minute)}, 2, 1, 2},
		"call":           {Filter{CallIDs: []string{"call.3"}}, 2, 4, 504},
		"dups":           {Filter{Dups: true}, 100, 501, 600},
		"types":          {Filter{ResultTypes: []string{"Voicemail", "x"}}, 60, 1, 591},
		"failed":         {Filter{Failed: true}, 86, 1, 596},
		"findings":       {Filter{Findings: true}, 86, 2, 597},
		"unanswered":     {Filter{Unanswered: true, Limit: 3}, 3, 3, 5},
		"several":        {Filter{Failed: true, Dups: true, Limit: 1}, 1, 505, 505},
		"nothing":        {Filter{CallIDs: []string{"call.x"}}, 0, 0, 0},
		"calls":          {Filter{CallIDs: []string{"call.3", "call.5"}}, 4, 4, 506},
		"acknowledged":   {Filter{Acknowledged: true}, 86, 2, 597},
		"ids":            {Filter{IDs: []IDs{{From: 4, To: 5}, {From: 9, To: 9}, {From: 599, To: 700}}}, 5, 4, 600},
		"ids, newest":    {Filter{IDs: []IDs{{From: 4, To: 5}, {From: 9, To: 9}}, Newest: true, Limit: 2}, 2, 9, 5},
		"many ids":       {Filter{IDs: odd, Failed: true}, 43, 1, 589},
		"many, and more": {Filter{IDs: append(slices.Clone(odd), IDs{From: 600, To: 10_000_000}), Failed: true}, 43, 1, 589},
		"no ids":         {Filter{IDs: []IDs{}}, 0, 0, 0},
		"limit pages":    {Filter{Limit: 257}, 257, 1, 257},
	} {
		var ids []int64
		for e, err := range l.Entries(t.Context(), tt.f) {
			if err != nil {
				t.Fatal(name, err)
			}
			ids = append(ids, e.ID)
		}
		if len(ids) != tt.n || tt.n > 0 && (ids[0] != tt.first || ids[len(ids)-1] != tt.last) {
			t.Errorf("%s: %d ids, %v", name, len(ids), ids)
		}
		if tt.f.Newest || tt.f.Limit > 0 {
			continue
		}
		var matched []int64
		for _, e := range all {
			if tt.f.Match(e) {
				matched = append(matched, e.ID)
			}
		}
		if d := cmp.Diff(ids, matched); d != "" {
			t.Errorf("%s: one by one: %s", name, d)
		}
	}
}

// Copies are counted over restarts, over two logs open at once, and as far as
// the window goes.
func TestCopies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	type place struct {
		Copy  int
		First int64
	}
	put := func(l *Log, call string, at time.Duration) place {
		d := delivery(call, "{}")
		d.Received = start.Add(at)
		appendAll(t, l, d)
		return place{d.Copy, d.First}
	}
	clock := func(at time.Duration) Options {
		return Options{Window: 24 * time.Hour, Now: func() time.Time { return start.Add(at) }}
	}
	one, two := open(t, path, clock(0)), open(t, path, clock(0))
	var got []place
	got = append(got, put(one, "a", 0), put(two, "a", 1), put(one, "a", 2), put(two, "b", 3), put(one, "b", 4), put(two, "a", 5))
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	three := open(t, path, clock(time.Hour))
	got = append(got, put(three, "a", time.Hour), put(three, "", time.Hour), put(three, "b", 25*time.Hour), put(three, "b", 25*time.Hour))
	four := open(t, path, clock(50*time.Hour))
	got = append(got, put(four, "a", 50*time.Hour))
	want := []place{{1, 1}, {2, 1}, {3, 1}, {1, 4}, {2, 4}, {4, 1}, {5, 1}, {0, 0}, {1, 9}, {2, 9}, {1, 11}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Where the clock is set back, deliveries keep their order, and copies are
// counted as if it had stood still: by a new process, too.
func TestClockSetBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	const hour = time.Hour
	var got [][2]int64
	for i, at := range []time.Duration{10 * hour, 0, 1 * hour, 30 * hour, 55 * hour} {
		l := open(t, path, Options{Window: 24 * hour, Now: func() time.Time { return start.Add(at) }})
		d := delivery("call.1", "{}")
		d.Received = start.Add(at)
		appendAll(t, l, d)
		got = append(got, [2]int64{int64(d.Copy), d.First})
		want := []int64{1, 2, 3, 4, 5}[:i+1]
		if i%2 == 0 { // in the table, or in the segments alone
			if d := cmp.Diff(want, ids(t, l, Filter{})); d != "" {
				t.Error(d)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The last is more than a window after the one before it.
	if d := cmp.Diff([][2]int64{{1, 1}, {2, 1}, {3, 1}, {4, 1}, {1, 5}}, got); d != "" {
		t.Error(d)
	}
}

// All is its owner's alone.
func TestPermissions(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	appendAll(t, l, delivery("call.1", "{}"))
	all, err := filepath.Glob(filepath.Join(l.Path(), "*"))
	if len(all) < 3 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	for _, path := range append(all, l.Path()) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

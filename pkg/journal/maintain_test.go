package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func ids(t testing.TB, l *Log, f Filter) (all []int64) {
	t.Helper()
	for e, err := range l.Entries(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.ID)
	}
	return all
}

func clean(t testing.TB, l *Log, deliveries int64) {
	t.Helper()
	v, err := l.Verify(t.Context(), func(id int64, what string) { t.Errorf("delivery %d: %s", id, what) })
	if err != nil || v.Deliveries != deliveries {
		t.Errorf("verified %+v, %v; want %d deliveries", v, err, deliveries)
	}
}

// holdsNone reports an error when any file of a log still has a text.
func holdsNone(t testing.TB, l *Log, texts ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(l.Path(), "*"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if bytes.Contains(data, []byte(text)) {
				t.Errorf("%q is left in %s", text, filepath.Base(file))
			}
		}
	}
}

// What is pruned is gone, also from the bytes of the file; the rest stays as it
// was, and ids go on.
func TestPrune(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	l := open(t, path, Options{})
	for i := range 10 {
		// Two in one segment, as under load.
		done := make(chan error)
		for _, name := range []string{"a", "b"} {
			d := delivery("call."+name, fmt.Sprintf(`{"name": "person-%d%s"}`, i, name))
			d.Received = start.Add(time.Duration(i) * time.Hour)
			go func() { done <- l.Append(t.Context(), d) }()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		p      Prune
		pruned int64
		left   []int64
	}{
		{Prune{}, 0, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}},
		{Prune{Keep: 17}, 3, []int64{4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}},
		{Prune{Before: start.Add(4 * time.Hour)}, 5, []int64{9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}},
		{Prune{Before: start.Add(time.Hour)}, 0, []int64{9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}},
		{Prune{Keep: -1}, 12, nil},
	} {
		n, err := l.Prune(t.Context(), tt.p)
		if err != nil || n != tt.pruned {
			t.Errorf("%+v: pruned %d, %v", tt.p, n, err)
		}
		if d := cmp.Diff(tt.left, ids(t, l, Filter{})); d != "" {
			t.Errorf("%+v: %s", tt.p, d)
		}
		clean(t, l, int64(len(tt.left)))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	holdsNone(t, l, "person-")
	l = open(t, path, Options{})
	d := delivery("call.a", "{}")
	appendAll(t, l, d)
	if d.ID != 21 {
		t.Errorf("id %d after pruning all", d.ID)
	}
}

// The log stays within its bounds, and what is newest is there.
func TestBounds(t *testing.T) {
	for name, opts := range map[string]Options{
		"deliveries": {MaxDeliveries: 50},
		"bytes":      {MaxBytes: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, filepath.Join(t.TempDir(), "log.db"), opts)
			body := strings.Repeat("x", 20<<10)
			for range 300 {
				appendAll(t, l, delivery("call", body))
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = open(t, l.Path(), Options{ReadOnly: true})
			left := ids(t, l, Filter{})
			if n := len(left); n < 30 || n > 60 || left[n-1] != 300 {
				t.Errorf("%d left: %v", n, left)
			}
			clean(t, l, int64(len(left)))
		})
	}
}

func TestSearch(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	appendAll(t, l,
		delivery("call.one", `{"name": "Zoë Miller", "callResult": {"transcription": "Agent: Guten Tag\nUser: I said \"never\" again", "summary": "no deal at 12.50"}}`),
		delivery("call.two", `{"name": "Zoe", "phoneNumber": "+15551234567", "callResult": {"transcription": 7}}`),
		delivery("call.three", `not JSON`),
		delivery("call.four", `{"name": "Zoë-Lou", "callResult": {"summary": "50 of 12"}}`),
	)
	for text, want := range map[string][]int64{
		"zoe": {1, 2, 4}, "ZOË": {1, 2, 4}, "zoë-l": {4}, "12.5": {1}, "12 50": {1, 4}, "-": nil, "guten -": {1}, "guten": {1}, "gut": {1}, "call.two": {2}, "deal miller": {1}, `"never" again`: {1},
		"5551234567": nil, "+15551234567": {2}, "call.thr": {3}, "OR": nil, `" * AND NEAR( `: nil, "  ": {1, 2, 3, 4},
	} {
		if d := cmp.Diff(want, ids(t, l, Filter{Text: text})); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestStats(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	for i := range 100 {
		d := delivery(fmt.Sprint("call.", i/2), "{}")
		d.Received = start.Add(time.Duration(i) * time.Second)
		o := Outcome{Status: 204, Took: time.Duration(i+1) * time.Millisecond}
		switch {
		case i%10 == 9:
			d.Refusal, o.Status = "path", 404
		case i%10 == 8:
			o.Status, o.Forward = 502, &Forward{Err: "refused"}
		case i%10 == 7:
			o.Errors, d.ResultType = 1, "Voicemail"
		}
		appendAll(t, l, d)
		if i < 99 {
			if err := l.Finish(t.Context(), d.ID, o); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	hostile := open(t, filepath.Join(t.TempDir(), "hostile.db"), Options{})
	l = open(t, l.Path(), Options{ReadOnly: true})
	got, err := l.Stats(t.Context(), Filter{}, 2)
	if err != nil {
		t.Fatal(err)
	}
	got.First, got.Last = got.First.UTC(), got.Last.UTC()
	want := Stats{
		Deliveries: 100, Calls: 50, Duplicates: 40, Failed: 19, Refused: 10, Unforwarded: 10, Unanswered: 1, Invalid: 10, Bytes: 200,
		First: start, Last: start.Add(99 * time.Second),
		Took:        Percentiles{P50: 50 * time.Millisecond, P95: 95 * time.Millisecond, P99: 99 * time.Millisecond, Max: 99 * time.Millisecond},
		ResultTypes: []Count{{Name: "Busy", Count: 80}, {Name: "Voicemail", Count: 10}},
		Statuses:    []Count{{Name: "204", Count: 80}, {Name: "502", Count: 10}, {Name: "404", Count: 9}},
		Over:        []Part{{From: start, Deliveries: 50, Failed: 10}, {From: start.Add(49*time.Second + 500*time.Millisecond + 1), Deliveries: 50, Failed: 9}},
	}
	for i := range got.Over {
		got.Over[i].From = got.Over[i].From.UTC()
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, call := range []string{"a,b", "a,b", "a,b,c", "é", "\xff\xfe", "a\x00b", "a\x00c", "c"} {
		appendAll(t, hostile, delivery(call, "{}"))
	}
	if got, err := hostile.Stats(t.Context(), Filter{}, 1); err != nil || got.Calls != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := l.Stats(t.Context(), Filter{CallIDs: []string{"call.x"}}, 3); err != nil || got.Deliveries != 0 || got.Over != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// What is kept is counted: ids go on where deliveries were deleted.
func TestPruneCounts(t *testing.T) {
	for _, tt := range []struct {
		p    Prune
		left []int64
	}{
		{Prune{Keep: 6}, []int64{1, 2, 3, 18, 19, 20}},
		{Prune{Keep: 7}, []int64{1, 2, 3, 18, 19, 20}},
		{Prune{Keep: 5}, []int64{2, 3, 18, 19, 20}},
		{Prune{Keep: 2}, []int64{19, 20}},
		{Prune{Bytes: 1}, nil},
	} {
		l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
		var gone []int64
		for id := range int64(20) {
			appendAll(t, l, delivery("call", "{}"))
			if 3 < id+1 && id+1 < 18 {
				gone = append(gone, id+1)
			}
		}
		if n, err := l.Delete(t.Context(), gone...); err != nil || n != len(gone) {
			t.Fatalf("deleted %d, %v", n, err)
		}
		n, err := l.Prune(t.Context(), tt.p)
		if err != nil || n != int64(6-len(tt.left)) {
			t.Errorf("%+v: pruned %d, %v", tt.p, n, err)
		}
		if d := cmp.Diff(tt.left, ids(t, l, Filter{})); d != "" {
			t.Errorf("%+v: %s", tt.p, d)
		}
		clean(t, l, int64(len(tt.left)))
	}
}

// The bounds of a log count what is there, too.
func TestBoundsCount(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{MaxDeliveries: 50})
	var gone []int64
	for id := range int64(45) {
		appendAll(t, l, delivery("call", "{}"))
		if 20 <= id && id < 40 {
			gone = append(gone, id)
		}
	}
	if n, err := l.Delete(t.Context(), gone...); err != nil || n != 20 {
		t.Fatalf("deleted %d, %v", n, err)
	}
	for range 20 {
		appendAll(t, l, delivery("call", "{}"))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	left := ids(t, open(t, l.Path(), Options{ReadOnly: true}), Filter{})
	if len(left) != 45 || left[0] != 1 {
		t.Errorf("%d left of 45: %v", len(left), left)
	}
}

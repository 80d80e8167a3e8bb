package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

// crashed is a copy of the files of a log, as a kill would leave them.
func crashed(t *testing.T, l *Log) (path string) {
	t.Helper()
	return copyOf(t, l.Path())
}

func copyOf(t *testing.T, log string) (path string) {
	t.Helper()
	for {
		path = filepath.Join(t.TempDir(), "log.db")
		err := os.CopyFS(path, os.DirFS(log))
		if errors.Is(err, os.ErrNotExist) {
			continue // SQLite has deleted one in the meantime
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
}

// bodies are those of all deliveries of the log at path, after a new start.
func bodies(t *testing.T, path string) (all []string) {
	t.Helper()
	l, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i, e := range collect(t, l, Filter{}) {
		if e.ID != int64(i+1) {
			t.Errorf("id %d at %d", e.ID, i)
		}
		all = append(all, string(e.Body))
	}
	clean(t, l, int64(len(all)))
	return all
}

func then() time.Time { return start }

// only is the one segment of a log.
func only(t *testing.T, path string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(path, "*"+segment.Suffix))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}

// indexOf is the one index of a log.
func indexOf(t *testing.T, path string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(path, "index-*.db"))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}

// removeIndex deletes all files of an index.
func removeIndex(path string) {
	for _, end := range []string{"", "-wal", "-shm", "-journal", "-stamp"} {
		_ = os.Remove(path + end) // mostly some are not there
	}
}

// A frame that is torn at whatever byte is the end: it was not acknowledged, it is no
// damage, and the next start goes on from there.
func TestTornFrame(t *testing.T) {
	t.Parallel()
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	appendAll(t, l, delivery("call.0", "first"), delivery("call.1", "whole"))
	from := l.write.tail.At
	appendAll(t, l, delivery("call.1", "torn"))
	to := l.write.tail.At
	image := crashed(t, l)
	segment := only(t, image)
	whole, err := os.ReadFile(segment)
	if err != nil || int64(len(whole)) <= to {
		t.Fatal(len(whole), err)
	}
	if got := bodies(t, crashed(t, l)); len(got) != 3 {
		t.Fatalf("untouched: %q", got)
	}
	for _, index := range []string{"with the index", "without"} {
		for at := from; at < to; at += 7 {
			torn := bytes.Clone(whole)
			clear(torn[at:])
			path := copyOf(t, image)
			if index == "without" {
				removeIndex(indexOf(t, path))
			} else {
				removeIndex(indexOf(t, path))
				early := bytes.Clone(whole)
				clear(early[from:])
				rewrite(t, only(t, path), early)
				if got := bodies(t, path); len(got) != 2 {
					t.Fatalf("early: %q", got)
				}
			}
			rewrite(t, only(t, path), torn)
			if got := bodies(t, path); len(got) != 2 || got[1] != "whole" {
				t.Fatalf("torn at %d of %d, %s: %q", at-from, to-from, index, got)
			}
			again := open(t, path, Options{Now: then})
			d := delivery("call.1", "next")
			if appendAll(t, again, d); d.ID < 3 || d.Copy != 2 {
				t.Errorf("torn at %d: id %d, copy %d", at-from, d.ID, d.Copy)
			}
			if now := only(t, path); filepath.Base(now) != filepath.Base(segment) {
				t.Errorf("torn at %d: it went on in %s", at-from, now)
			}
			clean(t, again, 3)
		}
	}
}

func rewrite(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// However a segment is damaged, all other deliveries are readable, and the damaged
// one is told with its place: by those who have an index from before, and by those
// who have not.
func TestDamagedSegment(t *testing.T) {
	t.Parallel()
	flips := 60
	if os.Getenv("JULIANCTL_LONG") != "" {
		flips = 500
	}
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	const n = 20
	for i := range n {
		appendAll(t, l, delivery(fmt.Sprint("call.", i), fmt.Sprintf(`{"name": "person %d", "pad": %q}`, i, strings.Repeat("x", i*20))))
	}
	ids(t, l, Filter{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(only(t, l.Path()))
	if err != nil {
		t.Fatal(err)
	}
	s, _ := segment.ParseName(filepath.Base(only(t, l.Path())))
	var starts []int64
	c, err := l.folder.Open(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for {
		f, ok, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		starts = append(starts, f.Place)
	}
	if len(starts) != n {
		t.Fatalf("%d frames", len(starts))
	}
	for range flips {
		at := rand.IntN(len(whole))
		hit := int64(n)
		for i, start := range starts {
			if start <= int64(at) {
				hit = int64(i + 1)
			}
		}
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1 << rand.IntN(8)
		for _, index := range []bool{true, false} {
			path := crashed(t, l)
			rewrite(t, only(t, path), damaged)
			if !index {
				removeIndex(indexOf(t, path))
			}
			for _, opts := range []Options{{ReadOnly: true}, {}} {
				reader, err := Open(t.Context(), path, opts)
				if err != nil {
					t.Fatal(err)
				}
				var got, bad []int64
				for e, err := range reader.Deliveries(t.Context(), Filter{Damaged: func(id int64, _ error) { bad = append(bad, id) }}) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, e.ID)
				}
				if slices.Contains(got, hit) || len(got) != n-1 || len(bad) != 1 && (index || hit < n) || index && bad[0] != hit {
					t.Errorf("flipped at %d, in %d, index %v: %v are there, %v are damaged", at, hit, index, got, bad)
				}
				var told []string
				v, err := reader.Verify(t.Context(), func(id int64, what string) {
					told = append(told, fmt.Sprintf("%d: %s", id, what))
				})
				want := fmt.Sprintf(" %s, at %d", s.Name, starts[hit-1])
				if err != nil || v.Problems != 1 || v.Deliveries != n-1 || !strings.HasSuffix(told[0], want) || index && !strings.HasPrefix(told[0], fmt.Sprint(hit, ":")) {
					t.Errorf("flipped at %d, in %d, index %v: %+v, %q, %v", at, hit, index, v, told, err)
				}
				if opts.ReadOnly {
					if err := reader.Close(); err != nil {
						t.Fatal(err)
					}
					continue
				}
				d := delivery("call.new", "{}")
				if appendAll(t, reader, d); d.ID < n {
					t.Errorf("id %d", d.ID)
				}
				if e, err := reader.Get(t.Context(), d.ID); err != nil || e.CallID != "call.new" {
					t.Errorf("%v, %v", e, err)
				}
				if err := reader.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if now, err := os.ReadFile(filepath.Join(path, s.Name)); err != nil || !bytes.HasPrefix(now, damaged[:starts[hit-1]]) || len(now) < len(damaged) {
				t.Errorf("flipped at %d: %d bytes of %d are left, %v", at, len(now), len(damaged), err)
			}
		}
	}
}

// An index that is missing, damaged, cut off, of another log or of another version is
// made again: the answers stay the same.
func TestIndexIsThrownAway(t *testing.T) {
	t.Parallel()
	flips := 40
	if os.Getenv("JULIANCTL_LONG") != "" {
		flips = 500
	}
	log := func(name string) *Log {
		l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
		for i := range 40 {
			appendAll(t, l, delivery(fmt.Sprint("call.", i/2), fmt.Sprintf(`{"name": "%s %d", "callResult": {"summary": "word%d"}}`, name, i, i)))
			finish(t, l, int64(i+1), &Outcome{Status: 200 + 300*(i%3/2), Errors: i % 2, Findings: []byte(`["x"]`)})
		}
		finish(t, l, 3, nil, attempt(200, "taken"))
		if _, err := l.Delete(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		ids(t, l, Filter{Text: "word5"})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l
	}
	answers := func(path string) (all []string) {
		l, err := Open(t.Context(), path, Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for _, e := range collect(t, l, Filter{}) {
			all = append(all, fmt.Sprint(e.ID, e.Verdict(), e.Name, e.CallID, e.Copy, string(e.Body), len(e.Attempts)))
		}
		s, err := l.Stats(t.Context(), Filter{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		return append(all, fmt.Sprint(s.Failed, s.Invalid, s.Calls, ids(t, l, Filter{Text: "word5"}), ids(t, l, Filter{Failed: true})))
	}
	l, other := log("person"), log("other")
	want := answers(l.Path())
	if len(want) != 40 {
		t.Fatal(len(want))
	}
	read := func(l *Log) []byte {
		data, err := os.ReadFile(indexOf(t, l.Path()))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	good, foreign := read(l), read(other)
	bad := map[string][]byte{"of another log": foreign, "empty": {}, "text": []byte("some notes\n"), "cut off": good[:len(good)/2], "cut off in a page": good[:len(good)-100]}
	newer := bytes.Clone(good)
	newer[63]++
	bad["of another version"] = newer
	for range flips {
		at := rand.IntN(len(good))
		flipped := bytes.Clone(good)
		flipped[at] ^= 1 << rand.IntN(8)
		bad[fmt.Sprint("flipped at ", at)] = flipped
	}
	many := bytes.Clone(good)
	for range 500 {
		many[rand.IntN(len(many))] ^= 1 << rand.IntN(8)
	}
	bad["flipped at 500 places"], bad["missing"] = many, nil
	for name, data := range bad {
		path := crashed(t, l)
		removed := data == nil
		if removed {
			removeIndex(indexOf(t, path))
		} else {
			rewrite(t, indexOf(t, path), data)
		}
		if d := cmp.Diff(want, answers(path)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	// Without a stamp, as after a kill, SQLite notices what it can.
	for _, name := range []string{"of another log", "empty", "text", "of another version", "cut off"} {
		path := crashed(t, l)
		file := indexOf(t, path)
		removeIndex(file)
		rewrite(t, file, bad[name])
		if d := cmp.Diff(want, answers(path)); d != "" {
			t.Errorf("%s, no stamp: %s", name, d)
		}
	}
	for _, path := range []string{l.Path(), crashed(t, l)} {
		was := indexOf(t, path)
		if open(t, path, Options{ReadOnly: true}); indexOf(t, path) != was {
			t.Error("the index that was fine was made again")
		}
	}
}

// What the lock says of how far others have got may be old or gone.
func TestTurnIsBehind(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	appendAll(t, l, delivery("call.1", "a"), delivery("call.1", "b"))
	early, err := os.ReadFile(filepath.Join(l.Path(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		appendAll(t, l, delivery("call.1", "c"))
	}
	for name, lock := range map[string][]byte{"old": early, "gone": nil, "empty": {}, "garbage": bytes.Repeat([]byte{0xa5}, 600)} {
		path := crashed(t, l)
		file := filepath.Join(path, "lock")
		if rewrite(t, file, lock); lock == nil {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		reader := open(t, path, Options{ReadOnly: true})
		if got := ids(t, reader, Filter{}); len(got) != 7 {
			t.Errorf("%s: %v", name, got)
		}
		writer := open(t, path, Options{Now: then})
		d := delivery("call.1", "next")
		if appendAll(t, writer, d); d.ID != 8 || d.Copy != 8 {
			t.Errorf("%s: id %d, copy %d", name, d.ID, d.Copy)
		}
		clean(t, writer, 8)
	}
}

// Several that append to one log, and close and open it, give out each id once,
// count copies together, and lose nothing.
func TestShared(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	const writers, each = 3, 20
	var all sync.WaitGroup
	seen := make([][]*Delivery, writers)
	for i := range writers {
		all.Go(func() {
			for n := range each {
				if n%7 == 6 {
					continue
				}
				l, err := Open(t.Context(), path, Options{MaxBytes: 4 << 20, Now: then})
				if err != nil {
					t.Error(err)
					return
				}
				for range 1 + n%3 {
					d := delivery("call", strings.Repeat("x", n*300))
					if err := l.Append(t.Context(), d); err != nil {
						t.Error(err)
					}
					seen[i] = append(seen[i], d)
				}
				if n%5 == 4 {
					if _, err := l.IDs(t.Context(), Filter{}); err != nil {
						t.Error(err)
					}
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	copies := map[int]bool{}
	for _, ds := range seen {
		for _, d := range ds {
			if d.Copy != int(d.ID) || copies[d.Copy] {
				t.Fatalf("id %d, copy %d", d.ID, d.Copy)
			}
			copies[d.Copy] = true
		}
	}
	l := open(t, path, Options{ReadOnly: true})
	clean(t, l, int64(len(copies)))
	if got := ids(t, l, Filter{}); len(got) != len(copies) || got[len(got)-1] != int64(len(copies)) {
		t.Errorf("%d listed of %d", len(got), len(copies))
	}
	if all, err := l.folder.Segments(); err != nil || len(all) > 8 {
		t.Errorf("%d segments, %v", len(all), err)
	}
}

// A reader in another process sees what was acknowledged before it looked,
// while more comes all the time.
func TestReaderWhileBusy(t *testing.T) {
	t.Parallel()
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{MaxBytes: 32 << 20})
	second := open(t, l.Path(), Options{MaxBytes: 32 << 20})
	var acknowledged atomic.Int64
	var senders sync.WaitGroup
	for i := range 8 {
		senders.Go(func() {
			for range 200 {
				d := delivery("", strings.Repeat("x", 2000))
				if err := []*Log{l, second}[i%2].Append(t.Context(), d); err != nil {
					t.Error(err)
					return
				}
				acknowledged.Add(1)
			}
		})
	}
	reader := open(t, l.Path(), Options{ReadOnly: true})
	for ended := false; !ended; {
		ended = acknowledged.Load() == 8*200 || t.Failed() // then once more
		before := acknowledged.Load()
		list, err := reader.IDs(t.Context(), Filter{})
		if err != nil || int64(len(list)) < before {
			t.Errorf("%d of %d, %v", len(list), before, err)
		}
		before = acknowledged.Load()
		if at, err := reader.Position(t.Context()); err != nil || at.Last < before {
			t.Errorf("at %d of %d, %v", at.Last, before, err)
		}
		before = acknowledged.Load()
		if v, err := reader.Verify(t.Context(), func(id int64, what string) { t.Error(id, what) }); err != nil || v.Deliveries < before {
			t.Errorf("verified %d of %d, %v", v.Deliveries, before, err)
		}
	}
	senders.Wait()
	clean(t, reader, acknowledged.Load())
}

// An interrupted record.Deletion is completed by who looks next, in the segments too.
func TestDeletionIsCompleted(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	appendAll(t, l, delivery("call.1", "first secret"), delivery("call.2", "second"), delivery("call.3", "third secret"))
	finish(t, l, 1, &unavailable, attempt(500, "first attempt"))
	ids(t, l, Filter{})
	if err := l.write.remove(t.Context(), record.Deletion{IDs: []int64{1, 3}}, false); err != nil {
		t.Fatal(err)
	}
	path := crashed(t, l)
	reader := open(t, path, Options{ReadOnly: true})
	if got := ids(t, reader, Filter{}); !slices.Equal(got, []int64{2}) {
		t.Errorf("listed %v", got)
	}
	clean(t, reader, 1)
	holdsNone(t, reader, "first secret", "third secret", "first attempt", "no database")
	removeIndex(indexOf(t, path))
	clean(t, open(t, path, Options{}), 1)
}

// A log that cannot be written to is shown whole all the same.
func TestReadOnlyFolder(t *testing.T) {
	if os.Getuid() == 0 {
		dir := tmpfs(t, "8m")
		l, err := Open(t.Context(), filepath.Join(dir, "log.db"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		appendAll(t, l, delivery("call.1", "{}"))
		ids(t, l, Filter{})
		appendAll(t, l, delivery("call.2", "{}"))
		path := filepath.Join(dir, "copy")
		if err := os.CopyFS(path, os.DirFS(l.Path())); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		remount(t, dir, "ro")
		for _, path := range []string{l.Path(), path} {
			reader := open(t, path, Options{ReadOnly: true})
			if got := ids(t, reader, Filter{}); len(got) != 2 {
				t.Errorf("listed %v", got)
			}
			clean(t, reader, 2)
			if err := reader.Close(); err != nil {
				t.Error(err)
			}
		}
		writer := open(t, path, Options{})
		if err := writer.Append(t.Context(), delivery("call.3", "{}")); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%v", err)
		}
		if err := writer.Close(); err != nil {
			t.Error(err)
		}
		remount(t, dir, "rw")
	}
}

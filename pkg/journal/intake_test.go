//go:build linux || darwin

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/needs"
)

// held opens a log whose intake nobody moves until the transaction that is
// returned ends: as if it were always busy.
func held(t *testing.T, opts Options) (l *Log, let func()) {
	t.Helper()
	l = open(t, filepath.Join(t.TempDir(), "log.db"), opts)
	l.write.keeper.room = minRoom
	appendAll(t, l, delivery("call.0", "{}"))
	ids(t, l, Filter{})
	db, err := openDB(l.Path(), time.Minute, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	let = sync.OnceFunc(func() {
		if _, err := db.Exec("ROLLBACK"); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(let) // before the log is closed
	return l, let
}

// crashed is a copy of the files of a log, as a power cut would leave them.
func crashed(t *testing.T, l *Log) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "log.db")
	for _, suffix := range []string{"", "-wal", intakeSuffix} {
		data, err := os.ReadFile(l.Path() + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
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

// tail is where the intake of l ends in its file.
func tail(t *testing.T, l *Log) int64 {
	t.Helper()
	var at spot
	if err := l.write.ask(t.Context(), func() error { at = l.write.at; return nil }); err != nil {
		t.Fatal(err)
	}
	return headSize + at.pos%l.write.intake.room
}

// What was appended is in the intake alone at first, is found by others as soon
// as they may look, and after a clean end there is one file.
func TestIntake(t *testing.T) {
	l, let := held(t, Options{})
	appendAll(t, l, delivery("call.1", `{"a": 1}`), delivery("call.1", `{"a": 2}`))
	raw, err := os.ReadFile(l.Path() + intakeSuffix)
	if err != nil || !bytes.Contains(raw, []byte(`{"a": 2}`)) {
		t.Fatalf("it is not in the intake (%v)", err)
	}
	info, err := os.Stat(l.Path() + intakeSuffix)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if d := cmp.Diff([]string{"{}", `{"a": 1}`, `{"a": 2}`}, bodies(t, crashed(t, l))); d != "" {
		t.Errorf("after a crash: %s", d)
	}
	let()
	if d := cmp.Diff([]int64{1, 2, 3}, ids(t, open(t, l.Path(), Options{ReadOnly: true}), Filter{})); d != "" {
		t.Errorf("another reader: %s", d)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"log.db"}, names(t, filepath.Dir(l.Path()))); d != "" {
		t.Error(d)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		// Of a reader that is still open.
		if !strings.HasSuffix(e.Name(), "-wal") && !strings.HasSuffix(e.Name(), "-shm") {
			all = append(all, e.Name())
		}
	}
	return all
}

// A frame that is torn at whatever byte is the end, and the next start goes on
// from there.
func TestTornFrame(t *testing.T) {
	t.Parallel()
	l, _ := held(t, Options{})
	appendAll(t, l, delivery("call.1", "whole"))
	from := tail(t, l)
	appendAll(t, l, delivery("call.1", "torn"))
	to := tail(t, l)
	image := crashed(t, l)
	whole, err := os.ReadFile(image + intakeSuffix)
	if err != nil {
		t.Fatal(err)
	}
	if got := bodies(t, copyOf(t, image, whole)); len(got) != 3 {
		t.Fatalf("untouched: %q", got)
	}
	var moved int64
	if err := l.read.QueryRowContext(t.Context(), "SELECT intake FROM state").Scan(&moved); err != nil {
		t.Fatal(err)
	}
	for at := from; at < to; at++ {
		// What the disk had not yet is zeros, or what was there before.
		for name, rest := range map[string]byte{"zeros": 0, "old": 0xa5} {
			torn := bytes.Clone(whole)
			for i := at; i < to; i++ {
				if name == "old" && torn[i] == rest {
					torn[i]++
					continue
				}
				torn[i] = rest
			}
			if bytes.Equal(torn, whole) {
				continue // it ended in zeros
			}
			if err := os.WriteFile(image+intakeSuffix, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			in, err := lookIntake(image+intakeSuffix, l.write.keeper.log)
			if err != nil {
				t.Fatal(err)
			}
			end, err := in.end(moved)
			if err := errors.Join(err, in.file.Close()); err != nil || headSize+end != from {
				t.Fatalf("torn at %d of %d, %s: ends at %d, want %d, %v", at-from, to-from, name, end, from-headSize, err)
			}
			if (at-from)%24 != 0 {
				continue
			}
			path := copyOf(t, image, torn)
			if got := bodies(t, path); len(got) != 2 || got[1] != "whole" {
				t.Fatalf("torn at %d of %d, %s: %q", at-from, to-from, name, got)
			}
			again := open(t, path, Options{})
			d := delivery("call.1", "next")
			if appendAll(t, again, d); d.ID != 3 || d.Copy != 2 {
				t.Errorf("torn at %d: id %d, copy %d", at-from, d.ID, d.Copy)
			}
		}
	}
}

// copyOf is a copy of a log with another intake.
func copyOf(t *testing.T, path string, intake []byte) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "log.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(to+intakeSuffix, intake, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// A frame that was damaged before whole ones is not an end: nobody goes on as if
// those had never been.
func TestDamagedIntake(t *testing.T) {
	l, _ := held(t, Options{})
	appendAll(t, l, delivery("call.1", "first"))
	from := tail(t, l)
	appendAll(t, l, delivery("call.1", "second"))
	appendAll(t, l, delivery("call.1", "third"))
	path := crashed(t, l)
	data, err := os.ReadFile(path + intakeSuffix)
	if err != nil {
		t.Fatal(err)
	}
	data[from+frameHead+20] ^= 1
	if err := os.WriteFile(path+intakeSuffix, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("to write: %v, %v", l, err)
	}
	reader := open(t, path, Options{ReadOnly: true})
	var told []string
	v, err := reader.Verify(t.Context(), func(_ int64, what string) { told = append(told, what) })
	if err != nil || v.Problems != 1 || v.Deliveries != 2 || len(told) != 1 || !strings.Contains(told[0], "deliveries are behind it") {
		t.Errorf("%+v, %v, %q", v, err, told)
	}
}

// The ring goes round many times. What is left of earlier laps behind the end is
// never taken for new, wherever the process is killed.
func TestIntakeLaps(t *testing.T) {
	t.Parallel()
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	l.write.keeper.room = minRoom
	var want []string
	laps := map[int64]bool{}
	for i := range 120 {
		body := fmt.Sprintf("%d %s", i, strings.Repeat("x", i*i*7%9000))
		want = append(want, body)
		appendAll(t, l, delivery("", body))
		at := tail(t, l)
		var pos int64
		if err := l.write.ask(t.Context(), func() error { pos = l.write.at.pos; return nil }); err != nil {
			t.Fatal(err)
		}
		laps[pos/minRoom] = true
		if i%8 != 7 {
			continue
		}
		if d := cmp.Diff(want, bodies(t, crashed(t, l))); d != "" {
			t.Fatalf("killed after %d, at %d: %s", i, at, d)
		}
	}
	if len(laps) < 5 {
		t.Errorf("only %d laps", len(laps))
	}
	if info, err := os.Stat(l.Path() + intakeSuffix); err != nil || info.Size() > headSize+minRoom {
		t.Errorf("%v, %v", info, err)
	}
}

// When the intake is full, deliveries wait until there is room; one that is
// larger than it goes past it.
func TestIntakeIsBounded(t *testing.T) {
	l, let := held(t, Options{Busy: 20 * time.Millisecond})
	stored := 1
	var failed error
	for failed == nil && stored < 100 {
		if failed = l.Append(t.Context(), delivery("call", strings.Repeat("x", 4000))); failed == nil {
			stored++
		}
	}
	if !errors.Is(failed, ErrLocked) || stored < 10 || stored > 18 {
		t.Errorf("%d fit, then: %v", stored, failed)
	}
	let()
	large := delivery("call", strings.Repeat("y", 2*minRoom))
	after := delivery("call", "z")
	if appendAll(t, l, large, after); large.ID != int64(stored+1) || after.ID != large.ID+1 || after.Copy != stored+1 {
		t.Errorf("ids %d and %d, copy %d after %d", large.ID, after.ID, after.Copy, stored)
	}
	other := open(t, l.Path(), Options{})
	if d := delivery("call", "other"); true {
		if appendAll(t, other, d); d.ID != after.ID+1 || d.Copy != after.Copy+1 {
			t.Errorf("another process: id %d, copy %d after %d", d.ID, d.Copy, after.Copy)
		}
	}
	clean(t, l, after.ID+1)
}

// A move that is cut off before it is committed is done again; one that was
// committed is not.
func TestMoveIsOnce(t *testing.T) {
	l, let := held(t, Options{})
	appendAll(t, l, delivery("call.1", "a"), delivery("call.1", "b"))
	before := crashed(t, l)
	let()
	k := l.write.keeper
	cut := errors.New("cut off")
	var during string
	err := k.exec(t.Context(), func(ctx context.Context) error {
		if _, _, err := k.moveSome(ctx, nil, 1<<60); err != nil {
			return err
		}
		during = crashed(t, l)
		return cut
	})
	if !errors.Is(err, cut) {
		t.Fatal(err)
	}
	if err := k.moveAll(t.Context(), nil, (*keeper).transaction); err != nil {
		t.Fatal(err)
	}
	after := crashed(t, l)
	for name, path := range map[string]string{"before": before, "during": during, "after": after} {
		if d := cmp.Diff([]string{"{}", "a", "b"}, bodies(t, path)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	// The intake is still there in the last of them: what is in it was moved.
	if raw, err := os.ReadFile(l.Path() + intakeSuffix); err != nil || !bytes.Contains(raw, []byte("call.1")) {
		t.Errorf("no intake after moving (%v)", err)
	}
}

// Several that append to one log, and close and open it, give out each id once,
// count copies together, and lose nothing.
func TestIntakeShared(t *testing.T) {
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
				l, err := Open(t.Context(), path, Options{})
				if err != nil {
					t.Error(err)
					return
				}
				l.write.keeper.room = minRoom
				for range 1 + n%3 {
					d := delivery("call", strings.Repeat("x", n*300))
					if err := l.Append(t.Context(), d); err != nil {
						t.Error(err)
					}
					seen[i] = append(seen[i], d)
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
	if d := cmp.Diff([]string{"log.db"}, names(t, filepath.Dir(path))); d != "" {
		t.Error(d)
	}
}

// A reader in another process sees what was acknowledged before it looked,
// while more comes all the time.
func TestReaderWhileBusy(t *testing.T) {
	t.Parallel()
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	var acknowledged atomic.Int64
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for range 200 {
				d := delivery("", strings.Repeat("x", 2000))
				if err := l.Append(t.Context(), d); err != nil {
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

// An intake that was deleted under way is no loss as long as the process lives,
// and one that is of another log is kept.
func TestIntakeTaken(t *testing.T) {
	l, let := held(t, Options{})
	appendAll(t, l, delivery("call.1", "a"))
	if err := os.Remove(l.Path() + intakeSuffix); err != nil {
		t.Fatal(err)
	}
	let()
	d := delivery("call.1", "b")
	if appendAll(t, l, d); d.ID != 3 || d.Copy != 2 {
		t.Errorf("id %d, copy %d", d.ID, d.Copy)
	}
	clean(t, l, 3)

	old, _ := held(t, Options{})
	appendAll(t, old, delivery("call.1", "precious"))
	left, err := os.ReadFile(old.Path() + intakeSuffix)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "log.db")
	if err := os.WriteFile(path+intakeSuffix, left, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := bodies(t, path); got != nil {
		t.Errorf("of another log: %q", got)
	}
	fresh := open(t, path, Options{})
	appendAll(t, fresh, delivery("call.1", "mine"))
	kept, err := filepath.Glob(path + intakeSuffix + "-*")
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %q, %v", kept, err)
	}
	if now, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(now, left) {
		t.Errorf("it was changed (%v)", err)
	}
}

// Where nothing may be written, what is only in the intake is verified, and
// what is not listed is counted.
func TestIntakeReadOnly(t *testing.T) {
	needs.Program(t, "chattr")
	l, _ := held(t, Options{})
	appendAll(t, l, delivery("call.1", "a"), delivery("call.1", "b"))
	path := crashed(t, l)
	// What was only in the write-ahead log goes into the file.
	db, err := openDB(path, time.Minute, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("chattr", "+i", path).CombinedOutput(); err != nil {
		needs.Missing(t, "chattr", fmt.Sprintf("%v %s", err, out))
	}
	defer func() {
		if out, err := exec.CommandContext(context.Background(), "chattr", "-i", path).CombinedOutput(); err != nil {
			t.Errorf("chattr: %v %s", err, out)
		}
	}()
	reader := open(t, path, Options{ReadOnly: true})
	clean(t, reader, 3)
	if got := ids(t, reader, Filter{}); len(got) != 1 {
		t.Errorf("listed %v", got)
	}
	if n, err := reader.Unlisted(t.Context()); n != 2 || err != nil {
		t.Errorf("%d unlisted, %v", n, err)
	}
	if n, err := l.Unlisted(t.Context()); n != 2 || err != nil {
		t.Errorf("%d unlisted, %v", n, err)
	}
}

// A file is found at its path until it is deleted or another takes its place.
func TestIsAt(t *testing.T) {
	for name, isAt := range map[string]func(*os.File, string) bool{"isAt": isAt, "statIsAt": statIsAt} {
		path := filepath.Join(t.TempDir(), "file")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		at := []bool{isAt(f, path)}
		if err := os.Rename(path, path+".old"); err != nil {
			t.Fatal(err)
		}
		at = append(at, isAt(f, path), isAt(f, path+".old"))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at = append(at, isAt(f, path))
		if d := cmp.Diff([]bool{true, false, true, false}, at); d != "" {
			t.Errorf("%s: there, gone, elsewhere, replaced: %s", name, d)
		}
	}
}

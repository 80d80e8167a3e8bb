package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/needs"
	"github.com/julianctl/julianctl/pkg/segment"

	"github.com/julianctl/julianctl/pkg/index"
)

// What is no delivery log, or newer, is told as that, and left as it is.
func TestUnusable(t *testing.T) {
	for name, tt := range map[string]struct {
		file string // beside which others are
		text string
		want error
	}{
		"a file":         {"", "some notes\n", ErrForeign},
		"other things":   {"notes", "some notes\n", ErrForeign},
		"another lock":   {"lock", strings.Repeat("x", 600), ErrForeign},
		"newer":          {"lock", newerHead(), ErrNewer},
		"a short lock":   {"lock", "some notes\n", ErrForeign},
		"another SQLite": {"", "SQLite format 3\x00" + strings.Repeat("\x00", 4096), ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log.db")
			file := filepath.Join(path, tt.file)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, opts := range []Options{{}, {ReadOnly: true}} {
				if _, err := Open(t.Context(), path, opts); !errors.Is(err, tt.want) {
					t.Errorf("%+v: %v, want %v", opts, err, tt.want)
				}
			}
			if now, err := os.ReadFile(file); err != nil || string(now) != tt.text {
				t.Errorf("it was changed (%v)", err)
			}
			if all, err := os.ReadDir(filepath.Dir(file)); err != nil || len(all) != 1 {
				t.Errorf("%v, %v", all, err)
			}
		})
	}
	dir := t.TempDir()
	for _, none := range []string{dir, filepath.Join(dir, "none.db")} {
		if _, err := Open(t.Context(), none, Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("none: %v", err)
		}
	}
}

// newerHead is the beginning of the lock of a log of another version.
func newerHead() string {
	head := make([]byte, 48)
	copy(head, "julianctl delivery log 7\n")
	binary.LittleEndian.PutUint32(head[40:], crc32.Checksum(head[:40], segment.Castagnoli()))
	return string(head)
}

// damage changes what is in the files of a log that have such a name.
func damage(t *testing.T, l *Log, pattern, what, with string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(l.Path(), pattern))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, bytes.ReplaceAll(data, []byte(what), []byte(with)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Verify finds what was changed in the index behind its back, and then it is made
// again.
func TestVerifyFindsDamage(t *testing.T) {
	for name, damage := range map[string]string{
		"list":  "UPDATE deliveries SET call_id = 'call.x'",
		"lost":  "DELETE FROM deliveries WHERE id = 2",
		"moved": "UPDATE deliveries SET place = place + 1",
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
			appendAll(t, l, delivery("call.1", `{"original": 1}`), delivery("call.2", "{}"))
			ids(t, l, Filter{})
			clean(t, l, 2)
			db, err := index.OpenDB(indexOf(t, l.Path()), time.Minute, url.Values{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(damage); err != nil {
				t.Fatal(err)
			}
			v, err := l.Verify(t.Context(), func(int64, string) {})
			if err != nil || v.Problems == 0 {
				t.Errorf("%+v, %v", v, err)
			}
			clean(t, l, 2)
			if got := ids(t, l, Filter{CallIDs: []string{"call.2"}}); !slices.Equal(got, []int64{2}) {
				t.Errorf("afterwards: %v", got)
			}
		})
	}
}

// A body that was changed is never given out as what was received. Others are.
func TestChangedBodyIsRefused(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	appendAll(t, l, delivery("call.1", `{"a": "first"}`), delivery("call.2", `{"a": "original"}`))
	ids(t, l, Filter{})
	damage(t, l, "*"+segment.Suffix, "original", "swapped!")
	if e, err := l.Get(t.Context(), 1); err != nil || string(e.Body) != `{"a": "first"}` {
		t.Errorf("the one that is whole: %+v, %v", e, err)
	}
	const want = "the delivery log is damaged: delivery 2: the body is not what was received"
	if e, err := l.Get(t.Context(), 2); e != nil || !errors.Is(err, ErrCorrupt) || err.Error() != want {
		t.Errorf("Get: %+v, %v", e, err)
	}
	var came []int64
	for e, err := range l.Deliveries(t.Context(), Filter{}) {
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("Deliveries: %v", err)
			}
			continue
		}
		came = append(came, e.ID)
	}
	if !slices.Equal(came, []int64{1}) {
		t.Errorf("Deliveries gave %v", came)
	}
	// Whoever wants the others gets them, and is told.
	appendAll(t, l, delivery("call.3", `{"a": "third"}`))
	came = nil
	var damaged []int64
	for e, err := range l.Deliveries(t.Context(), Filter{Damaged: func(id int64, err error) { damaged = append(damaged, id) }}) {
		if err != nil {
			t.Fatal(err)
		}
		came = append(came, e.ID)
	}
	if !slices.Equal(came, []int64{1, 3}) || !slices.Equal(damaged, []int64{2}) {
		t.Errorf("Deliveries gave %v, and %v are damaged", came, damaged)
	}
}

// A log that another process holds for too long is told as that, and works
// again afterwards. Who holds the index alone holds nobody up.
func TestLocked(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{Busy: 20 * time.Millisecond})
	appendAll(t, l, delivery("call.1", "{}"))
	ids(t, l, Filter{})
	let := hold(t, l)
	if err := l.Append(t.Context(), delivery("call.1", "{}")); !errors.Is(err, ErrLocked) {
		t.Errorf("it is held: %v", err)
	}
	let()
	db, err := index.OpenDB(indexOf(t, l.Path()), time.Minute, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	d := delivery("call.1", "{}")
	if appendAll(t, l, d); d.ID != 2 || d.Copy != 2 {
		t.Errorf("id %d, copy %d", d.ID, d.Copy)
	}
	if got := ids(t, l, Filter{}); len(got) != 1 {
		t.Errorf("listed while the index is locked: %v", got)
	}
	if n, err := l.Unlisted(t.Context()); n != 1 || err != nil {
		t.Errorf("%d unlisted, %v", n, err)
	}
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, l, Filter{}); len(got) != 2 {
		t.Errorf("listed afterwards: %v", got)
	}
}

// hold takes the lock of a log as another process would.
func hold(t *testing.T, l *Log) (let func()) {
	t.Helper()
	f, err := segment.OpenFolder(t.Context(), l.Path(), false)
	if err == nil {
		err = f.Take(t.Context(), time.Minute)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = f.Lock.Close() }
}

// Nothing is promised to be in a log that was moved away; what was promised
// before is in it.
func TestMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	l := open(t, path, Options{})
	appendAll(t, l, delivery("call.1", "{}"))
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), delivery("call.2", "{}")); !errors.Is(err, ErrGone) {
		t.Errorf("%v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, path, Options{})
	appendAll(t, l, delivery("call.3", "{}"))
	for file, want := range map[string]string{path: "call.3", path + ".old": "call.1"} {
		got := collect(t, open(t, file, Options{ReadOnly: true}), Filter{})
		if len(got) != 1 || got[0].CallID != want {
			t.Errorf("%s holds %v", file, got)
		}
	}
}

// On a disk that is full nothing is acknowledged; once there is room again, all
// goes on.
func TestDiskFull(t *testing.T) {
	dir := tmpfs(t, "2m")
	l := open(t, filepath.Join(dir, "log.db"), Options{})
	stored := 0
	var failed error
	for failed == nil && stored < 1000 {
		if failed = l.Append(t.Context(), delivery("call.1", strings.Repeat("x", 10_000))); failed == nil {
			stored++
		}
	}
	if !errors.Is(failed, ErrFull) || stored < 10 {
		t.Fatalf("after %d: %v", stored, failed)
	}
	if err := l.Append(t.Context(), delivery("call.1", strings.Repeat("x", 10_000))); !errors.Is(err, ErrFull) {
		t.Errorf("again: %v", err)
	}
	remount(t, dir, "size=8m")
	d := delivery("call.1", "{}")
	if appendAll(t, l, d); d.ID != int64(stored+1) || d.Copy != stored+1 {
		t.Errorf("id %d, copy %d after %d", d.ID, d.Copy, stored)
	}
	clean(t, l, int64(stored+1))
}

// Wherever the disk gets full, what was acknowledged is there, byte for byte, and what
// became of deliveries is stored or said to be lost; with room again, the same process
// goes on.
func TestDiskFullAnywhere(t *testing.T) {
	dir := tmpfs(t, "64m")
	sizes := 12
	if os.Getenv("JULIANCTL_LONG") != "" {
		sizes = 100
	}
	for i := range sizes {
		size := 500 + i*1500/sizes // KiB; the index takes some
		remount(t, dir, "size=64m")
		path := filepath.Join(dir, fmt.Sprint("log", i))
		l, err := Open(t.Context(), path, Options{MaxBytes: 2 << 20})
		if err != nil {
			t.Fatal(err)
		}
		remount(t, dir, fmt.Sprintf("size=%dk", size))
		acknowledged := map[int64]string{}
		refused := 0
		put := func(n int) (err error) {
			body := fmt.Sprint(n, strings.Repeat("x", n*137%4000))
			d := delivery("call.1", body)
			if err = l.Append(t.Context(), d); err == nil {
				acknowledged[d.ID] = body
				err = l.Finish(t.Context(), d.ID, Outcome{Status: 204})
			} else if !errors.Is(err, ErrFull) {
				t.Fatalf("%d KiB: %v", size, err)
			} else if d.ID != 0 || d.Copy != 0 || d.First != 0 {
				t.Errorf("%d KiB: a delivery that is not stored has id %d, copy %d, first %d", size, d.ID, d.Copy, d.First)
			}
			return err
		}
		for n := 0; refused < 5 && n < 2000; n++ {
			if put(n) != nil {
				refused++
			}
		}
		goesOn := i%2 == 0
		if goesOn {
			remount(t, dir, "size=64m")
			if err := put(1); err != nil {
				t.Errorf("%d KiB: with room again: %v", size, err)
			}
		}
		closing := l.Close()
		if closing != nil && (goesOn || !strings.Contains(closing.Error(), "what became of ")) {
			t.Errorf("%d KiB: closing: %v", size, closing)
		}
		remount(t, dir, "size=64m")
		l, err = Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		unknown := 0
		for _, e := range collect(t, l, Filter{}) {
			if body, was := acknowledged[e.ID]; was && body != string(e.Body) {
				t.Errorf("%d KiB: delivery %d has other bytes", size, e.ID)
			}
			if e.Outcome == nil {
				unknown++
			}
			delete(acknowledged, e.ID)
		}
		if len(acknowledged) > 0 || refused < 5 || unknown > 0 && closing == nil {
			t.Errorf("%d KiB: %d acknowledged ones are gone, %d refused, %d without an outcome, closing: %v", size, len(acknowledged), refused, unknown, closing)
		}
		v, err := l.Verify(t.Context(), func(id int64, what string) { t.Errorf("%d KiB: delivery %d: %s", size, id, what) })
		if err != nil || v.Deliveries < 1 {
			t.Errorf("%d KiB: %+v, %v", size, v, err)
		}
		if err := errors.Join(l.Close(), os.RemoveAll(path)); err != nil {
			t.Fatal(err)
		}
	}
}

// A file that may not be written to any more is told as that.
func TestReadOnlyUnderWay(t *testing.T) {
	needs.Program(t, "chattr")
	path := filepath.Join(t.TempDir(), "log.db")
	l := open(t, path, Options{})
	appendAll(t, l, delivery("call.1", "{}"))
	segments, err := filepath.Glob(filepath.Join(path, "*"+segment.Suffix))
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	chattr := func(flag string) {
		for _, file := range segments {
			if out, err := exec.Command("chattr", flag, file).CombinedOutput(); err != nil {
				needs.Missing(t, "chattr", fmt.Sprintf("%s: %v %s", flag, err, out))
			}
		}
	}
	defer chattr("-i")
	chattr("+i")
	if err := l.Append(t.Context(), delivery("call.1", "{}")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("%v", err)
	}
	chattr("-i")
	d := delivery("call.1", "{}")
	if appendAll(t, l, d); d.ID != 2 {
		t.Errorf("id %d", d.ID)
	}
	clean(t, l, 2)
}

// tmpfs mounts a small file system, where that is permitted.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "julianctl-test", dir).CombinedOutput(); err != nil {
		needs.Missing(t, "mount", fmt.Sprintf("%v %s", err, out))
	}
	t.Cleanup(func() {
		if out, err := exec.CommandContext(context.Background(), "umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

func remount(t *testing.T, dir, options string) {
	t.Helper()
	if out, err := exec.Command("mount", "-o", "remount,"+options, dir).CombinedOutput(); err != nil {
		t.Fatalf("remount: %v %s", err, out)
	}
}

// What became of a delivery is stored when the log is closed; where it cannot be
// stored, that is told.
func TestOutcomesAtTheEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		held bool // by another process
		gone func(path string) error
		kept bool
		want error
	}{
		"nothing is wrong":       {kept: true},
		"the log is held":        {held: true, want: ErrLocked},
		"the log was moved away": {gone: func(path string) error { return os.Rename(path, path+".old") }, kept: true, want: ErrGone},
		"the log was deleted":    {gone: os.RemoveAll, want: ErrGone},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Open(t.Context(), filepath.Join(t.TempDir(), "log.db"), Options{Busy: 20 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			appendAll(t, l, delivery("call.1", "{}"), delivery("call.2", "{}"))
			ids(t, l, Filter{})
			let := func() {}
			if tt.held {
				let = hold(t, l)
			}
			path := l.Path()
			if tt.gone != nil {
				if err := tt.gone(path); err != nil {
					t.Fatal(err)
				}
				path += ".old"
			}
			for id := range int64(2) {
				if err := l.Finish(t.Context(), id+1, Outcome{Status: 204}); err != nil {
					t.Fatal(err)
				}
			}
			err = l.Close()
			if !errors.Is(err, tt.want) || (err != nil) != (tt.want != nil) {
				t.Errorf("closing: %v, want %v", err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "what became of 2 deliveries ") {
				t.Errorf("closing: %v", err)
			}
			let()
			if _, err := os.Stat(path); err != nil {
				return // it was deleted
			}
			for _, e := range collect(t, open(t, path, Options{ReadOnly: true}), Filter{}) {
				if kept := e.Outcome != nil && e.Outcome.Status == 204; kept != tt.kept {
					t.Errorf("delivery %d: outcome kept %v, want %v", e.ID, kept, tt.kept)
				}
			}
		})
	}
}

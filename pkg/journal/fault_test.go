package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
)

// A file that cannot be used is told by what is wrong with it, and left as it
// is.
func TestUnusable(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "log.db")
	l := open(t, whole, Options{})
	for range 200 {
		appendAll(t, l, delivery("call.1", strings.Repeat("x", 5000)))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, with string) []byte {
		return append(append(bytes.Clone(good[:at]), with...), good[at+len(with):]...)
	}
	for name, tt := range map[string]struct {
		file []byte
		want error
	}{
		"text":             {[]byte("some notes\n"), ErrForeign},
		"another database": {change(68, "\x00\x00\x00\x01"), ErrForeign},
		"newer":            {change(60, "\x00\x00\x00\x63"), ErrNewer},
		"damaged schema":   {change(100, strings.Repeat("\xff", 200)), ErrCorrupt},
		"cut off":          {good[:len(good)/2], ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log.db")
			if err := os.WriteFile(path, tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, opts := range []Options{{}, {ReadOnly: true}} {
				l, err := Open(t.Context(), path, opts)
				if err == nil {
					_, err = l.Stats(t.Context(), Filter{}, 0)
					if err == nil {
						_, err = l.Verify(t.Context(), func(int64, string) {})
					}
					if err := l.Close(); err != nil {
						t.Log(err)
					}
				}
				if !errors.Is(err, tt.want) {
					t.Errorf("%+v: %v, want %v", opts, err, tt.want)
				}
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, tt.file) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
	dir := t.TempDir()
	if _, err := Open(t.Context(), filepath.Join(dir, "none.db"), Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	if _, err := Open(t.Context(), dir, Options{}); err == nil {
		t.Error("a folder was opened")
	}
}

// Verify finds what was changed behind its back.
func TestVerifyFindsDamage(t *testing.T) {
	for name, damage := range map[string]string{
		"body":    "UPDATE segments SET data = CAST(replace(CAST(data AS TEXT), 'original', 'swapped!') AS BLOB)",
		"list":    "UPDATE deliveries SET call_id = 'call.x'",
		"lost":    "DELETE FROM deliveries WHERE id = 2",
		"moved":   "UPDATE deliveries SET place = place + 1",
		"segment": "UPDATE segments SET data = x'44'",
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
			d := delivery("call.1", `{"original": 1}`)
			d.Header, d.Hash = nil, hash(d.Body)
			appendAll(t, l, d, delivery("call.2", "{}"))
			ids(t, l, Filter{})
			clean(t, l, 2)
			db, err := openDB(l.Path(), time.Minute, url.Values{})
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
		})
	}
}

// A body that was changed is never given out as what was received. Others are.
func TestChangedBodyIsRefused(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{})
	appendAll(t, l, delivery("call.1", `{"a": "first"}`), delivery("call.2", `{"a": "original"}`))
	ids(t, l, Filter{})
	db, err := openDB(l.Path(), time.Minute, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// Not as text: a segment may hold a zero byte.
	if _, err := db.Exec("UPDATE segments SET data = unhex(replace(hex(data), hex('original'), hex('swapped!')))"); err != nil {
		t.Fatal(err)
	}
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
// again afterwards.
func TestLocked(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.db"), Options{Busy: 20 * time.Millisecond})
	appendAll(t, l, delivery("call.1", "{}"))
	ids(t, l, Filter{})
	if hasIntake {
		holder, err := openIntake(l.Path()+intakeSuffix, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer holder.file.Close()
		if err := holder.claim(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := l.Append(t.Context(), delivery("call.1", "{}")); !errors.Is(err, ErrLocked) {
			t.Errorf("the intake is held: %v", err)
		}
		if err := unlockFile(holder.file); err != nil {
			t.Fatal(err)
		}
	}
	db, err := openDB(l.Path(), time.Minute, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), delivery("call.1", "{}")); !errors.Is(err, ErrLocked) {
		t.Errorf("%v", err)
	}
	if got := ids(t, l, Filter{}); len(got) != 1 {
		t.Errorf("reading while it is locked: %v", got)
	}
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	d := delivery("call.1", "{}")
	if appendAll(t, l, d); d.ID != 2 || d.Copy != 2 {
		t.Errorf("id %d, copy %d", d.ID, d.Copy)
	}
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

// A file that may not be written to any more is told as that.
func TestReadOnlyUnderWay(t *testing.T) {
	needs.Program(t, "chattr")
	path := filepath.Join(t.TempDir(), "log.db")
	l := open(t, path, Options{})
	appendAll(t, l, delivery("call.1", "{}"))
	chattr := func(flag string) {
		for _, file := range []string{path, path + "-wal"} {
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

// What became of a delivery is stored when the log is closed, even where the
// intake cannot be written to; where it cannot be stored at all, that is told.
func TestOutcomesAtTheEnd(t *testing.T) {
	if !hasIntake {
		t.Skip("no intake here")
	}
	for name, tt := range map[string]struct {
		database bool // is held by another process, too
		gone     func(path string) error
		kept     bool
		want     error
	}{
		"the intake is held":     {kept: true},
		"the whole log is held":  {database: true, want: ErrLocked},
		"the log was moved away": {gone: func(path string) error { return os.Rename(path, path+".old") }, kept: true, want: ErrGone},
		"the log was deleted":    {gone: os.Remove, want: ErrGone},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Open(t.Context(), filepath.Join(t.TempDir(), "log.db"), Options{Busy: 20 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			appendAll(t, l, delivery("call.1", "{}"), delivery("call.2", "{}"))
			ids(t, l, Filter{})
			if tt.gone == nil {
				holder, err := openIntake(l.Path()+intakeSuffix, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer holder.file.Close()
				if err := holder.claim(t.Context(), time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			db, err := openDB(l.Path(), time.Minute, url.Values{})
			if err != nil {
				t.Fatal(err)
			}
			db.SetMaxOpenConns(1)
			if tt.database {
				if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
					t.Fatal(err)
				}
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
			if err := db.Close(); err != nil { // and with it the transaction
				t.Fatal(err)
			}
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

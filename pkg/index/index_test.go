package index

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/segment"
)

func open(t *testing.T) *Index {
	t.Helper()
	f, err := segment.OpenFolder(t.Context(), filepath.Join(t.TempDir(), "log"), true)
	if err != nil {
		t.Fatal(err)
	}
	x, err := Open(t.Context(), f, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
		if err := f.Lock.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// The index is as it has to be for speed.
func TestSettings(t *testing.T) {
	x := open(t)
	got := map[string]string{}
	err := x.transaction(t.Context(), func(c *conn) error {
		for _, name := range []string{"page_size", "auto_vacuum", "journal_mode", "synchronous", "application_id", "user_version", "wal_autocheckpoint", "busy_timeout", "secure_delete"} {
			var value string
			if err := c.scan(t.Context(), "PRAGMA "+name, nil, &value); err != nil {
				return err
			}
			got[name] = value
		}
		return nil
	})
	want := map[string]string{
		"page_size": "16384", "auto_vacuum": "2", "journal_mode": "wal", "synchronous": "1", "secure_delete": "1",
		"application_id": "1245924425", "user_version": "2", "wal_autocheckpoint": "256", "busy_timeout": "5000",
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
}

// An index outside of the folder of the log, as one that was begun while the disk was
// full, may be deleted by what tidies that place. Then the log's own one is used, and
// closing it deletes nothing of the log.
func TestPrivateIndexIsDeleted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	x := open(t)
	x.mu.Lock()
	err := x.beginPrivate(t.Context())
	own := filepath.Dir(x.path)
	if err != nil || own == x.folder.Path {
		t.Fatal(own, err)
	}
	if err := os.RemoveAll(own); err != nil {
		t.Fatal(err)
	}
	if err := x.current(t.Context()); err != nil || filepath.Dir(x.path) != x.folder.Path {
		t.Fatalf("the index is %s (%v), want it in %s", x.path, err, x.folder.Path)
	}
	x.mu.Unlock()
	err = x.Close()
	if err != nil || x.folder.Present() != nil || !exists(x.path) {
		t.Error("the log or its index is gone", err)
	}
}

// What is large is read in smaller parts, and all of it.
func TestLargeDeliveries(t *testing.T) {
	x := open(t)
	tail, err := x.folder.Create(1)
	if err != nil {
		t.Fatal(err)
	}
	var frames []byte
	for id := range int64(12) {
		d := &record.Delivery{ID: id + 1, Body: bytes.Repeat([]byte("x"), pageBytes/3)}
		d.Hash = record.Hash(d.Body)
		frames = tail.AppendFrame(frames, 1, record.DeliveryKind, func(b []byte) []byte { return record.AppendDelivery(b, d, "") })
	}
	if err := errors.Join(tail.Write(frames, segment.FillStep), tail.Close(), x.folder.SetTurn(segment.Turn{Seq: 1, Last: 12}), x.CatchUp(t.Context())); err != nil {
		t.Fatal(err)
	}
	for _, f := range []Filter{{}, {Newest: true, Limit: 11}} {
		pages, n := make(chan page), 0
		go x.pages(t.Context(), f, true, pages)
		for p := range pages {
			if len(p.rows) > 4 || p.err != nil {
				t.Errorf("%d at a time, %v", len(p.rows), p.err)
			}
			n += len(p.rows)
		}
		if want := 12 - f.Limit/11; n != want {
			t.Errorf("%+v: %d, want %d", f, n, want)
		}
	}
}

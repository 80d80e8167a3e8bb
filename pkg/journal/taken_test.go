package journal

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/julianctl/julianctl/pkg/index"
)

// older is a log as the version before wrote it: a file of ids 1 to 13, a delivery
// that is only in its intake, and a process that was killed.
func older(t *testing.T) (path string) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "older.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for files := tar.NewReader(z); ; {
		head, err := files.Next()
		if err == io.EOF {
			return filepath.Join(dir, "deliveries.db")
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(files)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, head.Name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A log of the version before becomes a folder, with all that is in it, and is kept
// under another name.
func TestTakeOver(t *testing.T) {
	for _, opts := range []Options{{}, {ReadOnly: true}, {MaxDeliveries: 16}} {
		path := older(t)
		l := open(t, path, opts)
		if l.Taken() != path+".old" {
			t.Errorf("taken %q", l.Taken())
		}
		clean(t, l, 14)
		var got []string
		for _, e := range collect(t, l, Filter{}) {
			line := fmt.Sprintf("%d %s %d of %d, %d bytes, %s", e.ID, e.Verdict(), e.Copy, e.First, len(e.Body), e.Name)
			if o := e.Outcome; o != nil && o.Forward != nil {
				line += fmt.Sprintf(", %d %s", o.Forward.Status, o.Forward.To)
			}
			got = append(got, line)
		}
		want := []string{
			"1 ok 1 of 1, 734 bytes, Aoife Test", "2 ok 1 of 2, 878 bytes, Oliver Test", "3 ok 1 of 3, 3266 bytes, Naomi Test",
			"4 ok 1 of 4, 3842 bytes, Aoife Test", "5 ok 1 of 5, 2729 bytes, Amelia Test", "6 invalid 0 of 0, 7 bytes, ",
			"7 failed 2 of 1, 734 bytes, Aoife Test, 0 http://127.0.0.1:9/", "8 failed 2 of 2, 878 bytes, Oliver Test, 0 http://127.0.0.1:9/",
			"9 failed 2 of 3, 3266 bytes, Naomi Test, 0 http://127.0.0.1:9/", "10 failed 2 of 4, 3842 bytes, Aoife Test, 0 http://127.0.0.1:9/",
			"11 failed 2 of 5, 2729 bytes, Amelia Test, 0 http://127.0.0.1:9/", "12 failed 1 of 12, 4089 bytes, Lena Test, 0 http://127.0.0.1:9/",
			"13 failed 1 of 13, 3236 bytes, Ethan Test, 0 http://127.0.0.1:9/", "14 unanswered 1 of 14, 656 bytes, Camille Test",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		next := open(t, path, Options{})
		d := delivery("call.new", "{}")
		if appendAll(t, next, d); d.ID != 15 || next.Taken() != "" {
			t.Errorf("id %d, taken %q", d.ID, next.Taken())
		}
		if kept, err := os.Stat(path + ".old"); err != nil || kept.Size() < 100_000 {
			t.Error(kept, err)
		}
	}
}

func execOld(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := index.OpenDB(path, time.Minute, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

// inIntake makes it so that nothing of the second session was moved into the table.
func inIntake(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path + "-intake")
	if err != nil {
		t.Fatal(err)
	}
	first := uint64(1 << 62)
	for at := 4096; ; {
		found := bytes.Index(data[at:], data[32:40])
		if found < 0 {
			break
		}
		first = min(first, binary.LittleEndian.Uint64(data[at+found+8:]))
		at += found + 8
	}
	execOld(t, path, "DELETE FROM segments WHERE last > 6 OR id > (SELECT min(id) FROM segments WHERE last = 6) + 1", fmt.Sprintf("UPDATE state SET intake = %d", first))
}

// What is damaged is not taken over, and is left as it was.
func TestTakeOverIsWhole(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string){
		"a body in the table": func(t *testing.T, path string) {
			execOld(t, path, "UPDATE segments SET data = unhex(replace(hex(data), hex('Oliver Test'), hex('Oliver Fest'))) WHERE id < 5")
		},
		"a frame before others": func(t *testing.T, path string) {
			inIntake(t, path)
			data, err := os.ReadFile(path + "-intake")
			if err != nil || !bytes.Contains(data, []byte("Lena Test")) {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+"-intake", bytes.ReplaceAll(data, []byte("Lena Test"), []byte("Lena Fest")), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := older(t)
			damage(t, path)
			_, err := Open(t.Context(), path, Options{})
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("%v", err)
			}
			if info, err := os.Stat(path); err != nil || info.IsDir() {
				t.Error(info, err)
			}
			if left, err := filepath.Glob(path + ".[now]*"); err != nil || len(left) > 0 {
				t.Errorf("%q left, %v", left, err)
			}
		})
	}
}

// What was never moved into the table is in the folder, too.
func TestTakeOverIntake(t *testing.T) {
	path := older(t)
	inIntake(t, path)
	l := open(t, path, Options{})
	clean(t, l, 14)
	if e, err := l.Get(t.Context(), 12); err != nil || e.Name != "Lena Test" || e.Verdict() != "failed" {
		t.Errorf("%+v, %v", e, err)
	}
}

// When it was cut off after the file was renamed, the next start goes on.
func TestTakeOverCutOff(t *testing.T) {
	path := older(t)
	if err := open(t, path, Options{ReadOnly: true}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".whole"); err != nil {
		t.Fatal(err)
	}
	clean(t, open(t, path, Options{ReadOnly: true}), 14)
}

package segment

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What a process left that was killed is deleted by the next. What is in use, young or
// somebody else's stays, and so does what a link leads to.
func TestMakeTemp(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, dir)
	}
	used, err := MakeTemp("x-")
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{used.Path: true}
	folder := func(name string, old, stays bool) string {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{lockName, "index"} {
			if err := os.WriteFile(filepath.Join(path, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if old {
			age(t, path)
		}
		kept[path] = stays
		return path
	}
	folder("x-killed", true, false)
	folder("x-young", false, true)
	folder("y-another", true, true)
	if err := os.Remove(filepath.Join(folder("x-unmarked", true, true), lockName)); err != nil {
		t.Fatal(err)
	}
	age(t, filepath.Join(dir, "x-unmarked"))
	if os.Geteuid() == 0 {
		if err := os.Chown(folder("x-others", true, true), 12345, -1); err != nil {
			t.Fatal(err)
		}
	}
	outside := folder("outside", true, true)
	if err := os.Symlink(outside, filepath.Join(dir, "x-link")); err == nil {
		kept[filepath.Join(dir, "x-link", "index")] = true
	}
	age(t, used.Path)

	next, err := MakeTemp("x-")
	if err != nil {
		t.Fatal(err)
	}
	kept[next.Path], kept[filepath.Join(outside, "index")] = true, true
	for path, stays := range kept {
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: %v, stays: %t", path, err, stays)
		}
	}
	for _, temp := range []*Temp{used, next, nil} {
		if err := temp.Delete(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(used.Path); err == nil {
		t.Error("it is not deleted")
	}
}

func age(t *testing.T, path string) {
	t.Helper()
	old := time.Now().Add(-2 * sweepAfter)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

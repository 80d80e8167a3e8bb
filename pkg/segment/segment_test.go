package segment

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file is found at its path until it is deleted or another takes its place.
func TestIsAt(t *testing.T) {
	for name, isAt := range map[string]func(*os.File, string) bool{"isAt": IsAt, "statIsAt": statIsAt} {
		path := filepath.Join(t.TempDir(), "file")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		at := []bool{IsAt(f, path)}
		if err := os.Rename(path, path+".old"); err != nil {
			t.Fatal(err)
		}
		at = append(at, IsAt(f, path), isAt(f, path+".old"))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at = append(at, IsAt(f, path))
		if d := cmp.Diff([]bool{true, false, true, false}, at); d != "" {
			t.Errorf("%s: there, gone, elsewhere, replaced: %s", name, d)
		}
	}
}

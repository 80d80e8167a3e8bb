package payload_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/payload"
)

func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.json", "d/b.ndjson", "d/e/c.json.gz", "d/notes.txt"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ paths, want []string }{
		{nil, nil},
		{[]string{"-"}, nil},
		{[]string{"a.json", "missing.json", "no*match"}, []string{"a.json"}},
		{[]string{"d"}, []string{"d/b.ndjson", "d/e/c.json.gz"}},
		{[]string{"**/*.json", "d/notes.txt"}, []string{"a.json", "d/notes.txt"}},
		{[]string{"[", "a.json"}, []string{"a.json"}},
	} {
		var got []string
		for path := range payload.Files(tt.paths) {
			got = append(got, filepath.ToSlash(path))
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.paths, d)
		}
	}
	for path := range payload.Files([]string{"d", "a.json"}) {
		if path != filepath.Join("d", "b.ndjson") {
			t.Errorf("%q after the end was asked for", path)
		}
		break
	}
	if n := len(slices.Collect(payload.Files([]string{"."}))); n != 3 {
		t.Errorf("%d files, want 3", n)
	}
}

package crashcheck

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/supervise"
)

// A transaction of SQLite has one place to be killed at: before its journal goes.
func TestFilePoints(t *testing.T) {
	t.Parallel()
	steps := func(calls ...string) []supervise.FileStep {
		var out []supervise.FileStep
		for i := 0; i < len(calls); i += 2 {
			out = append(out, supervise.FileStep{Call: calls[i], Path: calls[i+1], Changes: calls[i] != "fsync"})
		}
		return out
	}
	transaction := []string{"open", "/d/a.db-journal", "pwrite", "/d/a.db-journal", "fsync", "/d/a.db-journal", "pwrite", "/d/a.db", "pwrite", "/d/a.db", "unlink", "/d/a.db-journal"}
	for name, tt := range map[string]struct {
		steps []supervise.FileStep
		want  []string
	}{
		"SQLite":      {steps(append(transaction, transaction...)...), []string{"6", "12", "12+"}},
		"and a file":  {steps(append([]string{"write", "/d/a"}, transaction...)...), []string{"1", "7", "7+"}},
		"files":       {steps("open", "/d/a", "write", "/d/a", "fsync", "/d/a", "rename", "/d/b"), []string{"1", "2", "4", "4+"}},
		"a log ahead": {steps("pwrite", "/d/a.db-wal", "pwrite", "/d/a.db-wal"), []string{"1", "2", "2+"}},
	} {
		l := New(&check.Supervision{})
		var got []string
		for _, p := range l.filePoints(tt.steps) {
			got = append(got, p.at.String())
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
}

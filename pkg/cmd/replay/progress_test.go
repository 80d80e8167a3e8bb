package replay

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/payload"
)

func TestReplayTally(t *testing.T) {
	file := filepath.Join(t.TempDir(), "calls.ndjson")
	if err := os.WriteFile(file, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	result := func(offset int64, err error) deliver.Result {
		due := time.Unix(0, 0)
		return deliver.Result{
			Document: payload.Document{Offset: offset, Body: make([]byte, 100)},
			Answer:   deliver.Answer{Status: 200, Due: due, Answered: due.Add(20 * time.Millisecond)},
			Err:      err,
		}
	}
	four := []string{"4 deliveries", "2 a second", "3 ok", "1 failed", "p99 20ms"}
	tests := []struct {
		name  string
		o     cli.PlanFlags
		share float64
		left  string
	}{
		{"nobody knows", cli.PlanFlags{Paths: []string{file, file}}, 0, ""},
		{"a loop", cli.PlanFlags{Paths: []string{file}, Loop: true}, 0, ""},
		{"a file", cli.PlanFlags{Paths: []string{file}}, 0.4, "3s left"},
		{"a file of another size", cli.PlanFlags{Paths: []string{file + ".gz"}}, 0, ""},
		{"a count", cli.PlanFlags{Paths: []string{"-"}, Count: 8}, 0.5, "2s left"},
		{"a count with duplicates", cli.PlanFlags{Count: 4, Dup: 1, Loop: true}, 0.5, "2s left"},
		{"a time", cli.PlanFlags{Duration: 10 * time.Second, Loop: true}, 0.2, "8s left"},
		{"what ends first", cli.PlanFlags{Duration: 10 * time.Second, Loop: true, Count: 5}, 0.8, "0s left"},
		{"the sample", cli.PlanFlags{Dup: 7}, 0.5, "2s left"},
	}
	for _, tt := range tests {
		tally := newTally(options{PlanFlags: tt.o})
		for i := range int64(3) {
			tally.add(result(i*100, nil))
		}
		tally.add(result(300, deliver.Timeout))
		share, words := tally.state(2 * time.Second)
		want := four
		if tt.left != "" {
			want = append(slices.Clip(four), tt.left)
		}
		if d := cmp.Diff(want, words); d != "" || share != tt.share {
			t.Errorf("%s: share %v, want %v (-want +got):\n%s", tt.name, share, tt.share, d)
		}
	}

	// The rate is that of the last seconds: here nothing comes any more.
	tally := newTally(options{PlanFlags: cli.PlanFlags{Loop: true}})
	tally.add(result(0, nil))
	for after := time.Second; after < 10*time.Second; after += 200 * time.Millisecond {
		tally.state(after)
	}
	if _, words := tally.state(10 * time.Second); words[1] != "0 a second" {
		t.Errorf("after a stall: %q", words)
	}
}

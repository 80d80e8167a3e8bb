package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/payload"
)

// told is what a progress writes in so long.
func told(t *testing.T, live bool, lasts time.Duration, share float64, words ...string) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		p := &progress{out: newOutput(&out), live: live, stop: make(chan struct{}), state: func(after time.Duration) (float64, []string) {
			return share, append([]string{after.String()}, words...)
		}}
		p.told.Go(p.run)
		<-time.After(lasts)
		p.end()
	})
	return out.String()
}

func TestProgress(t *testing.T) {
	const clear = "\r\x1b[K"
	long := strings.Repeat("x", 60)
	tests := []struct {
		name  string
		live  bool
		lasts time.Duration
		share float64
		words []string
		want  string
	}{
		{"short", true, 999 * time.Millisecond, 0, nil, ""},
		{"live", true, 1300 * time.Millisecond, 0, []string{"a", "b"}, "\r1s  a  b\x1b[K\r1.2s  a  b\x1b[K" + clear},
		{"a share", true, 1100 * time.Millisecond, 0.5, []string{"a"}, "\r━━━━━━━━━━──────────  50%  1s  a\x1b[K" + clear},
		{"no room", true, 1100 * time.Millisecond, 0, []string{"a", long, long}, "\r1s  a  " + long + "\x1b[K" + clear},
		{"a short log", false, 4 * time.Second, 0.5, []string{"a"}, ""},
		{"a log", false, 11 * time.Second, 0, []string{"a", long, long}, "5s, a, " + long + ", " + long + "\n10s, a, " + long + ", " + long + "\n"},
		{"a share in a log", false, 6 * time.Second, 0.333, []string{"a"}, "33%, 5s, a\n"},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, told(t, tt.live, tt.lasts, tt.share, tt.words...)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// The line never reaches past the columns that there are.
func TestProgressFits(t *testing.T) {
	words := []string{"12 deliveries", "3 a second", "ü界 ok"}
	for columns, want := range map[int]string{
		0:  "",
		3:  "",
		4:  " 50%",
		20: " 50%  12 deliveries",
		38: " 50%  12 deliveries  3 a second",
		39: " 50%  12 deliveries  3 a second  ü界 ok",
		60: "━━━━━━━━━━──────────  50%  12 deliveries  3 a second  ü界 ok",
	} {
		got := liveLine(0.5, words, columns)
		if d := cmp.Diff(want, got); d != "" || cells(got) > columns {
			t.Errorf("in %d columns, %d taken (-want +got):\n%s", columns, cells(got), d)
		}
	}
}

// What is printed meanwhile takes the line's place; nothing is told of nothing.
func TestProgressAbove(t *testing.T) {
	var out bytes.Buffer
	p := &progress{out: newOutput(&out), live: true, stop: make(chan struct{})}
	p.tell(0, []string{"one"})
	for range 2 {
		p.above(func() { out.WriteString("failure\n") })
	}
	p.tell(0, []string{"two"})
	p.end()
	if d := cmp.Diff("\rone\x1b[K\r\x1b[Kfailure\nfailure\n\rtwo\x1b[K\r\x1b[K", out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var none *progress
	none.above(func() { out.Reset() })
	none.end()
	if out.Len() > 0 {
		t.Error("not printed")
	}
}

func TestBar(t *testing.T) {
	for share, want := range map[float64]string{-1: "────", 0: "────", 0.5: "━━──", 0.99: "━━━━", 7: "━━━━"} {
		if got := bar(share, 4); got != want {
			t.Errorf("%v: %s, want %s", share, got, want)
		}
	}
}

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
		o     planFlags
		share float64
		left  string
	}{
		{"nobody knows", planFlags{paths: []string{file, file}}, 0, ""},
		{"a loop", planFlags{paths: []string{file}, loop: true}, 0, ""},
		{"a file", planFlags{paths: []string{file}}, 0.4, "3s left"},
		{"a file of another size", planFlags{paths: []string{file + ".gz"}}, 0, ""},
		{"a count", planFlags{paths: []string{"-"}, count: 8}, 0.5, "2s left"},
		{"a count with duplicates", planFlags{count: 4, dup: 1, loop: true}, 0.5, "2s left"},
		{"a time", planFlags{duration: 10 * time.Second, loop: true}, 0.2, "8s left"},
		{"what ends first", planFlags{duration: 10 * time.Second, loop: true, count: 5}, 0.8, "0s left"},
		{"the sample", planFlags{dup: 7}, 0.5, "2s left"},
	}
	for _, tt := range tests {
		tally := newReplayTally(replayOptions{planFlags: tt.o})
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
	tally := newReplayTally(replayOptions{planFlags: planFlags{loop: true}})
	tally.add(result(0, nil))
	for after := time.Second; after < 10*time.Second; after += 200 * time.Millisecond {
		tally.state(after)
	}
	if _, words := tally.state(10 * time.Second); words[1] != "0 a second" {
		t.Errorf("after a stall: %q", words)
	}
}

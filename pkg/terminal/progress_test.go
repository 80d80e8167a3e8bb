package terminal

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// drawing is what a progress writes in so long.
func drawing(t *testing.T, live bool, lasts time.Duration, share float64, words ...string) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		p := &Progress{out: NewOutput(&out), live: live, stop: make(chan struct{}), state: func(after time.Duration) (float64, []string) {
			if len(words) > 0 && words[0] == unchanged {
				return share, words
			}
			return share, append([]string{after.String()}, words...)
		}}
		p.drawing.Go(p.run)
		<-time.After(lasts)
		p.End()
	})
	return out.String()
}

// unchanged is a word that drawing shows alone, without the time.
const unchanged = "waiting"

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
		{"a log", false, 21 * time.Second, 0, []string{"a", long, long}, "10s, a, " + long + ", " + long + "\n20s, a, " + long + ", " + long + "\n"},
		{"an unchanged log", false, 191 * time.Second, 0, []string{unchanged}, strings.Repeat(unchanged+"\n", 4)},
		{"a share in a log", false, 11 * time.Second, 0.333, []string{"a"}, "33%, 10s, a\n"},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, drawing(t, tt.live, tt.lasts, tt.share, tt.words...)); d != "" {
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
		if d := cmp.Diff(want, got); d != "" || Cells(got) > columns {
			t.Errorf("in %d columns, %d taken (-want +got):\n%s", columns, Cells(got), d)
		}
	}
}

// What is printed meanwhile takes the line's place; nothing is told of nothing.
func TestProgressAbove(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{out: NewOutput(&out), live: true, stop: make(chan struct{})}
	p.Show(0, []string{"one"})
	for range 2 {
		p.Above(func() { out.WriteString("failure\n") })
	}
	p.Show(0, []string{"two"})
	p.End()
	if d := cmp.Diff("\rone\x1b[K\r\x1b[Kfailure\nfailure\n\rtwo\x1b[K\r\x1b[K", out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var none *Progress
	none.Above(func() { out.Reset() })
	none.End()
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

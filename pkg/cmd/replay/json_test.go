package replay

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/julianctl/julianctl/pkg/jsonscan/jsonscantest"
)

// The records of a run are written as the standard library would.
func TestReplayRecordsAreStandard(t *testing.T) {
	jsonscantest.Fields(t, (*record).appendJSON)
	jsonscantest.Fields(t, (*groupRecord).appendJSON)
	jsonscantest.Fields(t, (*plannedRecord).appendJSON)
	for _, f := range []float64{math.Copysign(0, -1), 0.001, -3, 1e-6, 9.99e-7, 1e20, 1e21, math.NaN(), math.Inf(1)} {
		jsonscantest.Same(t, record{LatencyMS: f}, (*record).appendJSON)
		jsonscantest.Same(t, groupRecord{SkewMS: f}, (*groupRecord).appendJSON)
	}
	for _, year := range []int{-1, 0, 2026, 10000} {
		at := time.Date(year, 12, 31, 23, 59, 59, 999999999, time.FixedZone("", -3600))
		jsonscantest.Same(t, record{Due: at}, (*record).appendJSON)
		jsonscantest.Same(t, record{Sent: &at, Answered: &at}, (*record).appendJSON)
	}
}

func FuzzReplayRecord(f *testing.F) {
	for _, text := range jsonscantest.Texts {
		f.Add(text, 46.25, int64(1e9))
	}
	f.Fuzz(func(t *testing.T, text string, number float64, nanoseconds int64) {
		at := time.Unix(0, nanoseconds)
		jsonscantest.Same(t, record{
			File: text, CallID: text, Due: at, Sent: &at, LatencyMS: number, BodySize: nanoseconds,
			Error: &replayError{Class: text, Message: text, Location: text, Answer: text},
		}, (*record).appendJSON)
		jsonscantest.Same(t, groupRecord{File: text, CallID: text, SkewMS: number}, (*groupRecord).appendJSON)
		jsonscantest.Same(t, plannedRecord{File: text, CallID: text, Size: int(nanoseconds)}, (*plannedRecord).appendJSON)
	})
}

// writes keeps what each call of Write brought. The timer of the buffer writes too.
type writes struct {
	mu  sync.Mutex
	all []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(p))
	return len(p), nil
}

// take returns what came since the last call.
func (w *writes) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.all
	w.all = nil
	return all
}

// Records that come together go out together, soon and whole.
func TestRecordBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got writes
		b := newRecordBuffer(&got)
		write := func(record string) {
			if n, err := b.Write([]byte(record)); n != len(record) || err != nil {
				t.Fatal(n, err)
			}
		}
		pass := func() { time.Sleep(recordDelay); synctest.Wait() } // the clock is the test's
		long := strings.Repeat("x", 40<<10) + "\n"
		for range 2 { // also after a pause
			write("a\n")
			write("b\n")
			if early := got.take(); early != nil {
				t.Fatalf("wrote %q at once", early)
			}
			pass()
			write("c\n")
			write(long)
			write(long) // does not fit beside the other
			write(strings.Repeat(long, 3))
			pass()
			if all, want := got.take(), []string{"a\nb\n", "c\n" + long, long, strings.Repeat(long, 3)}; !slices.Equal(all, want) {
				t.Errorf("wrote %d times: %.100q", len(all), all)
			}
			time.Sleep(time.Minute)
		}
	})
}

// A record that could not be written is known at the end, whoever wrote.
func TestRecordBufferKeepsItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("full")
		b := newRecordBuffer(failingWriter{full})
		_, _ = b.Write([]byte("a\n"))
		time.Sleep(recordDelay)
		synctest.Wait()
		if err := b.Flush(); !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
	})
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

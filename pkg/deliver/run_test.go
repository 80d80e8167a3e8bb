package deliver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
)

// documents are n payloads, call.1 to call.n.
func documents(n int) iter.Seq2[payload.Document, error] {
	return func(yield func(payload.Document, error) bool) {
		for i := range n {
			if !yield(payload.Document{Source: "test", Line: i + 1, Body: fmt.Appendf(nil, `{"callId":"call.%d"}`, i+1)}, nil) {
				return
			}
		}
	}
}

// orders lists a plan's deliveries as number.copy.
func orders(steps iter.Seq2[Step, error]) []string {
	var out []string
	for step, err := range steps {
		if err != nil {
			out = append(out, err.Error())
			continue
		}
		for n := step.First; n <= step.Last; n++ {
			out = append(out, fmt.Sprintf("%d.%d", step.Number, n))
		}
	}
	return out
}

func TestSteps(t *testing.T) {
	broken := func(yield func(payload.Document, error) bool) {
		if yield(payload.Document{}, errors.New("unreadable")) {
			documents(2)(yield)
		}
	}
	if d := cmp.Diff([]string{"unreadable", "1.1", "2.1"}, orders(Plan{}.Steps(broken))); d != "" {
		t.Errorf("once (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"unreadable", "1.1", "1.2", "2.1", "2.2"}, orders(Plan{Duplicates: 1, Mode: AtOnce}.Steps(broken))); d != "" {
		t.Errorf("twice (-want +got):\n%s", d)
	}

	plan := Plan{Duplicates: 2, Mode: Shuffled, Seed: 7}
	got := orders(plan.Steps(documents(50)))
	if d := cmp.Diff(got, orders(plan.Steps(documents(50)))); d != "" {
		t.Errorf("one seed, two orders:\n%s", d)
	}
	plan.Seed = 8
	if cmp.Equal(got, orders(plan.Steps(documents(50)))) {
		t.Error("two seeds, one order")
	}
	var want []string
	for i := range 50 {
		for n := range 3 {
			want = append(want, fmt.Sprintf("%d.%d", i+1, n+1))
		}
	}
	if d := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); d != "" {
		t.Errorf("not every copy once (-want +got):\n%s", d)
	}
	seen := map[string]int{}
	last := 0
	for at, id := range got {
		number, n, _ := strings.Cut(id, ".")
		seen[number]++
		if fmt.Sprint(seen[number]) != n {
			t.Fatalf("copy %s came as number %d of its document", id, seen[number])
		}
		if number == "1" {
			last = at
		}
	}
	if last < 3 || slices.IsSorted(got) {
		t.Errorf("hardly shuffled: %v", got)
	}
}

// The window keeps memory flat: a document is drawn before much more is read.
func TestShuffleWindow(t *testing.T) {
	read, most := 0, 0
	docs := func(yield func(Step, error) bool) {
		for step, err := range (Plan{Duplicates: 1}).Steps(documents(1000)) {
			read += 2
			if !yield(step, err) {
				return
			}
		}
	}
	drawn := 0
	for range shuffle(docs, true, 1, 100, 1<<20) {
		drawn++
		most = max(most, read-drawn)
	}
	if drawn != 2000 || most > 102 {
		t.Errorf("%d drawn, up to %d held", drawn, most)
	}
	for range shuffle(docs, true, 1, 100, 1) { // larger than the window, each of them
		break
	}
}

func TestStepsCountAndLoop(t *testing.T) {
	broken := func(yield func(payload.Document, error) bool) {
		if yield(payload.Document{}, errors.New("unreadable")) {
			documents(2)(yield)
		}
	}
	tests := []struct {
		name string
		plan Plan
		docs iter.Seq2[payload.Document, error]
		want []string
	}{
		{"fewer", Plan{Count: 2}, documents(5), []string{"1.1", "2.1"}},
		{"of fewer", Plan{Count: 9}, documents(2), []string{"1.1", "2.1"}},
		{"fewer, with copies", Plan{Count: 2, Duplicates: 1}, documents(5), []string{"1.1", "1.2", "2.1", "2.2"}},
		{"looped", Plan{Count: 5, Loop: true}, broken, []string{"unreadable", "1.1", "2.1", "3.1", "4.1", "5.1"}},
		{"looped over nothing", Plan{Loop: true}, documents(0), nil},
		{"looped over errors", Plan{Loop: true}, func(yield func(payload.Document, error) bool) { yield(payload.Document{}, errors.New("unreadable")) }, []string{"unreadable"}},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, orders(tt.plan.Steps(tt.docs))); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// A loop gives the documents in turn, from memory where they fit, and ends when
// they are gone.
func TestRounds(t *testing.T) {
	for _, keep := range []int{0, 40, 1 << 20} {
		passes := 0
		docs := func(yield func(payload.Document, error) bool) {
			if passes++; passes <= 3 {
				documents(3)(yield)
			}
		}
		var got []string
		for doc, err := range rounds(docs, true, keep) {
			if got = append(got, CallID(doc.Body)); err != nil || len(got) == 9 {
				break
			}
		}
		want := []string{"call.1", "call.2", "call.3", "call.1", "call.2", "call.3", "call.1", "call.2", "call.3"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d bytes kept (-want +got):\n%s", keep, d)
		}
		if wantPasses := map[bool]int{true: 1, false: 3}[keep > 100]; passes != wantPasses {
			t.Errorf("%d bytes kept: read %d times, want %d", keep, passes, wantPasses)
		}
		if keep < 100 {
			n := 0
			passes = 0
			for range rounds(docs, true, keep) {
				n++
			}
			if n != 9 {
				t.Errorf("%d documents until the source was empty", n)
			}
		}
	}
}

// A source that cannot be read is told of once, not in every round.
func TestRoundsTellOnce(t *testing.T) {
	docs := func(yield func(payload.Document, error) bool) {
		if yield(payload.Document{}, errors.New("unreadable")) {
			documents(1)(yield)
		}
	}
	for _, keep := range []int{0, 1 << 20} {
		var got []string
		for turn, err := range rounds(docs, true, keep) {
			if got = append(got, fmt.Sprint(turn.round, err)); len(got) == 4 {
				break
			}
		}
		if d := cmp.Diff([]string{"0 unreadable", "0 <nil>", "1 <nil>", "2 <nil>"}, got); d != "" {
			t.Errorf("%d bytes kept (-want +got):\n%s", keep, d)
		}
	}
}

func TestShuffle(t *testing.T) {
	plan := Plan{Shuffle: true, Duplicates: 1, Count: 40, Seed: 3}
	got := orders(plan.Steps(documents(60)))
	if d := cmp.Diff(got, orders(plan.Steps(documents(60)))); d != "" {
		t.Errorf("one seed, two orders:\n%s", d)
	}
	plan.Shuffle = false
	inOrder := orders(plan.Steps(documents(60)))
	if cmp.Equal(got, inOrder) {
		t.Error("not shuffled")
	}
	if d := cmp.Diff(inOrder, got, cmpopts.SortSlices(strings.Compare)); d != "" {
		t.Errorf("not the same deliveries (-want +got):\n%s", d)
	}
	for i := 0; i < len(got); i += 2 {
		if strings.TrimSuffix(got[i], ".1") != strings.TrimSuffix(got[i+1], ".2") {
			t.Errorf("copies came apart: %s, %s", got[i], got[i+1])
		}
	}
}

func TestStatuses(t *testing.T) {
	tests := []struct{ in, want, has string }{
		{"2xx", "2xx", "200 204 299"},
		{"200", "200", "200"},
		{"200, 204", "200,204", "200 204"},
		{"2XX,409", "2xx,409", "200 204 299 409"},
		{"3xx", "3xx", "301"},
		{"", "!is not a status", ""},
		{"2xx,", "!is not a status", ""},
		{"ok", "!is not a status", ""},
		{"xx", "!is not a status", ""},
		{"02xx", "!is not a status", ""},
		{"+200", "!is not a status", ""},
		{"1xx", "!not a final status", ""},
		{"100", "!not a final status", ""},
		{"600", "!not a final status", ""},
		{"20", "!not a final status", ""},
		{"6xx", "!not a final status", ""},
	}
	for _, tt := range tests {
		s, err := ParseStatuses(tt.in)
		if part, bad := strings.CutPrefix(tt.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v, want %q", tt.in, err, part)
			}
			continue
		}
		var has []string
		for _, n := range []int{199, 200, 204, 299, 301, 409, 500} {
			if s.Has(n) {
				has = append(has, fmt.Sprint(n))
			}
		}
		if err != nil || s.String() != tt.want || strings.Join(has, " ") != tt.has {
			t.Errorf("%q: %v, %v, has %v", tt.in, s, err, has)
		}
	}
	if s := Statuses(nil); s.String() != "2xx" || !s.Has(204) || s.Has(300) {
		t.Errorf("default is %v", s)
	}
}

func TestCallID(t *testing.T) {
	tests := []struct{ body, want string }{
		{`{"callId":"call.1"}`, "call.1"},
		{` {"a":{"callId":"no"},"call\u0049d":"call.\u0031"} `, "call.1"},
		{`{"callId":"first","callId":"last"}`, "last"},
		{`{"callId":7}`, ""},
		{`{"callid":"x"}`, ""},
		{`{"callId":"call.1"`, ""},
		{`{"callId":"call.1"}}`, ""},
		{`["callId","call.1"]`, ""},
		{`"callId"`, ""},
		{`{"callId":"first","callId":null}`, ""},
		{`{"callId":"half \ud83d"}`, "half \ufffd"},
		{`{"callId":"a\\b"}`, `a\b`},
		{"{\"callId\":\"bad \xff\"}", "bad \xff"},
		{"{\"callId\":\"call.1\",\"x\":\"\xff\"}", "call.1"},
		{`{"callId":"call.1","x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`, "call.1"},
		{`{"callId":"call.1","x":01}`, ""},
		{``, ""},
		{"\xff", ""},
		{strings.Repeat("[", 100_000), ""},
	}
	for _, tt := range tests {
		if got := CallID([]byte(tt.body)); got != tt.want {
			t.Errorf("CallID(%.60s) = %q, want %q", tt.body, got, tt.want)
		}
		if got := slowCallID([]byte(tt.body)); got != tt.want {
			t.Errorf("slowCallID(%.60s) = %q, want %q", tt.body, got, tt.want)
		}
	}
	if id, sure := quickCallID(julian.Sample()); string(id) != slowCallID(julian.Sample()) || len(id) == 0 || !sure {
		t.Errorf("quickCallID of the sample = %q, %t", id, sure)
	}
}

// recorder is an endpoint that remembers what arrived, in order.
type recorder struct {
	mu     sync.Mutex
	bodies []string
	answer func(nth int, w http.ResponseWriter) // nth arrival of this body, from 1
}

func (e *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	e.mu.Lock()
	e.bodies = append(e.bodies, string(body))
	nth := 0
	for _, b := range e.bodies {
		if b == string(body) {
			nth++
		}
	}
	e.mu.Unlock()
	if e.answer != nil {
		e.answer(nth, w)
	}
}

// noTimes compares what of a summary does not depend on time.
var noTimes = cmp.Options{
	cmpopts.IgnoreFields(Summary{}, "Elapsed", "Latency", "Skew", "BytesSent"),
	cmpopts.IgnoreFields(Groups{}, "Worst"), // has a test of its own
}

func TestRun(t *testing.T) {
	differ := func(nth int, w http.ResponseWriter) {
		if nth > 1 {
			w.WriteHeader(409)
			_, _ = io.WriteString(w, "seen")
		}
	}
	tests := []struct {
		name   string
		plan   Plan
		answer func(int, http.ResponseWriter)
		want   Summary
	}{
		{"once", Plan{}, nil, Summary{
			Documents: 3, Planned: 3, Sent: 3, Answered: 3, OK: 3,
			Statuses: map[int]int{200: 3}, Errors: map[Class]int{},
		}},
		{"twice", Plan{Duplicates: 1}, nil, Summary{
			Documents: 3, Planned: 6, Sent: 6, Answered: 6, OK: 6,
			Statuses: map[int]int{200: 6}, Errors: map[Class]int{},
			Groups: Groups{Total: 3, Acknowledged: 3},
		}},
		{"duplicates refused", Plan{Duplicates: 2, Concurrency: 2}, differ, Summary{
			Documents: 3, Planned: 9, Sent: 9, Answered: 9, OK: 3, Failed: 6,
			Statuses: map[int]int{200: 3, 409: 6}, Errors: map[Class]int{Status: 6},
			Groups: Groups{Total: 3, Differ: 3, DifferStatus: 3, DifferBody: 3},
		}},
		{"duplicates refused as expected", Plan{Duplicates: 2, Mode: Shuffled, Concurrency: 3, Expect: Statuses{{200, 299}, {409, 409}}}, differ, Summary{
			Documents: 3, Planned: 9, Sent: 9, Answered: 9, OK: 9,
			Statuses: map[int]int{200: 3, 409: 6}, Errors: map[Class]int{},
			Groups: Groups{Total: 3, Acknowledged: 3, Differ: 3, DifferStatus: 3, DifferBody: 3},
		}},
		{"together", Plan{Duplicates: 3, Mode: AtOnce, Concurrency: 2}, nil, Summary{
			Documents: 3, Planned: 12, Sent: 12, Answered: 12, OK: 12,
			Statuses: map[int]int{200: 12}, Errors: map[Class]int{},
			Groups: Groups{Total: 3, Acknowledged: 3},
		}},
		{"bodies differ", Plan{Duplicates: 1}, func(nth int, w http.ResponseWriter) { fmt.Fprint(w, nth) }, Summary{
			Documents: 3, Planned: 6, Sent: 6, Answered: 6, OK: 6,
			Statuses: map[int]int{200: 6}, Errors: map[Class]int{},
			Groups: Groups{Total: 3, Acknowledged: 3, Differ: 3, DifferBody: 3},
		}},
		{"duplicate lost", Plan{Duplicates: 1}, func(nth int, _ http.ResponseWriter) {
			if nth > 1 {
				panic(http.ErrAbortHandler)
			}
		}, Summary{
			Documents: 3, Planned: 6, Sent: 6, Answered: 3, OK: 3, Failed: 3,
			Statuses: map[int]int{200: 3}, Errors: map[Class]int{Unknown: 3},
			Groups: Groups{Total: 3, Partial: 3},
		}},
		{"fail fast", Plan{Duplicates: 1, FailFast: true}, differ, Summary{
			Documents: 1, Planned: 2, Sent: 2, Answered: 2, OK: 1, Failed: 1,
			Statuses: map[int]int{200: 1, 409: 1}, Errors: map[Class]int{Status: 1},
			Groups: Groups{Total: 1, Differ: 1, DifferStatus: 1, DifferBody: 1},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			noLeaks(t)
			endpoint := &recorder{answer: tt.answer}
			s := httptest.NewServer(endpoint)
			defer s.Close()
			c := newClient(t, s.URL, Options{Timeout: 10 * time.Second})
			seen := map[string]int{}
			got := c.Run(t.Context(), documents(3), tt.plan, func(r Result) {
				seen[fmt.Sprintf("%s.%d", r.CallID(), r.Copy)]++
			})
			c.Close()
			if d := cmp.Diff(tt.want, got, noTimes); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if len(seen) != got.OK+got.Failed {
				t.Errorf("%d deliveries observed, %d counted: %v", len(seen), got.OK+got.Failed, seen)
			}
			endpoint.mu.Lock()
			if len(endpoint.bodies) != tt.want.Sent {
				t.Errorf("%d arrived, want %d", len(endpoint.bodies), tt.want.Sent)
			}
			endpoint.mu.Unlock()
			if got.Latency.Count() != int64(got.Answered) || got.Latency.At(50) <= 0 || got.Latency.Max() > got.Elapsed+time.Millisecond {
				t.Errorf("latency: %d values, median %s, max %s in %s", got.Latency.Count(), got.Latency.At(50), got.Latency.Max(), got.Elapsed)
			}
			if together := tt.plan.Mode == AtOnce; together != (got.Skew.Count() > 0) {
				t.Errorf("%d skews", got.Skew.Count())
			}
		})
	}
}

func TestRunKeepsOrder(t *testing.T) {
	endpoint := &recorder{}
	s := httptest.NewServer(endpoint)
	defer s.Close()
	newClient(t, s.URL, Options{}).Run(t.Context(), documents(3), Plan{Duplicates: 1}, nil)
	one := func(n int) string { return fmt.Sprintf(`{"callId":"call.%d"}`, n) }
	if d := cmp.Diff([]string{one(1), one(1), one(2), one(2), one(3), one(3)}, endpoint.bodies); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRunGoesOnAfterUnreadable(t *testing.T) {
	s := httptest.NewServer(&recorder{})
	defer s.Close()
	trouble := &payload.Error{Source: "bad.json", Err: payload.ErrEmpty}
	docs := func(yield func(payload.Document, error) bool) {
		if yield(payload.Document{}, trouble) {
			documents(1)(yield)
		}
	}
	var errs []error
	got := newClient(t, s.URL, Options{}).Run(t.Context(), docs, Plan{}, func(r Result) { errs = append(errs, r.Err) })
	want := Summary{Documents: 1, Unreadable: 1, Planned: 1, Sent: 1, Answered: 1, OK: 1, Statuses: map[int]int{200: 1}, Errors: map[Class]int{}}
	if d := cmp.Diff(want, got, noTimes); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(errs) != 2 || !errors.Is(errs[0], Unreadable) || !errors.Is(errs[0], payload.ErrEmpty) || errs[0].Error() != trouble.Error() || errs[1] != nil {
		t.Errorf("observed %v", errs)
	}
}

// Interrupted: what is on the way gets its answer, nothing more is begun.
func TestRunDrains(t *testing.T) {
	noLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	var arrived sync.WaitGroup
	arrived.Add(2)
	answer := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived.Done()
		<-answer
	}))
	defer s.Close()
	go func() {
		arrived.Wait()
		cancel()
		close(answer)
	}()
	c := newClient(t, s.URL, Options{Timeout: 10 * time.Second})
	var cut []string
	got := c.Run(ctx, documents(100), Plan{Concurrency: 2, Duplicates: 2, Delay: time.Hour, Cut: func(g Group) {
		cut = append(cut, fmt.Sprint(g.Number, g.Unsent))
	}}, nil)
	c.Close()
	// What was sent is acknowledged; what was not is neither that nor not.
	want := Summary{
		Documents: 2, Planned: 6, Sent: 2, Answered: 2, OK: 2,
		Statuses: map[int]int{200: 2}, Errors: map[Class]int{}, Groups: Groups{Total: 2, Acknowledged: 2, Cut: 2, Unsent: 4},
	}
	if d := cmp.Diff([]string{"1 [2 3]", "2 [2 3]"}, cut); d != "" {
		t.Errorf("cut short (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want, got, noTimes); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A duplicate waits its delay, counted from the answer before it.
func TestRunDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, serving := pipeClient(t, Options{}, func(c net.Conn) {
			r := bufio.NewReader(c)
			for {
				if raw, _ := readRequest(r); raw == nil {
					return
				}
				<-time.After(3 * time.Second)
				_, _ = io.WriteString(c, ok204)
			}
		})
		start := time.Now()
		var at []time.Duration
		got := c.Run(t.Context(), documents(1), Plan{Duplicates: 2, Delay: 10 * time.Second}, func(r Result) {
			at = append(at, r.Answer.Due.Sub(start))
		})
		if d := cmp.Diff([]time.Duration{0, 13 * time.Second, 26 * time.Second}, at); d != "" {
			t.Errorf("due (-want +got):\n%s", d)
		}
		if got.Latency.At(50).Round(10*time.Millisecond) != 3*time.Second || got.Elapsed != 29*time.Second {
			t.Errorf("median %s, elapsed %s", got.Latency.At(50), got.Elapsed)
		}
		c.Close()
		serving.Wait()
	})
}

// Retries are for what was never sent; latency counts from the first try.
func TestRunRetries(t *testing.T) {
	tests := []struct {
		name    string
		refused int // connections
		serve   func(net.Conn)
		want    Summary
		from    time.Duration // latency, at least
		dials   int
	}{
		{"in the end", 3, stalling(time.Now(), 0, 0), Summary{Sent: 1, Answered: 1, OK: 1, Retried: 3, Statuses: map[int]int{204: 1}, Errors: map[Class]int{}}, 350 * time.Millisecond, 4},
		{"in vain", 99, nil, Summary{Failed: 1, Retried: 4, Statuses: map[int]int{}, Errors: map[Class]int{Unreachable: 1}}, 750 * time.Millisecond, 5},
		{"not of what was sent", 0, func(c net.Conn) { _, _ = readRequest(bufio.NewReader(c)) }, Summary{Sent: 1, Failed: 1, Statuses: map[int]int{}, Errors: map[Class]int{Unknown: 1}}, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, serving := pipeClient(t, Options{}, tt.serve)
				dials, connect := 0, c.opts.Dial
				c.opts.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if dials++; dials <= tt.refused {
						return nil, errors.New("refused")
					}
					return connect(ctx, network, address)
				}
				var result Result
				got := c.Run(t.Context(), documents(1), Plan{Retries: 4}, func(r Result) { result = r })
				c.Close()
				serving.Wait()
				tt.want.Documents, tt.want.Planned = 1, 1
				if d := cmp.Diff(tt.want, got, noTimes); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
				latency := result.Answer.Latency()
				if dials != tt.dials || result.Retries != got.Retried || latency < tt.from || latency > 2*tt.from {
					t.Errorf("%d connections, %d retries, latency %s", dials, result.Retries, latency)
				}
			})
		})
	}
	// Interrupted while it waits, it ends.
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipeClient(t, Options{}, nil)
		c.opts.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got := c.Run(ctx, documents(1), Plan{Retries: 1e9}, nil); got.Elapsed != time.Minute || got.Errors[Unreachable] != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// The promise: against an endpoint that closes kept-alive connections as it
// likes, before an answer, after it, in the middle, no delivery arrives twice
// and every one is accounted for.
func TestNothingIsResent(t *testing.T) {
	noLeaks(t)
	const n = 2000
	var mu sync.Mutex
	arrived, acknowledged := map[string]int{}, map[string]int{}
	s := newRawServer(t, func(conn int, c net.Conn) {
		random := rand.New(rand.NewPCG(1, uint64(conn)))
		r := bufio.NewReader(c)
		for {
			raw, body := readRequest(r)
			if raw == nil {
				return
			}
			id := string(body)
			mu.Lock()
			arrived[id]++
			mu.Unlock()
			switch random.IntN(12) {
			case 0: // no answer
				return
			case 1: // no answer, and a reset
				_ = c.(*net.TCPConn).SetLinger(0)
				return
			case 2: // half an answer
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le")
				return
			case 3: // an answer, and then closed without a word
				mu.Lock()
				acknowledged[id]++
				mu.Unlock()
				_, _ = io.WriteString(c, ok204)
				return
			}
			mu.Lock()
			acknowledged[id]++
			mu.Unlock()
			_, _ = io.WriteString(c, ok204)
		}
	})
	for _, plan := range []Plan{{Concurrency: 16, Retries: 3}, {Concurrency: 4, Mode: AtOnce, Duplicates: 2}, {Concurrency: 8, Mode: Shuffled, Duplicates: 1}} {
		clear(arrived)
		clear(acknowledged)
		c := newClient(t, s.url, Options{Timeout: 10 * time.Second})
		all := n * (plan.Duplicates + 1)
		results := map[string]Class{}
		sent, ok := map[string]int{}, map[string]int{} // by document
		sum := c.Run(t.Context(), documents(n), plan, func(r Result) {
			id, class := string(r.Document.Body), ClassOf(r.Err)
			results[fmt.Sprint(id, r.Copy)] = class
			tally(sent, id, class != Unreachable)
			tally(ok, id, class == "")
			if !slices.Contains([]Class{"", Unknown, Malformed, Unreachable}, class) {
				t.Errorf("%s: %v", id, r.Err)
			}
		})
		c.Close()
		if len(results) != all || sum.OK+sum.Failed != all || sum.Planned != all {
			t.Fatalf("%d results of %d, %+v", len(results), all, sum)
		}
		mu.Lock()
		for id, times := range arrived {
			if times > sent[id] {
				t.Errorf("%s: %s arrived %d times, sent %d times", plan.Mode, id, times, sent[id])
			}
			if ok[id] > acknowledged[id] {
				t.Errorf("%s: %s is ok %d times, acknowledged %d times", plan.Mode, id, ok[id], acknowledged[id])
			}
		}
		mu.Unlock()
		if sum.Errors[Unknown] < all/20 || sum.Errors[Malformed] < all/50 || sum.OK < all/2 {
			t.Errorf("the endpoint did not misbehave as it should: %v", sum.Errors)
		}
	}
}

// tally counts id when it is so.
func tally(counts map[string]int, id string, when bool) {
	if when {
		counts[id]++
	}
}

func BenchmarkRun(b *testing.B) {
	s := httptest.NewServer(handler(204, nil, ""))
	defer s.Close()
	for _, concurrency := range []int{1, 64} {
		b.Run(fmt.Sprint(concurrency), func(b *testing.B) {
			c := newClient(b, s.URL, Options{})
			body := []byte(`{"callId":"call.1","x":"` + strings.Repeat("y", 2000) + `"}`)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			docs := func(yield func(payload.Document, error) bool) {
				for b.Loop() {
					if !yield(payload.Document{Body: body}, nil) {
						return
					}
				}
			}
			if sum := c.Run(b.Context(), docs, Plan{Concurrency: concurrency}, nil); sum.Failed > 0 {
				b.Fatal(sum.Errors)
			}
		})
	}
}

// Every round of a loop has ids of its own, which the copies of a payload share.
func TestNewIDsOfRounds(t *testing.T) {
	ids := map[string]int{}
	for step := range (Plan{NewIDs: true, Loop: true, Count: 6, Duplicates: 1, Mode: Shuffled}).Steps(documents(2)) {
		ids[CallID(step.Document.Body)]++
	}
	if len(ids) != 6 {
		t.Errorf("%d ids: %v", len(ids), ids)
	}
	for id, n := range ids {
		if n != 2 {
			t.Errorf("%s: %d copies", id, n)
		}
	}
}

package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/payload"
)

var runSettings = []Setting{{"--to", "http://127.0.0.1:1/"}, {"PATH", "calls.ndjson"}}

func openRunFile(t testing.TB, path string, plan Plan) *RunFile {
	t.Helper()
	f, err := OpenRunFile(path, plan.Duplicates+1, plan.Seed, runSettings)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// seen counts what arrives at an endpoint, by its bytes.
type seen struct {
	mu     sync.Mutex
	counts map[string]int
	fail   func(nth int) bool // hangs up instead of answering; may be nil
	nth    int
}

// soFar is a copy of the counts.
func (s *seen) soFar() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[string(body)]++
	if s.nth++; s.fail != nil && s.fail(s.nth) {
		panic(http.ErrAbortHandler)
	}
}

// A run whose file ends anywhere, as after a kill, is continued: everything is
// delivered, nothing that was answered is delivered again, and everything that
// may have arrived twice is told.
func TestRunFileContinues(t *testing.T) {
	plans := map[string]Plan{
		"plain":    {},
		"after":    {Duplicates: 2},
		"together": {Duplicates: 2, Mode: AtOnce},
		"shuffled": {Duplicates: 2, Mode: Shuffled, Seed: 5, Concurrency: 4},
		"mixed":    {Duplicates: 1, Shuffle: true, Seed: 6, Concurrency: 4},
		"rate":     {Rate: 20_000, Concurrency: 8},
		"ids":      {Loop: true, Count: 20, NewIDs: true, Seed: 7, Concurrency: 3},
	}
	answered := regexp.MustCompile(`(?m)^< (\d+)\.(\d+) `)
	for name, plan := range plans {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			endpoint := &seen{counts: map[string]int{}, fail: func(nth int) bool { return nth%11 == 5 }}
			s := httptest.NewServer(endpoint)
			defer s.Close()
			bodies := map[int]string{} // by number
			whole := plan
			whole.Shuffle, whole.Mode = false, After
			for step := range whole.Steps(documents(8)) {
				bodies[step.Number] = string(step.Document.Body)
			}
			path := filepath.Join(t.TempDir(), "run")
			for range 25 {
				data, _ := os.ReadFile(path)
				// The beginning of the file may be lost too.
				cut := random.IntN(len(data) + 1)
				if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
					t.Fatal(err)
				}
				kept := data[:bytes.LastIndexByte(data[:cut], '\n')+1]
				// What the endpoint has seen is what was sent as the file has it.
				before := map[string]int{}
				for line := range strings.SplitSeq(string(kept), "\n") {
					var number, which int
					if n, _ := fmt.Sscanf(line, "> %d.%d", &number, &which); n == 2 {
						before[bodies[number]]++
					}
				}
				endpoint.mu.Lock()
				endpoint.counts = maps.Clone(before)
				endpoint.mu.Unlock()
				done := map[string]int{}
				for _, m := range answered.FindAllStringSubmatch(string(kept), -1) {
					var number int
					_, _ = fmt.Sscan(m[1], &number)
					done[bodies[number]]++
				}

				p := plan
				p.File = openRunFile(t, path, plan)
				more := map[string]int{} // than its copies a payload may have arrived
				p.Unconfirmed = func(d Unconfirmed) {
					more[bodies[d.Number]] += d.Sends - 1
					if d.Again {
						more[bodies[d.Number]]++
					}
					if d.CallID == "" || d.Source != "test" || d.Line == 0 {
						t.Errorf("%+v", d)
					}
				}
				if err := p.Verify(documents(8)); err != nil {
					t.Fatal(err)
				}
				c := newClient(t, s.URL, Options{})
				sum := c.Run(t.Context(), documents(8), p, nil)
				c.Close()
				if err := errors.Join(p.File.Close(), sum.Err); err != nil {
					t.Fatal(err)
				}
				copies, counts := plan.Duplicates+1, endpoint.soFar()
				for number, body := range bodies {
					got := counts[body]
					if got < copies || got > copies+more[body] {
						t.Errorf("payload %d arrived %d times, of %d copies, and %d are in doubt", number, got, copies, more[body])
					}
					if again := got - before[body]; again > copies-done[body] {
						t.Errorf("payload %d: %d of %d answered, and sent %d times again", number, done[body], copies, again)
					}
				}
				if sum.Planned != copies*len(bodies)-p.File.Past.Answered {
					t.Errorf("%d planned, %d of %d answered before", sum.Planned, p.File.Past.Answered, copies*len(bodies))
				}
			}
			// Without trouble it ends, and then there is nothing left.
			endpoint.mu.Lock()
			endpoint.fail = nil
			endpoint.mu.Unlock()
			for _, want := range []bool{false, true} {
				p := plan
				p.File = openRunFile(t, path, plan)
				c := newClient(t, s.URL, Options{})
				sum := c.Run(t.Context(), documents(8), p, nil)
				c.Close()
				if err := p.File.Close(); err != nil || sum.Failed > 0 || want && (sum.Planned > 0 || p.File.Past.Open > 0) {
					t.Errorf("%v, %+v, %+v", err, sum, p.File.Past)
				}
			}
		})
	}
}

// What is not the run of the file is refused, and the file left as it was.
func TestRunFileRefuses(t *testing.T) {
	s := httptest.NewServer(handler(200, nil, ""))
	defer s.Close()
	dir := t.TempDir()
	path := filepath.Join(dir, "run")
	f := openRunFile(t, path, Plan{Duplicates: 1, Seed: 9})
	c := newClient(t, s.URL, Options{})
	if sum := c.Run(t.Context(), documents(3), Plan{Duplicates: 1, File: f}, nil); sum.OK != 6 {
		t.Fatalf("%+v", sum)
	}
	if _, err := OpenRunFile(path, 2, 0, runSettings); !errors.Is(err, ErrRunFile) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("while it is in use: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	whole, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %s", info.Mode())
	}
	head, lines, _ := bytes.Cut(whole, []byte("\n"))
	changed := func(name, value string) []Setting {
		out := slices.Clone(runSettings)
		out[slices.IndexFunc(out, func(s Setting) bool { return s.Name == name })].Value = value
		return out
	}
	for _, tt := range []struct {
		content  string
		copies   int
		settings []Setting
		want     string
	}{
		{string(whole), 2, changed("--to", "http://127.0.0.1:2/"), `was started with --to "http://127.0.0.1:1/", not "http://127.0.0.1:2/"`},
		{string(whole), 2, changed("PATH", ""), `was started with PATH "calls.ndjson", not nothing`},
		{string(whole), 2, runSettings[:1], "is of another kind of run"},
		{string(whole), 3, runSettings, "was started with 2 copies of each payload, not 3"},
		{`{"callId":"call.1"}` + "\n", 2, runSettings, "is not a run file"},
		{"my notes", 2, runSettings, "is not a run file"},
		{"my notes\n", 2, runSettings, "is not a run file"},
		{strings.Repeat("x", 1<<17), 2, runSettings, "is not a run file"},
		{strings.Replace(string(whole), "/v1", "/v2", 1), 2, runSettings, `is of another version, "julianctl.run/v2"`},
		{string(whole) + "> 1.3 00000000\n", 2, runSettings, "is damaged at line 14"},
		{string(whole) + "> 9999999999.1 00000000\n", 2, runSettings, "is damaged at line 14"},
		{string(whole) + "> 1.1 00000000\n", 2, runSettings, "is damaged at line 14"}, // was answered
		{string(head) + "\n< 1.1 200\n", 2, runSettings, "is damaged at line 2"},
		{string(head) + "\n\n" + string(lines), 2, runSettings, "is damaged at line 2"},
	} {
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenRunFile(path, tt.copies, 0, tt.settings)
		if !errors.Is(err, ErrRunFile) || err.Error() != fmt.Sprintf("run file %q %s", path, tt.want) {
			t.Errorf("%.40s: %v, want %s", tt.content, err, tt.want)
		}
		if after, _ := os.ReadFile(path); string(after) != tt.content {
			t.Errorf("%s: the file was changed", tt.want)
		}
	}
	if _, err := OpenRunFile(os.DevNull, 1, 0, nil); !errors.Is(err, ErrRunFile) {
		t.Errorf("a device: %v", err)
	}

	// Other payloads: before anything is sent, and also where nobody looked before.
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	f = openRunFile(t, path, Plan{Duplicates: 1})
	defer f.Close()
	if f.Seed != 9 {
		t.Errorf("seed %d", f.Seed)
	}
	other := func(yield func(payload.Document, error) bool) {
		for doc := range documents(3) {
			if doc.Line == 2 {
				doc.Body = append(slices.Clone(doc.Body), ' ')
			}
			if !yield(doc, nil) {
				return
			}
		}
	}
	plan := Plan{Duplicates: 1, File: f}
	wants := map[string]error{
		"has another payload 2 than test:2":  plan.Verify(other),
		"has 3 payloads, and there are 2":    plan.Verify(documents(2)),
		"has another payload 2 than test:2 ": c.Run(t.Context(), other, plan, nil).Err,
	}
	for want, err := range wants {
		if !errors.Is(err, ErrRunFile) || !strings.HasSuffix(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := plan.Verify(documents(4)); err != nil {
		t.Errorf("with more payloads: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := plan.Verify(payload.Read(ctx, []string{"x"}, nil)); err == nil {
		t.Error("verified what was not read")
	}
}

// A file that cannot be written ends the run: nothing is sent that it does not
// have.
func TestRunFileFull(t *testing.T) {
	endpoint := &seen{counts: map[string]int{}}
	s := httptest.NewServer(endpoint)
	defer s.Close()
	for _, mode := range []Mode{After, AtOnce} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip("there is no /dev/full")
		}
		plan := Plan{Duplicates: 1, Mode: mode, Concurrency: 4, File: &RunFile{info: runInfo{Copies: 2}, out: newAppender(full)}}
		c := newClient(t, s.URL, Options{})
		sum := c.Run(t.Context(), documents(1000), plan, nil)
		c.Close()
		if sum.Err == nil || !strings.Contains(sum.Err.Error(), "no space left") || sum.Sent+sum.Planned > 0 || len(endpoint.soFar()) > 0 {
			t.Errorf("%v, %d arrived, %+v", sum.Err, len(endpoint.soFar()), sum)
		}
		if err := plan.File.Close(); err == nil {
			t.Error("closed as if nothing were")
		}
	}
}

// Past answers are judged by what is expected now.
func TestPast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	f := openRunFile(t, path, Plan{Duplicates: 2})
	_ = f.Close()
	head, _ := os.ReadFile(path)
	lines := "> 1.1 0000000a\n< 1.1 200\n> 1.2 0000000a\n? 1.2\n> 1.2 0000000a\n- 1.2\n> 1.3 0000000a\n- 1.3\n" +
		"> 2.1 0000000b\n< 2.1 503\n> 2.2 0000000b\n> 2.3 0000000b\n< 2.3 200 too-large\n> 3.1 0000000c\n> 3."
	if err := os.WriteFile(path, append(head, lines...), 0o600); err != nil {
		t.Fatal(err)
	}
	f = openRunFile(t, path, Plan{Duplicates: 2})
	defer f.Close()
	want := Past{Answered: 3, Statuses: map[int]int{200: 1, 503: 1}, Broken: map[Class]int{TooLarge: 1}, Open: 3}
	if d := cmp.Diff(want, f.Past); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]byte{0x81, 1, 0, 0x81, 1, 0x81, 1, 0, 0}, f.past); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	five, _ := ParseStatuses("503")
	if got := []int{f.Past.Failed(nil), f.Past.Failed(five)}; !slices.Equal(got, []int{2, 2}) {
		t.Errorf("failed %v", got)
	}
	after, _ := os.ReadFile(path)
	if !bytes.HasSuffix(after, []byte("> 3.1 0000000c\n")) {
		t.Errorf("the torn line is still there: %q", after)
	}
}

func FuzzRunFile(f *testing.F) {
	head := `{"schema":"julianctl.run/v1","copies":2,"seed":1,"settings":null}` + "\n"
	f.Add([]byte(head + "> 1.1 0000000a\n< 1.1 200\n> 1.2 0000000a\n? 1.2\n- 1.2\n> 3"))
	f.Add([]byte(head[:30]))
	f.Fuzz(func(t *testing.T, data []byte) {
		run := &RunFile{info: runInfo{Schema: runSchema, Copies: 2}}
		size, err := run.load(bytes.NewReader(data))
		if err != nil {
			return
		}
		if size > int64(len(data)) || size > 0 && data[size-1] != '\n' || run.Past.Open < 0 || len(run.past) != 2*len(run.hash) {
			t.Errorf("size %d of %d, %+v", size, len(data), run.Past)
		}
	})
}

func BenchmarkRunFile(b *testing.B) {
	f := openRunFile(b, filepath.Join(b.TempDir(), "run"), Plan{})
	defer f.Close()
	doc := payload.Document{Body: bytes.Repeat([]byte("x"), 2000)}
	b.RunParallel(func(pb *testing.PB) {
		for n := 1; pb.Next(); n++ {
			step := Step{Document: doc, Number: n, First: 1, Last: 1}
			if err := f.begin(step, 1); err != nil {
				b.Error(err)
			}
			f.end(Result{Document: doc, Number: n, Copy: 1, Answer: Answer{Status: 204}})
		}
	})
}

package checklist_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

// raceRuns is how often the race is looked for, and how often it must be found.
func raceRuns() (runs, found int) {
	if long() {
		return 100, 99
	}
	return 5, 5
}

// Look-then-insert with a window of 1 ms is found with the settings that people
// have.
func TestRaceIsFound(t *testing.T) {
	runs, want := raceRuns()
	found := 0
	for i := range runs {
		got := examine(t, checkInsert, newMemory(t), true, func(o *check.Options) {
			o.Only, o.Seed = []string{"together"}, uint64(i)
		})
		if got.verdicts()["together"] == fail {
			found++
		}
	}
	if found < want {
		t.Errorf("found in %d of %d runs, want %d", found, runs, want)
	}
	t.Logf("found in %d of %d runs", found, runs)
}

// Nobody there: nothing passes, nothing fails, and nobody waits for each check.
func TestDeadEndpointIsUndecided(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	got := checked(t.Context(), options(t, srv.URL, ""))
	notRun(t, got, len(ordinary())-2) // but gzip and final-count
}

// notRun holds a run in which nobody answered to what it should say.
func notRun(t *testing.T, got outcome, checks int) {
	t.Helper()
	for _, r := range got.results {
		if r.Verdict != undecided || !r.NotRun || r.Message != got.sum.Unreachable {
			t.Errorf("%s: %s, not run %v: %s", r.ID, r.Verdict, r.NotRun, r.Message)
		}
	}
	if got.err != nil || len(got.results) != checks || got.sum.Requests > 2 || got.sum.Unreachable == "" {
		t.Errorf("%d checks, want %d; summary %+v, error %v", len(got.results), checks, got.sum, got.err)
	}
}

// silentAfter is an endpoint that answers so many requests, and then none; and
// nobody who does not pass let.
func silentAfter(t *testing.T, answers int, let func(body []byte) bool) (check.Options, *consumer) {
	t.Helper()
	c := &consumer{fault: correct, store: newMemory(t)}
	var asked atomic.Int32
	ended := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if int(asked.Add(1)) > answers || !let(body) {
			<-ended
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(ended) })
	o := options(t, srv.URL, "")
	client, err := deliver.New(o.Client.Target(), deliver.Options{Timeout: 500 * time.Millisecond, Header: deliver.Header{{Name: secretName, Value: secretValue}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	o.Client = client
	return o, c
}

// One that takes connections and answers nothing is told once, and after one
// time-out.
func TestSilentEndpointIsUndecided(t *testing.T) {
	t.Parallel()
	o, _ := silentAfter(t, 0, func([]byte) bool { return true })
	got := checked(t.Context(), o)
	notRun(t, got, len(ordinary())-2)
	if want := "no answer within 500ms"; got.sum.Unreachable != want {
		t.Errorf("%q, want %q", got.sum.Unreachable, want)
	}
}

// One that falls silent under way is given up after a few deliveries without an
// answer, not after a time-out for each.
func TestEndpointThatFallsSilent(t *testing.T) {
	t.Parallel()
	const answers = 8 // the plain call, the sample, and some of the result types
	o, _ := silentAfter(t, answers, func([]byte) bool { return true })
	got := checked(t.Context(), o)
	if got.sum.Requests > answers+7 || got.sum.Unreachable == "" || got.verdicts()["sample"] != pass || got.verdicts()["result-types"] != fail {
		t.Errorf("%d requests, want %d at most; summary %+v\n%s", got.sum.Requests, answers+7, got.sum, got.said(fail))
	}
	for _, r := range got.results[2:] {
		if r.Verdict != undecided || !r.NotRun {
			t.Errorf("%s: %s, not run %v", r.ID, r.Verdict, r.NotRun)
		}
	}
}

// One that answers again after a while is not given up: it had a backlog to work off.
func TestEndpointThatRecovers(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	o, c := silentAfter(t, 10_000, func([]byte) bool { n := asked.Add(1); return n <= 8 || n > 12 })
	o.Probe, o.Only = c.probe, []string{"result-types", "unicode", "alive"}
	got := checked(t.Context(), o)
	if v := got.verdicts(); got.sum.Unreachable != "" || v["unicode"] != pass || v["alive"] != pass {
		t.Errorf("summary %+v\n%v\n%s", got.sum, v, got.said(fail))
	}
}

// What it still owes of a burst is waited for, before anything else is judged.
func TestBacklogOfBurstIsWaitedFor(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	// The plain call, 500 of the burst of which a few are not answered, and calls after it.
	o, c := silentAfter(t, 10_000, func([]byte) bool { n := asked.Add(1); return n < 20 || n > 25 && n < 502 || n > 504 })
	o.Probe, o.Only = c.probe, []string{"burst", "no-redirect"}
	o.Budget[0].Max = 50 * time.Millisecond
	got := checked(t.Context(), o)
	if v := got.verdicts(); v["burst"] != fail || v["no-redirect"] != pass {
		t.Errorf("summary %+v\n%v\n%s", got.sum, v, got.said(fail)+got.said(undecided))
	}
}

// One that is silent to what it cannot read is asked all the same what comes
// after it.
func TestEndpointThatIsSilentToBadPayloads(t *testing.T) {
	t.Parallel()
	o, c := silentAfter(t, 10_000, json.Valid)
	o.Probe, o.Only = c.probe, []string{"malformed-json", "content-type", "wrong-types", "alive"}
	got := checked(t.Context(), o)
	want := verdicts{"malformed-json": fail, "content-type": pass, "wrong-types": pass, "alive": pass}
	if d := gocmp.Diff(want, got.verdicts()); d != "" || got.sum.Unreachable != "" {
		t.Errorf("summary %+v (-want +got):\n%s\n%s", got.sum, d, got.said(fail))
	}
}

// An endpoint that dies under way fails the check that it died of; what comes
// after it is not asked.
func TestEndpointThatDies(t *testing.T) {
	t.Parallel()
	c := &consumer{fault: correct, store: newMemory(t)}
	var srv *httptest.Server
	var once sync.Once
	dead := make(chan struct{})
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			once.Do(func() {
				srv.Listener.Close()
				go func() { srv.CloseClientConnections(); close(dead) }()
			})
			<-dead
			return
		}
		c.ServeHTTP(w, r)
	}))
	o := options(t, srv.URL, "")
	o.Only = []string{"methods", "huge-header", "alive", "repeat"}
	o.Probe = c.probe
	got := checked(t.Context(), o)
	o.Client.Close()
	want := map[string]check.Verdict{"repeat": pass, "methods": fail, "huge-header": undecided, "alive": undecided}
	for id, v := range want {
		if got.verdicts()[id] != v {
			t.Errorf("%s: %s, want %s", id, got.verdicts()[id], v)
		}
	}
	if got.sum.Unreachable == "" {
		t.Errorf("summary %+v", got.sum)
	}
}

func TestOnlySkipAndLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		edit func(*check.Options)
		ran  string
	}{
		{func(o *check.Options) { o.Only = []string{"security"} }, "https secret no-redirect no-echo"},
		{func(o *check.Options) { o.Only, o.Skip = []string{"security", "repeat"}, []string{"https"} }, "repeat secret no-redirect no-echo"},
		{func(o *check.Options) { o.Only = []string{"gzip"} }, "gzip"},
		{func(o *check.Options) { o.Only, o.MaxRequests = []string{"lifecycle-statuses", "repeat", "sample"}, 4 }, "sample repeat"},
		{func(o *check.Options) { o.Only, o.Smoke = []string{"security"}, true }, "secret no-redirect"},
		{func(o *check.Options) { o.Only, o.Smoke = []string{"security", "methods"}, true }, "secret no-redirect methods"},
	} {
		got := examine(t, correct, newMemory(t), true, tt.edit)
		var ran []string
		for _, r := range got.results {
			if r.Verdict != skip || r.ID == "https" {
				ran = append(ran, r.ID)
			}
		}
		if s := strings.Join(ran, " "); s != tt.ran {
			t.Errorf("ran %q, want %q", s, tt.ran)
		}
		if got.sum.NotSelected+len(got.results) != len(checklist.Checks) {
			t.Errorf("%d not selected, %d results, of %d", got.sum.NotSelected, len(got.results), len(checklist.Checks))
		}
	}
	for _, name := range []string{"sampel", ""} {
		o := options(t, "http://127.0.0.1:1/", "")
		o.Skip = []string{name}
		if _, err := checklist.Run(t.Context(), o, func(check.Result) {}); !errors.Is(err, checklist.ErrUnknown) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What takes its time does so while others deliver, or are waited for.
func TestPausesAreShared(t *testing.T) {
	t.Parallel()
	const pause = 3 * time.Second
	var began []string
	at := map[string]time.Time{}
	got := examine(t, correct, newMemory(t), true, func(o *check.Options) {
		o.Only, o.Pause = []string{"repeat", "together", "after-pause", "budget", "slow-sender"}, pause
		o.Begin = func(s check.Step) {
			began = append(began, s.ID)
			at[s.ID] = time.Now()
		}
	})
	if got, want := strings.Join(strings.Fields(strings.Join(began, " ")), " "), "repeat after-pause together slow-sender budget"; got != want {
		t.Errorf("began %q, want %q", got, want)
	}
	if waited := at["together"].Sub(at["after-pause"]); waited >= pause {
		t.Errorf("nothing else was delivered in the pause: %s", waited)
	}
	sent := 1 // the plain call
	for _, r := range got.results {
		sent += r.Requests
	}
	if got.verdicts()["after-pause"] != pass || got.sum.Requests != sent {
		t.Errorf("%s; %d requests, of which the checks sent %d", got.verdicts()["after-pause"], got.sum.Requests, sent)
	}
}

// What is announced is what is kept: no run sends more than it planned.
func TestPlannedIsKept(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2, 20, 100, 0} {
		var planned int
		got := examine(t, correct, newMemory(t), true, func(o *check.Options) {
			o.MaxRequests, o.Skip = most, []string{"speed", "after-pause", "slow-sender"}
			_, _, planned = checklist.Planned(*o)
		})
		if got.sum.Requests > planned || most > 0 && planned > max(most, 1) {
			t.Errorf("at most %d: planned %d, sent %d", most, planned, got.sum.Requests)
		}
	}
}

// wire keeps what a client wrote, connection by connection.
type wire struct {
	mu    sync.Mutex
	conns []*bytes.Buffer
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	b := new(bytes.Buffer)
	w.conns = append(w.conns, b)
	return &recorded{TCPConn: c.(*net.TCPConn), w: w, b: b}, nil
}

type recorded struct {
	*net.TCPConn
	w *wire
	b *bytes.Buffer
}

func (r *recorded) Write(p []byte) (int, error) {
	r.w.mu.Lock()
	r.b.Write(p)
	r.w.mu.Unlock()
	return r.TCPConn.Write(p)
}

// requests are the requests that were sent, each with its head and body, in an
// order that does not depend on which connection was free.
func (w *wire) requests(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, b := range w.conns {
		all := b.String()
		for i, part := range strings.Split(all, " HTTP/1.1\r\n") {
			if i > 0 {
				for _, next := range []string{"POST /", "GET /", "HEAD /", "PUT /"} {
					part = strings.TrimSuffix(part, next)
				}
				out = append(out, part)
			}
		}
	}
	slices.Sort(out)
	return out
}

// madeID is what every id that is made up holds.
var madeID = regexp.MustCompile(`julianctl-[0-9a-f]{16}`)

// The same seed and nonce send the same requests, byte for byte; each check alone
// sends what it sends among the others. Another nonce changes ids alone.
func TestSameSeedSameRequests(t *testing.T) {
	t.Parallel()
	c := &consumer{fault: correct, store: newMemory(t)}
	srv := httptest.NewServer(c)
	defer srv.Close()
	record := func(seed, nonce uint64, only ...string) []string {
		o := options(t, srv.URL, "")
		var w wire
		client, err := deliver.New(o.Client.Target(), deliver.Options{Dial: w.dial, Header: deliver.Header{{Name: secretName, Value: secretValue}}})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		o.Client, o.Seed, o.Nonce, o.Only = client, seed, nonce, only
		o.Skip = []string{"endurance", "budget"} // which end with their time
		if _, err := checklist.Run(t.Context(), o, func(check.Result) {}); err != nil {
			t.Fatal(err)
		}
		return w.requests(t)
	}
	once, again := record(3, 1), record(3, 1)
	if len(once) < 900 {
		t.Fatalf("only %d requests were recorded", len(once))
	}
	if d := gocmp.Diff(once, again); d != "" {
		t.Errorf("seed 3 sent other requests the second time:\n%.2000s", d)
	}
	all := strings.Join(once, "")
	for _, other := range slices.Concat(record(4, 1, "repeat"), record(3, 2, "accepts", "repeat")) {
		for _, id := range madeID.FindAllString(other, -1) {
			if strings.Contains(all, id) {
				t.Errorf("another seed or nonce sent %q too", id)
			}
		}
	}
	withoutIDs := func(requests []string) []string {
		for i := range requests {
			requests[i] = madeID.ReplaceAllString(requests[i], "ID")
		}
		slices.Sort(requests)
		return requests
	}
	if d := gocmp.Diff(withoutIDs(record(3, 1, "accepts", "repeat")), withoutIDs(record(3, 2, "accepts", "repeat"))); d != "" {
		t.Errorf("another nonce changed more than ids:\n%.2000s", d)
	}
	for _, id := range []string{"repeat", "failed-first", "chunked"} {
		for _, r := range record(3, 1, id) {
			if !slices.Contains(once, r) {
				t.Errorf("%s alone sends another request than among the others:\n%.300s", id, r)
			}
		}
	}
}

// Every whole payload is one that nobody takes for a real call, and no two
// calls are with one person, unless that is the point.
func TestPayloadsAreMarked(t *testing.T) {
	fiction := regexp.MustCompile(`^\+(1\d{3}55501\d\d|4420794601\d\d)$`)
	t.Parallel()
	people := map[string]string{}
	seen := 0
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) == 0 || body[0] != '{' {
			return
		}
		var e struct {
			AgentID, CallID, Name, PhoneNumber string
		}
		if json.Unmarshal(body, &e) != nil || e.PhoneNumber == "" {
			return
		}
		seen++
		if !strings.HasPrefix(e.CallID, "call.julianctl-") && e.CallID != "" || e.AgentID != "agent.julianctl" ||
			!strings.Contains(" "+e.Name, " Test") || !fiction.MatchString(e.PhoneNumber) {
			t.Errorf("not marked: %+v", e)
		}
		if other := people[e.PhoneNumber]; other != "" && other != e.CallID && e.CallID != "" {
			people[e.PhoneNumber] = "shared"
			return
		}
		people[e.PhoneNumber] = e.CallID
	})
	var mu sync.Mutex
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		handler(w, r)
	}))
	defer srv.Close()
	o := options(t, srv.URL, "")
	o.Skip = []string{"slow-sender", "in-flight", "burst"} // which serve many at a time
	if got := checked(t.Context(), o); got.err != nil {
		t.Fatal(got.err)
	}
	shared := 0
	for _, id := range people {
		if id == "shared" {
			shared++
		}
	}
	if seen < 300 || shared != 1 {
		t.Errorf("%d payloads, %d people with more than one call, want 1", seen, shared)
	}
}

// What is delivered as a payload that should be taken is a correct one.
func TestAcceptedPayloadsAreCorrect(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	bodies := map[string][]byte{}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies[fmt.Sprint(len(bodies))] = body
	}))
	defer srv.Close()
	o := options(t, srv.URL, "")
	o.Only = []string{"accepts", "idempotency"}
	o.Skip = []string{"unknown-result-type", "unicode", "failed-first", "missing-call-id"}
	checked(t.Context(), o)
	v, err := validate.New(validate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range bodies {
		for _, issue := range v.Issues(payload.Document{Body: body}) {
			if issue.Severity == validate.Error {
				t.Errorf("%s: %s in %.200s", issue.Rule, issue.Message, body)
			}
		}
	}
	if len(bodies) < 150 {
		t.Errorf("only %d payloads were seen", len(bodies))
	}
}

func TestCancelledRunEndsWithTheContextsError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel() }))
	defer srv.Close()
	got := checked(ctx, options(t, srv.URL, ""))
	if !errors.Is(got.err, context.Canceled) || len(got.sum.CallIDs) == 0 {
		t.Errorf("error %v, ids %v", got.err, got.sum.CallIDs)
	}
}

// The registry is whole: ids are unique and every row explains itself.
func TestRegistry(t *testing.T) {
	seen := map[string]bool{}
	group := 0
	for _, c := range checklist.Checks {
		if seen[c.ID] || c.ID == "" || c.Title == "" || c.Why == "" || c.How == "" || c.Needs == "" {
			t.Errorf("row %+v", c)
		}
		seen[c.ID] = true
		for c.Group != checklist.Groups[group] {
			if group++; group == len(checklist.Groups) {
				t.Fatalf("%s: group %q is unknown or out of order", c.ID, c.Group)
			}
		}
		if got := checklist.Named(c.ID); len(got) != 1 || got[0].Title != c.Title {
			t.Errorf("Named(%q): %v", c.ID, got)
		}
	}
	// What was ever an id keeps its meaning.
	for _, id := range []string{"sample", "result-types", "lifecycle-statuses", "repeat", "budget", "malformed-json"} {
		if !seen[id] {
			t.Errorf("%s is gone", id)
		}
	}
}

// An endpoint that is not this machine has to be https, with a certificate that
// is trusted and lasts.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(&consumer{fault: correct, store: newMemory(t)})
	defer secure.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	address := secure.Listener.Addr().String()
	for _, tt := range []struct {
		url  string
		opts deliver.Options
		want check.Verdict
		says string
	}{
		{"https://example.com/", deliver.Options{RootCAs: trusted}, pass, "certificate valid for"},
		{"https://example.com/", deliver.Options{Insecure: true}, fail, "unknown authority"},
		{"https://elsewhere.example/", deliver.Options{RootCAs: trusted, Insecure: true}, fail, "not elsewhere.example"},
		{"http://example.com/", deliver.Options{}, fail, "unencrypted"},
	} {
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		target, err := deliver.Guard{Allow: []string{u.Hostname()}}.Target(u)
		if err != nil {
			t.Fatal(err)
		}
		tt.opts.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		tt.opts.Proxy = func(*url.URL) (*url.URL, error) { return nil, nil }
		client, err := deliver.New(target, tt.opts)
		if err != nil {
			t.Fatal(err)
		}
		got := checked(t.Context(), check.Options{Client: client, Only: []string{"https"}})
		client.Close()
		if v := got.verdicts()["https"]; v != tt.want || !strings.Contains(got.said(v), tt.says) {
			t.Errorf("%s: %s, want %s\n%s", tt.url, v, tt.want, got.said(v))
		}
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := options(t, "http://"+l.Addr().String(), "").Client
	if err := checklist.Ready(t.Context(), client, 150*time.Millisecond); err == nil {
		t.Error("one that does not answer is ready")
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil && r.Method == http.MethodHead {
				io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
			}
			c.Close()
		}
	}()
	if err := checklist.Ready(t.Context(), client, 10*time.Second); err != nil {
		t.Error(err)
	}
	l.Close()
	<-answered
}

func TestBaseline(t *testing.T) {
	const record = `{"schema":"julianctl.check/v1","kind":"check","id":%q,"verdict":%q}` + "\n"
	b, err := checklist.ReadBaseline(strings.NewReader(fmt.Sprintf(record, "repeat", "FAIL") + fmt.Sprintf(record, "budget", "WARN") + fmt.Sprintf(record, "sample", "SKIP") + `{"schema":"julianctl.check/v1","kind":"summary"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		id   string
		v    check.Verdict
		want bool
	}{
		{"repeat", fail, false}, {"repeat", undecided, false}, {"repeat", pass, false},
		{"budget", warn, false}, {"budget", fail, true}, {"budget", undecided, true},
		{"sample", fail, true}, {"sample", pass, false}, {"sample", skip, false},
	} {
		if got := b.Worse(check.Result{ID: tt.id, Verdict: tt.v}); got != tt.want {
			t.Errorf("%s %s: worse %v", tt.id, tt.v, got)
		}
	}
	for _, bad := range []string{"", "no JSON", `{"schema":"julianctl.replay/v1","kind":"summary"}`, `{"schema":"julianctl.check/v1","kind":"summary"}`} {
		if _, err := checklist.ReadBaseline(strings.NewReader(bad)); !errors.Is(err, checklist.ErrBaseline) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Personal data is found wherever it is in an answer; of what is longer than is
// read, nobody knows.
func TestNoEchoSearchesWholeAnswers(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`"name":"([^"]+)"`)
	for _, tt := range []struct {
		name   string
		before int // bytes before the contact's name
		header bool
		want   check.Verdict
		says   string
	}{
		{"at the beginning", 0, false, fail, "the answer to a good call repeats the contact's name"},
		{"after 100 KiB", 100 << 10, false, fail, "the answer to a good call repeats the contact's name"},
		{"at the end of 1 MiB", 1<<20 - 100, false, fail, "the answer to a good call repeats the contact's name"},
		{"past 1 MiB", 1<<20 + 1, false, undecided, "of the answer to a good call, only the first 1MiB were searched"},
		{"in a header", 0, true, fail, "the answer to a good call repeats the contact's name in its header X-Debug"},
		{"nowhere", -1, false, pass, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			good := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if good++; good == 1 || tt.before < 0 { // the plain call
					return
				}
				text := "nobody"
				if of := name.FindSubmatch(body); of != nil {
					text = string(of[1])
				}
				if tt.header {
					w.Header().Set("X-Debug", text)
					return
				}
				io.WriteString(w, strings.Repeat(" ", tt.before)+text)
			}))
			defer srv.Close()
			o := options(t, srv.URL, "")
			defer o.Client.Close()
			o.Only = []string{"no-echo"}
			got := checked(t.Context(), o)
			if v := got.verdicts()["no-echo"]; v != tt.want || !strings.Contains(got.said(v), tt.says) {
				t.Errorf("%s, want %s\n%s", v, tt.want, got.said(v))
			}
		})
	}
}

// A burst of 500 may take ten times as long as one of 50, and longer than an
// answer is waited for elsewhere; not for ever.
func TestLargeBurstHasTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		takes time.Duration
		want  check.Verdict
	}{{2 * time.Second, pass}, {time.Minute, fail}} {
		var asked atomic.Int32
		ended := make(chan struct{})
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if asked.Add(1) > 1 { // after the plain call
				select {
				case <-time.After(tt.takes):
				case <-ended:
				}
			}
		}))
		o := options(t, srv.URL, "max=400ms") // ten times that is 4 s
		client, err := deliver.New(o.Client.Target(), deliver.Options{Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		o.Client, o.Only = client, []string{"burst"}
		got := checked(t.Context(), o)
		close(ended)
		client.Close()
		srv.Close()
		if v := got.verdicts()["burst"]; v != tt.want || v == fail && !strings.Contains(got.said(fail), "no answer within 4s") {
			t.Errorf("%s: %s, want %s\n%s", tt.takes, v, tt.want, got.said(v))
		}
	}
}

// The second call of failed-first may be far shorter than the first one.
func TestFailedFirstOfAnyLength(t *testing.T) {
	t.Parallel()
	for seed := uint64(500); seed < 560; seed++ { // with 527 it has less than half its length
		got := examine(t, correct, newMemory(t), true, func(o *check.Options) {
			o.Only, o.Seed, o.Settle = []string{"failed-first"}, seed, time.Millisecond
		})
		if got.verdicts()["failed-first"] != pass {
			t.Fatalf("seed %d: %s", seed, got.said(fail)+got.said(undecided))
		}
	}
}

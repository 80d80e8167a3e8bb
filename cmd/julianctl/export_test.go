package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/export"
	"github.com/julianctl/julianctl/pkg/needs"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// runner runs one command line in this process and returns what it wrote.
func runner(ctx context.Context, t *testing.T, out *buffer, args ...string) (code int, stderr string) {
	t.Helper()
	var errs buffer
	a := &cli.App{
		In: strings.NewReader(""), Out: terminal.NewOutput(out), Err: terminal.NewOutput(&errs), Now: time.Now,
		Env: func(name string) string { return map[string]string{"HOME": t.TempDir()}[name] },
	}
	code = root.Run(ctx, a, append(args, "--config", os.DevNull))
	return code, errs.String()
}

// listening is a listener that records what arrives.
type listening struct {
	url  string
	stop func() string // the file of records, once it has ended
}

func startListening(t *testing.T) listening {
	t.Helper()
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var out buffer
	var ended sync.WaitGroup
	ended.Go(func() {
		if code, stderr := runner(ctx, t, &out, "listen", "--addr", "127.0.0.1:0", "--format", "json", "--ready-file", ready); code != cli.ExitYes {
			t.Errorf("listen: exit %d: %s", code, stderr)
		}
	})
	end := func() string {
		cancel()
		ended.Wait()
		path := filepath.Join(dir, "received.ndjson")
		if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
			t.Error(err)
		}
		return path
	}
	t.Cleanup(func() { end() })
	return listening{awaitReady(t, ready), end}
}

// awaitReady is the URL in a ready file, once it is there.
func awaitReady(t *testing.T, path string) string {
	t.Helper()
	for range 4000 {
		if url, err := os.ReadFile(path); err == nil && len(url) > 0 {
			return strings.TrimSpace(string(url))
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatal("the server was never ready")
	return ""
}

// exportedPayloads are NDJSON: lines of all sizes, one that is no UTF-8 among
// them.
func exportedPayloads(t *testing.T) (path string, lines []string) {
	t.Helper()
	for i := range 40 {
		lines = append(lines, fmt.Sprintf(`{"callId":"call.%d",  "name":"é\u2028 %s"}`, i, strings.Repeat("山x", i*i)))
	}
	lines[7] = "{\"callId\":\"\xff\x00\"}"
	path = filepath.Join(t.TempDir(), "calls.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, lines
}

// received is what one delivery was as listen recorded it.
type receivedDelivery struct {
	Number, Copy int
	Body         string
	header       http.Header
}

func readReceived(t *testing.T, path string) (out []receivedDelivery) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var r struct {
			Kind       string
			Header     http.Header
			Body       string
			BodyBase64 string
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		if r.Kind != "delivery" {
			continue
		}
		if r.BodyBase64 != "" {
			body, err := base64.StdEncoding.DecodeString(r.BodyBase64)
			if err != nil {
				t.Fatal(err)
			}
			r.Body = string(body)
		}
		number, _ := strconv.Atoi(r.Header.Get(export.HeaderSeq))
		copy, _ := strconv.Atoi(r.Header.Get(export.HeaderCopy))
		out = append(out, receivedDelivery{number, copy, r.Body, r.Header})
	}
	return out
}

// eachOnce proves that each line arrived so many times with its bytes, by the
// numbers in its header, and that export verify says so.
func eachOnce(t *testing.T, dir, file string, lines []string, copies int) []receivedDelivery {
	t.Helper()
	got := readReceived(t, file)
	want := map[string]int{}
	have := map[string]int{}
	for i, line := range lines {
		for c := range copies {
			want[fmt.Sprintf("%d/%d %q", i+1, c+1, line)] = 1
		}
	}
	for _, d := range got {
		have[fmt.Sprintf("%d/%d %q", d.Number, d.Copy, d.Body)]++
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("arrived (-want +got):\n%.2000s", d)
	}
	var out buffer
	code, stderr := runner(t.Context(), t, &out, "export", "verify", "--manifest", filepath.Join(dir, export.ManifestFile), "--received", file)
	verdict := fmt.Sprintf("\n%d deliveries arrived, each exactly once and unaltered\n", len(want))
	if code != cli.ExitYes || !strings.HasSuffix(out.String(), verdict) {
		t.Errorf("verify: exit %d\n%s%s", code, out.String(), stderr)
	}
	return got
}

// exported writes an export into a new folder and returns it with its manifest.
func exported(t *testing.T, args ...string) (string, *export.Manifest) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	var out buffer
	if code, stderr := runner(t.Context(), t, &out, append(append([]string{"export"}, args...), "-o", dir)...); code != cli.ExitYes {
		t.Fatalf("export: exit %d: %s", code, stderr)
	}
	m, err := export.ReadManifest(filepath.Join(dir, export.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}

// shell runs a command as it is shown, in the folder it is for.
func shell(t *testing.T, dir, command string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "JULIANCTL_HEADER_AUTHORIZATION=Bearer s3cret", "K6_NO_USAGE_REPORT=true", "NO_PROXY=127.0.0.1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Real vegeta makes the deliveries of an export, each exactly once.
func TestExportRunsInVegeta(t *testing.T) {
	needs.Program(t, "vegeta")
	payloads, lines := exportedPayloads(t)
	for _, tt := range []struct {
		args   []string
		copies int
	}{
		{nil, 1},
		{[]string{"--dup=2", "-c", "1"}, 3},
		{[]string{"--dup", "--dup-mode", "shuffled", "-c", "16"}, 2},
		{[]string{"--rate", "1000", "--shards", "3", "--dup"}, 2},
		{[]string{"--shuffle", "--rate", "333.3", "-H", "Authorization: Bearer hidden", "-H", "X-Two: 1", "-H", "x-two: 2"}, 1},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			l := startListening(t)
			dir, m := exported(t, append([]string{"vegeta", payloads, "--to", l.url}, tt.args...)...)
			for _, shard := range m.Shards {
				if out, err := shell(t, dir, shard.Command); err != nil || !strings.Contains(out, fmt.Sprintf("204:%d", shard.Deliveries)) {
					t.Errorf("%s: %v\n%s", shard.Command, err, out)
				}
			}
			got := eachOnce(t, dir, l.stop(), lines, tt.copies)
			if h := got[0].header; slices.Contains(tt.args, "X-Two: 1") && (h.Get("Authorization") == "" || len(h.Values("X-Two")) != 2) {
				t.Errorf("header %v", h)
			}
			if slices.Contains(tt.args, "-c") && tt.args[2] == "1" {
				inOrder(t, got)
			}
		})
	}
}

// inOrder proves that deliveries arrived as planned, copies one after the other.
func inOrder(t *testing.T, got []receivedDelivery) {
	t.Helper()
	if !slices.IsSortedFunc(got, func(a, b receivedDelivery) int { return a.Number*10 + a.Copy - b.Number*10 - b.Copy }) {
		t.Errorf("not in order")
	}
}

// Real k6 makes the deliveries of an export, each exactly once, alone and in
// three execution segments at a time; it refuses what would not.
func TestExportRunsInK6(t *testing.T) {
	needs.Program(t, "k6")
	payloads, lines := exportedPayloads(t)
	segments := []string{"0:1/3", "1/3:2/3", "2/3:1"}
	for _, tt := range []struct {
		args     []string
		copies   int
		segments []string
	}{
		{nil, 1, nil},
		{[]string{"--dup=2", "--dup-delay", "1ms", "-H", "Authorization: Bearer hidden"}, 3, nil},
		{[]string{"--dup=2", "-c", "7"}, 3, segments},
		{[]string{"--dup", "--dup-mode", "shuffled", "-c", "4"}, 2, segments},
		{[]string{"--rate", "200", "-c", "8", "--dup"}, 2, segments},
		{[]string{"-c", "40"}, 1, segments},
		{[]string{"-c", "2"}, 1, segments}, // one of three has nothing to do
		{[]string{"--rate", "400", "-c", "4", "--shards", "3"}, 1, nil},
	} {
		t.Run(strings.Join(append(tt.args, tt.segments...), " "), func(t *testing.T) {
			l := startListening(t)
			dir, m := exported(t, append([]string{"k6", payloads, "--to", l.url}, tt.args...)...)
			var commands []string
			for _, shard := range m.Shards {
				commands = append(commands, shard.Command)
			}
			if tt.segments != nil {
				commands = nil
				for _, s := range tt.segments {
					commands = append(commands, "k6 run --execution-segment "+s+" --execution-segment-sequence 0,1/3,2/3,1 deliver.js")
				}
			}
			var all sync.WaitGroup
			for _, command := range commands {
				all.Go(func() {
					if out, err := shell(t, dir, command); err != nil {
						t.Errorf("%s: %v\n%s", command, err, out)
					}
				})
			}
			all.Wait()
			got := eachOnce(t, dir, l.stop(), lines, tt.copies)
			if len(tt.args) == 0 || tt.args[0] == "--dup=2" && tt.segments == nil {
				inOrder(t, got)
			}
		})
	}
	t.Run("refuses", func(t *testing.T) {
		l := startListening(t)
		dir, _ := exported(t, "k6", payloads, "--to", l.url, "-c", "4")
		secret, _ := exported(t, "k6", payloads, "--to", l.url, "-H", "X-Api-Key: hidden")
		for _, tt := range []struct{ dir, args, want string }{
			{dir, "--execution-segment 0:1/3", "needs --execution-segment-sequence"},
			{dir, "--vus 2 --iterations 5", "replace what was planned"},
			{dir, "--duration 1s", "replace what was planned"},
			{secret, "", "set JULIANCTL_HEADER_X_API_KEY"},
		} {
			if out, err := shell(t, tt.dir, "k6 run "+tt.args+" deliver.js"); err == nil || !strings.Contains(out, tt.want) {
				t.Errorf("k6 run %s: %v\n%s", tt.args, err, out)
			}
		}
		if got := readReceived(t, l.stop()); len(got) > 0 {
			t.Errorf("%d deliveries were sent", len(got))
		}
	})
	t.Run("judges", func(t *testing.T) {
		l := startListening(t)
		for _, judge := range [][]string{{"--expect", "200"}, {"--max-latency", "max=1us"}} {
			dir, _ := exported(t, append([]string{"k6", payloads, "--to", l.url}, judge...)...)
			_, err := shell(t, dir, "k6 run deliver.js")
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 99 {
				t.Errorf("%q: %v", judge, err)
			}
		}
	})
}

// What an export delivers is what replay plans with the same flags, in order.
func TestExportIsWhatReplayPlans(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 9))
	path, _ := exportedPayloads(t)
	for range 25 {
		args := []string{path, "--to", "http://127.0.0.1:1/", "--seed", strconv.Itoa(random.IntN(1000)), "--dup=" + strconv.Itoa(random.IntN(4))}
		for _, some := range [][]string{
			{"--shuffle"}, {"--new-ids"}, {"--dup-mode", "shuffled"}, {"--count", strconv.Itoa(1 + random.IntN(60))},
			{"--loop", "--count", strconv.Itoa(1 + random.IntN(90))}, {"-c", "8"},
		} {
			if random.IntN(2) == 0 {
				args = append(args, some...)
			}
		}
		type planned struct {
			Number, Copy, Size int
			CallID             string
		}
		var want, got []planned
		var dry, targets buffer
		if code, stderr := runner(t.Context(), t, &dry, append([]string{"replay", "--dry-run", "--format", "json"}, args...)...); code != cli.ExitYes {
			t.Fatalf("%q: exit %d: %s", args, code, stderr)
		}
		for line := range strings.Lines(dry.String()) {
			var r struct {
				planned
				Kind string
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			if r.Kind == "planned" {
				want = append(want, r.planned)
			}
		}
		if code, stderr := runner(t.Context(), t, &targets, append([]string{"export", "vegeta"}, args...)...); code != cli.ExitYes {
			t.Fatalf("%q: exit %d: %s", args, code, stderr)
		}
		for line := range strings.Lines(targets.String()) {
			var r struct {
				Header http.Header
				Body   []byte
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			number, _ := strconv.Atoi(r.Header.Get(export.HeaderSeq))
			copy, _ := strconv.Atoi(r.Header.Get(export.HeaderCopy))
			got = append(got, planned{number, copy, len(r.Body), deliver.CallID(r.Body)})
		}
		if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
			t.Fatalf("%q (-replay +export):\n%s", args, d)
		}
	}
}

// request is what an endpoint sees of a delivery.
type request struct {
	Method, Host, URI, Body string
	Header                  http.Header
}

// Each engine sends what replay sends, but for what it adds by itself: the same
// line, host and header, nothing that an answer asked for, no redirect.
func TestExportSendsWhatReplaySends(t *testing.T) {
	var mu sync.Mutex
	var got []request
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		header := r.Header.Clone()
		for _, own := range []string{"Accept-Encoding", "Content-Length", "X-Vegeta-Seq", export.HeaderRun, export.HeaderSeq, export.HeaderCopy} {
			header.Del(own)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, request{r.Method, r.Host, r.RequestURI, string(body), header})
		w.Header().Set("Set-Cookie", "a=b; Path=/")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
	defer endpoint.Close()
	payload := filepath.Join(t.TempDir(), "one.json")
	if err := os.WriteFile(payload, []byte(" {\"callId\":\"call.1\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, headers := range [][]string{
		nil,
		{"-H", "User-Agent:", "-H", "Content-Type:", "-H", "X-Empty:"},
		{"-H", "Host: hooks.example:81", "-H", "User-Agent: mine/1", "-H", "X-Name: é, \"q\"", "-H", "Authorization: Bearer s3cret"},
	} {
		args := append([]string{payload, "--dup", "--to", endpoint.URL + "/a%20b?c=d"}, headers...)
		seen := func() []request {
			mu.Lock()
			defer mu.Unlock()
			defer func() { got = nil }()
			return got
		}
		var out buffer
		if code, stderr := runner(t.Context(), t, &out, append([]string{"replay"}, args...)...); code != cli.ExitNo {
			t.Fatalf("replay: exit %d: %s", code, stderr)
		}
		want := seen()
		if len(want) != 2 {
			t.Fatalf("replay sent %d", len(want))
		}
		for _, engine := range []string{"vegeta", "k6"} {
			t.Run(strings.Join(append(headers, engine), " "), func(t *testing.T) {
				needs.Program(t, engine)
				dir, m := exported(t, append([]string{engine}, args...)...)
				_, _ = shell(t, dir, m.Shards[0].Command) // the endpoint answers as it should not
				if d := cmp.Diff(want, seen()); d != "" {
					t.Errorf("(-replay +%s):\n%s", engine, d)
				}
			})
		}
	}
}

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/needs"
)

// send delivers a body with header fields as a stranger writes them, and
// returns the status.
func send(t *testing.T, url string, body []byte, fields ...string) int {
	t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := fmt.Sprintf("POST /'$(touch%%20x)?a=\u202e HTTP/1.0\r\nHost: %s\r\nContent-Length: %d\r\n", host, len(body))
	for _, f := range fields {
		head += f + "\r\n"
	}
	if _, err := conn.Write(append([]byte(head+"\r\n"), body...)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	var status int
	if _, err := fmt.Sscanf(string(answer), "HTTP/1.0 %d", &status); err != nil {
		t.Fatalf("%q: %v", answer, err)
	}
	return status
}

// Whatever a stranger sent, the log shows it harmless, in every form, and gives
// the exact bytes back.
func TestLogHostile(t *testing.T) {
	l := newLab(t)
	hook := l.serve("listen", "--addr", "127.0.0.1:0", "--format", "raw", "--log", filepath.Join(l.dir, "log.db"))
	payload := hostilePayload(t)
	bodies := [][]byte{payload, []byte("\x1b[2J\x00\xff \u202e::error::x"), bytes.Replace(payload, []byte("46"), []byte("47"), 1)}
	for _, body := range bodies {
		send(t, hook, body, "X-Evil: a'b$(touch x)`touch y`\u202e\t::error::", "Content-Type: text/\u009bx", "User-Agent: ")
	}
	ids := l.file("ids", append([]byte("call.\x1b[2J\u202e\n"), []byte("::error::x\n")...))
	quiet := newLab(t)
	for _, args := range [][]string{
		{"log"}, {"log", "--format", "json"}, {"log", "--call", hostile}, {"log", "--text", hostile}, {"log", "--result-type", hostile},
		{"log", "--since", hostile}, {"log", "--filter", hostile}, {"log", "--ids", hostile}, {"log", "--log", hostile},
		{"log", "show", "1"}, {"log", "show", "2"}, {"log", "show", "3"}, {"log", "show", "1", "--format", "json"}, {"log", "show", hostile},
		{"log", "diff", "1", "2"}, {"log", "diff", "1", "3"}, {"log", "curl", "1"}, {"log", "curl", "2"}, {"log", "curl", "1", "--to", hostile},
		{"log", "export"}, {"log", "export", "--format", "har"}, {"log", "stats"}, {"log", "stats", "--format", "json"},
		{"log", "reconcile", "--against", ids}, {"log", "reconcile", "--against", ids, "--format", "json"}, {"log", "reconcile", "--against", hostile},
		{"log", "verify"}, {"log", "path", "--log", hostile},
	} {
		if !strings.Contains(strings.Join(args, " "), "--log") {
			args = append(args, "--log", filepath.Join(l.dir, "log.db"))
		}
		_, shown := quiet.run(t.Context(), strings.NewReader(""), args...)
		for line := range strings.SplitSeq(shown, "\n") {
			if bad := harmful.FindString(line); bad != "" {
				t.Errorf("%q: %q was printed in %q", args, bad, line)
			}
		}
		if shown == "" {
			t.Errorf("%q printed nothing", args)
		}
	}
	for i, body := range bodies {
		if _, got := quiet.run(t.Context(), strings.NewReader(""), "log", "raw", fmt.Sprint(i+1), "--log", filepath.Join(l.dir, "log.db")); got != string(body) {
			t.Errorf("raw %d: %q", i+1, got)
		}
	}
}

// Secrets are masked before they are stored, in every file, unless they are to
// be kept; also then they are not shown.
func TestLogSecrets(t *testing.T) {
	for _, keep := range []bool{false, true} {
		l := newLab(t)
		path := filepath.Join(l.dir, "log.db")
		args := []string{"listen", "--addr", "127.0.0.1:0", "--log", path, "--redact-header", "X-Mine"}
		if keep {
			args = append(args, "--keep-secrets")
		}
		hook := l.serve(args...)
		send(t, hook, []byte("{}"), "Authorization: Bearer "+canary, "X-Api-Key: "+canary, "Cookie: a="+canary, "X-Mine: "+canary)
		for _, args := range [][]string{{"log", "show", "1"}, {"log", "curl", "1"}, {"log", "export"}, {"log", "export", "--format", "har"}, {"log", "--format", "json"}} {
			_, shown := l.run(t.Context(), strings.NewReader(""), append(args, "--log", path, "--redact-header", "X-Mine")...)
			if strings.Contains(shown, canary) {
				t.Errorf("keep %v: %q shows the secret:\n%s", keep, args, shown)
			}
		}
		held := false
		files, err := filepath.Glob(filepath.Join(path, "*"))
		if err != nil || len(files) < 3 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			held = held || bytes.Contains(data, []byte(canary))
		}
		if held != keep {
			t.Errorf("keep %v: the files hold the secret: %v", keep, held)
		}
	}
}

// What log curl prints sends the same bytes and header fields again, however
// they are made, and does nothing else.
func TestLogCurl(t *testing.T) {
	for _, program := range []string{"curl", "sh"} {
		needs.Program(t, program)
	}
	l := newLab(t)
	path := filepath.Join(l.dir, "log.db")
	hook := l.serve("listen", "--addr", "127.0.0.1:0", "--format", "raw", "--log", path)
	bodies := []string{`{"a": "it's $HOME"}`, "@/etc/passwd", "\x00\xff\r\n\x1b[2J", "{\n\t\"a\": 1}\r\n", strings.Repeat("x", 20<<10), ""}
	for _, body := range bodies {
		send(t, hook, []byte(body), "X-Evil: a'b$(touch x)`touch y` \\ %s \u202e\x80", "X-Empty:", "Content-Type: a/b")
	}
	bin := filepath.Join(l.dir, "bin")
	self, err := os.Executable()
	if err != nil || os.Mkdir(bin, 0o700) != nil || os.Symlink(self, filepath.Join(bin, "julianctl")) != nil {
		t.Fatal(err)
	}
	for i := range bodies {
		_, command := l.run(t.Context(), strings.NewReader(""), "log", "curl", fmt.Sprint(i+1), "--log", path)
		sh := exec.CommandContext(t.Context(), "sh", "-c", command)
		sh.Dir = t.TempDir()
		sh.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + l.dir}
		if out, err := sh.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		if left, err := os.ReadDir(sh.Dir); err != nil || len(left) > 0 {
			t.Errorf("%s left %v", command, left)
		}
	}
	log, err := journal.Open(t.Context(), path, journal.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for i, body := range bodies {
		was, err1 := log.Get(t.Context(), int64(i+1))
		is, err2 := log.Get(t.Context(), int64(len(bodies)+i+1))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for _, name := range []string{"Accept", "User-Agent", "Content-Length"} {
			was.Header.Del(name)
			is.Header.Del(name)
		}
		if d := cmp.Diff(was.Header, is.Header); d != "" || string(is.Body) != body {
			t.Errorf("%q became %.100q; header: %s", body, is.Body, d)
		}
	}
}

// An archive has what the specification demands.
func TestLogHAR(t *testing.T) {
	l := newLab(t)
	path := filepath.Join(l.dir, "log.db")
	hook := l.serve("listen", "--addr", "127.0.0.1:0", "--log", path)
	send(t, hook, julian.Sample())
	send(t, hook, []byte("\xff"))
	_, text := l.run(t.Context(), strings.NewReader(""), "log", "export", "--format", "har", "--log", path)
	var har struct {
		Log struct {
			Version string
			Creator map[string]string
			Entries []map[string]any
		}
	}
	if err := json.Unmarshal([]byte(text), &har); err != nil || har.Log.Version != "1.2" || har.Log.Creator["name"] != "julianctl" || len(har.Log.Entries) != 2 {
		t.Fatalf("%v: %s", err, text)
	}
	for _, e := range har.Log.Entries {
		for place, names := range map[string]string{
			"":         "startedDateTime time request response cache timings",
			"request":  "method url httpVersion cookies headers queryString postData headersSize bodySize",
			"response": "status statusText httpVersion cookies headers content redirectURL headersSize bodySize",
			"timings":  "send wait receive",
		} {
			object := e
			if place != "" {
				object, _ = e[place].(map[string]any)
			}
			for name := range strings.FieldsSeq(names) {
				if object[name] == nil {
					t.Errorf("%s has no %s", place, name)
				}
			}
		}
		if valueAt(e, "timings", "wait") != e["time"] {
			t.Errorf("times differ: %v", e)
		}
	}
	if got := valueAt(har.Log.Entries[0], "request", "postData", "text"); got != string(julian.Sample()) {
		t.Errorf("%v", got)
	}
	if got := valueAt(har.Log.Entries[1], "request", "postData", "text"); got != "/w==" {
		t.Errorf("%v", got)
	}
}

// No delivery that was acknowledged is lost when listen is killed, whenever
// that is, and the log needs no repair.
func TestLogSurvivesKill(t *testing.T) {
	rounds := 5
	if os.Getenv("JULIANCTL_LONG") != "" {
		rounds = 300
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "log.db")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The program of the scripts is this test's, called by its other name.
	program := filepath.Join(dir, "julianctl")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]string{} // call id to body
	for round := range rounds {
		killRound(t, program, path, round, acknowledged)
	}
	log, err := journal.Open(t.Context(), path, journal.Options{Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if v, err := log.Verify(t.Context(), func(id int64, what string) { t.Error(id, what) }); err != nil {
		t.Errorf("%+v, %v", v, err)
	}
	n := len(acknowledged)
	for e, err := range log.Deliveries(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if body, known := acknowledged[e.CallID]; known && body != string(e.Body) {
			t.Errorf("%s has other bytes", e.CallID)
		}
		delete(acknowledged, e.CallID)
	}
	if len(acknowledged) > 0 || n < 10*rounds {
		t.Errorf("of %d acknowledged, %d are lost", n, len(acknowledged))
	}
	t.Logf("%d acknowledged over %d kills", n, rounds)
}

// killRound runs a listener, or two on one log while others look into it, delivers
// to them from many sides, and kills all of them.
func killRound(t *testing.T, program, path string, round int, acknowledged map[string]string) {
	t.Helper()
	dir := t.TempDir()
	var running []*exec.Cmd
	start := func(args ...string) {
		c := exec.Command(program, append(args, "--log", path, "--config", os.DevNull)...)
		c.Env = []string{"HOME=" + dir}
		c.Stderr = new(bytes.Buffer)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, c)
	}
	defer func() {
		for _, c := range running {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}()
	var urls []string
	for n := range 1 + round%2 {
		ready := filepath.Join(dir, fmt.Sprint("ready", n))
		start("listen", "--addr", "127.0.0.1:0", "--ready-file", ready)
		for deadline := time.Now().Add(20 * time.Second); len(urls) == n; {
			if data, err := os.ReadFile(ready); err == nil && len(data) > 0 {
				urls = append(urls, strings.TrimSpace(string(data)))
			} else if time.Now().After(deadline) {
				t.Fatalf("round %d: not ready: %s", round, running[n].Stderr)
			} else {
				<-time.After(2 * time.Millisecond)
			}
		}
	}
	// Prune finds nothing that old, and overwrites what is left of it all the same.
	switch round % 4 {
	case 1:
		start("log", "verify")
	case 2:
		start("log", "export")
	case 3:
		start("log", "prune", "--older-than", "100d")
	}
	var mu sync.Mutex
	var senders sync.WaitGroup
	enough, cancel := context.WithCancel(t.Context())
	defer cancel()
	before := len(acknowledged)
	least := 10 + rand.IntN(300)
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 16}, Timeout: 20 * time.Second}
	for s := range 16 {
		senders.Go(func() {
			defer func() {
				if mu.Lock(); len(acknowledged) == before {
					cancel() // none gets through
				}
				mu.Unlock()
			}()
			for i := 0; ; i++ {
				id := fmt.Sprintf("call.%d-%d-%d", round, s, i)
				body := strings.ReplaceAll(string(julian.Sample()), "call.abc123", id) + strings.Repeat(" ", rand.IntN(5000))
				r, err := client.Post(urls[s%len(urls)], "application/json", strings.NewReader(body))
				if err != nil {
					return
				}
				r.Body.Close()
				mu.Lock()
				if r.StatusCode/100 == 2 {
					acknowledged[id] = body
					least--
				}
				if least == 0 {
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	<-enough.Done()
	for _, p := range running {
		if err := p.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
	}
	senders.Wait()
	client.CloseIdleConnections()
	for _, p := range running {
		_ = p.Wait() // it was killed; now stderr is whole
		if said := p.Stderr.(*bytes.Buffer).String(); regexp.MustCompile(`(?i)damage|repair`).MatchString(said) {
			t.Errorf("round %d: %s", round, said)
		}
	}
}

// olderLog are the files of a log from before it was a folder, by the ends of their
// names.
func olderLog(t *testing.T) map[string][]byte {
	t.Helper()
	file, err := os.Open(filepath.FromSlash("../../pkg/journal/testdata/older.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for archive := tar.NewReader(z); ; {
		head, err := archive.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[strings.TrimPrefix(head.Name, "deliveries.db")], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

// The first command that opens a log from before it was a folder takes it over, and
// says so once.
func TestLogTakenOver(t *testing.T) {
	l := newLab(t)
	path := filepath.Join(l.dir, "log.db")
	for end, data := range olderLog(t) {
		if err := os.WriteFile(path+end, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []bool{true, false} {
		code, shown := l.run(t.Context(), strings.NewReader(""), "log", "--log", path)
		told := strings.Contains(shown, "the delivery log is a folder now, "+path+"; all of it was checked, and the file that it was is kept as "+path+".old")
		if code != 0 || told != want || strings.Count(shown, "✗ 502") != 7 || strings.Count(shown, "✓ 204") != 5 {
			t.Errorf("call %d: exit %d: %s", i, code, shown)
		}
	}
	if code, shown := l.run(t.Context(), strings.NewReader(""), "log", "verify", "--log", path); code != 0 || !strings.Contains(shown, "whole: 14 deliveries") {
		t.Errorf("exit %d: %s", code, shown)
	}
}

// A damaged log that is a file is not taken over. The command that the hint gives moves
// all its files together, and a log that begins anew has nothing of the old one.
func TestLogDamagedHint(t *testing.T) {
	needs.Program(t, "sh")
	l := newLab(t)
	dir := filepath.Join(l.dir, `it's "my" $HOME`)
	if err := os.MkdirAll(filepath.Join(dir, "log.db.damaged"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "log.db")
	for end, data := range olderLog(t) {
		if end == "" || end == "-wal" {
			// The schema, wherever its newest page is.
			data = bytes.ReplaceAll(data, []byte("CREATE TABLE"), bytes.Repeat([]byte{0xff}, 12))
			copy(data[100:300], bytes.Repeat([]byte{0xff}, 200))
		}
		if err := os.WriteFile(path+end, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, shown := l.run(t.Context(), strings.NewReader(""), "log", "--log", path)
	_, command, found := strings.Cut(shown, "with: ")
	if code != cli.ExitFailure || !found || !strings.Contains(shown, "could not be taken over: ") {
		t.Fatalf("exit %d: %s", code, shown)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	if left, err := filepath.Glob(filepath.Join(l.dir, "*", "log.db*")); err != nil || len(left) != 2 {
		t.Errorf("%q left, %v; want the two folders for what is damaged", left, err)
	}
	for _, end := range []string{"", "-intake"} {
		if _, err := os.Stat(filepath.Join(dir, "log.db.damaged-2", "log.db"+end)); err != nil {
			t.Error(err)
		}
	}
	anew, err := journal.Open(t.Context(), path, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer anew.Close()
	if last, err := anew.Last(t.Context()); err != nil || last != 0 {
		t.Errorf("the new log begins after %d, %v", last, err)
	}
}

// On a terminal a long value is cut, and says how much is missing; --full and a
// pipe show all of it. Nothing of a colour is taken for text of a stranger.
func TestLogShowLongValues(t *testing.T) {
	word := strings.Repeat("%", 20_000)
	keys := map[string]int{}
	for i := range 9 {
		keys[fmt.Sprintf("key%d", i)] = i
	}
	l := newLab(t)
	log := filepath.Join(l.dir, "log.db")
	var bodies [][]byte
	for _, last := range []string{"y", "z"} {
		bodies = append(bodies, grown(map[string]any{"name": word + last, "callResult.extractedVariables": keys}))
	}
	listened := l.deliver(bodies, "listen", "--format", "pretty", "--log", log, "--color", "always")
	show := func(tty bool, args ...string) string {
		look := newLab(t)
		look.tty = tty
		_, shown := look.run(t.Context(), strings.NewReader(""), append(args, "--log", log, "--color", "always")...)
		return regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(shown, "")
	}
	const more = "\n              … 16,015 more characters; --full shows all\n"
	for _, tt := range []struct {
		name    string
		tty     bool
		args    []string
		word    int // how many of the word are shown
		say, no string
	}{
		{"terminal", true, []string{"log", "show", "1"}, 4000, more, `\x1b`},
		{"terminal, whole", true, []string{"log", "show", "1", "--full"}, 20_000, "y, +1555", "more characters"},
		{"pipe", false, []string{"log", "show", "1"}, 20_000, "y, +1555", "more characters"},
		{"difference", false, []string{"log", "diff", "1", "2"}, 36, "%%%%%y\"\n", "more characters"},
		{"difference, whole", false, []string{"log", "diff", "1", "2", "--full"}, 40_000, "%y\"\n    + \"%%%%", "more characters"},
	} {
		got := show(tt.tty, tt.args...)
		if n := strings.Count(got, "%"); n != tt.word || !strings.Contains(got, tt.say) || strings.Contains(got, tt.no) {
			t.Errorf("%s: %d of the word in\n%.3000s", tt.name, n, got)
		}
	}
	if !strings.Contains(listened, "… 4 more\x1b") || !strings.Contains(listened, "%%…\n              \x1b[2m… 19,818 more characters; --full shows all\x1b") || strings.Contains(listened, `\x1b`) {
		t.Errorf("listen prints\n%.3000q", listened)
	}
}

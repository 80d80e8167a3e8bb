package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// mistakes are command lines as people type them, at first. Each ends with the right
// code and one line in plain words; the step that the hint names is then typed. URL is
// an endpoint, GONE one where nothing listens.
var mistakes = []struct {
	line  string
	code  int
	says  string // of the line
	typed string // what is typed next; empty: nothing, the line worked
	then  int    // its code; a command that serves is not run to its end
}{
	// The endpoint, said in other ways.
	{"check URL --only duplicate-key", 2, `"duplicate-key" is neither a check nor a group`, "julianctl check --list", 0},
	{"check --url URL --only accepts --allow-undecided", 2, `unknown flag "--url"`, "julianctl check --to URL --only accepts --allow-undecided", 0},
	{"check --target=URL --only accepts --allow-undecided", 2, `unknown flag "--target"`, "julianctl check --to URL --only accepts --allow-undecided", 0},
	{"check URL --to URL", 2, `use only one of "URL" and --to`, "julianctl check --help", 0},
	{"replay s.json URL", 0, "", "", 0},
	{"replay s.json --endpoint URL", 2, `unknown flag "--endpoint"`, "julianctl replay s.json --to URL", 0},
	{"replay s.json", 2, "no endpoint to deliver to", "julianctl replay s.json --to http://127.0.0.1:8080/webhook", 3},
	{"check --to staging", 2, `endpoint "staging" is not in the configuration`, "julianctl config init", 0},
	{"check --to localhost:1", 2, `endpoint "localhost:1" has no scheme`, "julianctl check --to http://localhost:1", 3},
	{"mock --webhook-url URL --calls 1 --addr 127.0.0.1:0", 2, `unknown flag "--webhook-url"`, "julianctl mock --webhook-to URL --calls 1 --addr 127.0.0.1:0", 0},
	{"check --to URL --only race", 2, `"race" is neither a check nor a group`, "julianctl check --to URL --only together", -1},
	{"check --to /hooks/julian", 2, `endpoint "/hooks/julian" has no host`, "julianctl check --to http://127.0.0.1:8080/hooks/julian", 3},
	{"check :1/hook", 2, `endpoint ":1/hook" has no scheme`, "julianctl check http://127.0.0.1:1/hook", 3},
	{"check --to https://example.com/x", 2, `endpoint host "example.com" is not this machine and is not allowed`, "", 0},
	{"replay s.json --to GONE", 3, `endpoint "GONE": cannot connect to .*: connection refused`, "julianctl listen --addr HOST", 0},
	{"check --to GONE", 3, `endpoint "GONE": cannot connect to .*: connection refused`, "", 0},

	// Ports and addresses.
	{"listen --port 0", 2, `unknown flag "--port"`, "julianctl listen --addr 127.0.0.1:0", 0},
	{"listen -p 0", 2, `unknown flag "-p"`, "julianctl listen --addr 127.0.0.1:0", 0},
	{"listen 0", 2, `unexpected argument "0"`, "julianctl listen --addr 127.0.0.1:0", 0},
	{"listen URL", 2, `unexpected argument "URL"`, "julianctl listen --forward-to URL", 0},
	{"listen --addr :0", 2, `--addr ":0" can be reached by other machines`, "", 0},
	{"listen --addr 0", 2, `--addr "0" is not an address of host and port`, "julianctl listen --addr 127.0.0.1:0", 0},
	{"mock --port=0", 2, `unknown flag "--port"`, "julianctl mock --addr 127.0.0.1:0", 0},

	// Keys.
	{"sample agent.abc --api-key canary", 2, `unknown flag "--api-key"`, "julianctl auth login", 4},
	{"sample agent.abc", 4, "no API key for julian.11x.ai", "julianctl sample --offline", 0},
	{"auth login canary", 2, "auth login takes no argument: others can read a key on the command line", "julianctl auth login", 4},
	{"auth login", 4, "API key from stdin: no API key", "julianctl auth --help", 0},

	// The log.
	{"log 1", 2, `unknown command "1"`, "julianctl log show 1", 0},
	{"log list", 2, `unknown command "list"`, "julianctl log", 0},
	{"log failed", 2, `unknown command "failed"`, "julianctl log --failed", 0},
	{"log tail", 2, `unknown command "tail"`, "julianctl log --follow", 0},
	{"log show", 2, "log show needs ID", "julianctl log", 0},
	{"log show 99", 3, `delivery 99 is not in the log ".*"`, "julianctl log", 0},
	{"log --since yesterday", 2, `--since "yesterday": that is not a time`, "julianctl log --since 24h", 0},
	{"log --result-type busy", 2, `--result-type "busy": no result type that is documented`, "julianctl log --result-type Busy", 0},
	{"log -n 5", 2, `unknown flag "-n"`, "julianctl log --limit 5", 0},
	{"replay --from-log 99 URL", 3, "there was no payload to deliver", "julianctl log", 0},

	// Commands.
	{"help chek", 2, `no command or topic "chek"`, "julianctl help check", 0},
	{"chek --list", 2, `unknown command "chek"`, "julianctl check --list", 0},
	{"send s.json --to URL", 2, `unknown command "send"`, "julianctl replay s.json --to URL", 0},
	{"serve --addr 127.0.0.1:0", 2, `unknown command "serve"`, "julianctl listen --addr 127.0.0.1:0", 0},
	{"login", 2, `unknown command "login"`, "julianctl auth login", 4},
	{"config set to URL", 2, `unknown command "set"`, "julianctl config init", 0},
	{"config get to", 2, `unknown command "get"`, "julianctl config list", 0},
	{"completion tcsh", 2, `unknown command "tcsh"`, "julianctl completion --help", 0},
	{"generate 3", 2, `unexpected argument "3"`, "julianctl generate --count 3", 0},
	{"validate s.json --outputt x", 2, `unknown flag "--outputt"`, "julianctl validate --help", 0},

	// Formats and names.
	{"check URL --only accepts --format jnuit", 2, `invalid value for --format: "jnuit": want one of text, json, .*`, "julianctl check URL --only accepts --format junit", -1},
	{"validate s.json --format yaml", 2, `invalid value for --format: "yaml": want one of text, json, .*`, "julianctl validate --help", 0},
	{"validate s.json --report out.xml", 2, `--report "out.xml": no such format "out.xml"`, "julianctl validate s.json --report junit=out.xml", 0},
	{"validate --explain requird", 2, `--explain: rule "requird" does not exist; .*`, "julianctl validate --list-rules", 0},
	{"check URL --only acepts", 2, `"acepts" is neither a check nor a group`, "julianctl check URL --only accepts", -1},
	{"generate --result-type busy", 2, `--result-type "busy" does not exist`, "julianctl generate --result-type Busy", 0},
	{"generate --count many", 2, `invalid value for --count: "many": want a whole number`, "julianctl generate --help", 0},
	{"replay s.json --to URL --header X-Secret=canary", 2, `a header without a colon`, "", 0},
	{"replay s.json --to URL --set duration:0", 2, `--set "duration:0" is not path=value`, "julianctl replay s.json --to URL --set duration=0", 0},

	// Files.
	{"validate nope.json", 3, `reading "nope.json": no such file or directory`, "julianctl sample --offline -o nope.json", 0},
	{"validate sampel.json", 3, `reading "sampel.json": no such file or directory`, "julianctl validate sample.json", 0},
	{"replay nothing.json --to URL", 3, `reading "nothing.json": no such file or directory`, "julianctl sample --offline -o nothing.json", 0},
	{"replay s.json --to URL --dup 2", 2, `no file "2"`, "julianctl replay s.json --to URL --dup=2", 0},
	{"replay s.json --to URL --duplicates 2", 2, `unknown flag "--duplicates"`, "julianctl replay s.json --to URL --dup=2", 0},
	{"replay s.json --to URL --copies=2", 2, `unknown flag "--copies"`, "julianctl replay s.json --to URL --dup=2", 0},
	{"replay --repeat s.json --to URL", 2, `unknown flag "--repeat"`, "julianctl replay --dup s.json --to URL", 0},

	// Units.
	{"replay s.json --to URL --timeout 5", 2, `invalid value for --timeout: "5": want a time such as 500ms, 2s or 5m`, "julianctl replay s.json --to URL --timeout 5s", 0},
	{"replay s.json --to URL --rate 10/s", 2, `invalid value for --rate: "10/s": want a number`, "julianctl replay s.json --to URL --rate 10", 0},
	{"replay s.json --to URL --max-latency 5s", 2, `invalid value for --max-latency: "5s": want .*`, "julianctl replay s.json --to URL --max-latency p99=5s", 0},
	{"replay s.json --to URL --max-latency p99=5", 2, `invalid value for --max-latency: "p99=5": want .*`, "julianctl replay s.json --to URL --max-latency p99=5s", 0},
	{"replay s.json --to URL --expect ok", 2, `--expect "ok": "ok" is not a status`, "julianctl replay s.json --to URL --expect 2xx", 0},
	{"listen --addr 127.0.0.1:0 --max-body 10MB", 2, `invalid value for --max-body: "10MB": want a size .*`, "julianctl listen --addr 127.0.0.1:0 --max-body 10MiB", 0},
	{"listen --addr 127.0.0.1:0 --fail-rate 20%", 2, `invalid value for --fail-rate: "20%": want a number`, "julianctl listen --addr 127.0.0.1:0 --fail-rate 0.2", 0},
	{"listen --addr 127.0.0.1:0 --delay 200", 2, `invalid value for --delay: "200": want a time .*`, "julianctl listen --addr 127.0.0.1:0 --delay 200ms", 0},
	{"listen --addr 127.0.0.1:0 --delay", 2, `--delay needs a value: --delay TIME`, "julianctl listen --help", 0},
}

// The ways in which a hint names the next step.
var (
	wholeLine  = regexp.MustCompile(`did you mean: (julianctl .*)$`)
	quotedLine = regexp.MustCompile(`"(julianctl [^"]*)"`)
	otherWord  = regexp.MustCompile(`did you mean "?([^"]*)"?\?`)
	suchAs     = regexp.MustCompile(`^hint: such as ([^ ,]+)`)
	where      = regexp.MustCompile(`^hint: say where: (--to \S+)`)
	quoted     = regexp.MustCompile(`"([^"]*)"`)
)

// nextStep is the command line that a person types after an error; empty for a hint
// that names none.
func nextStep(line, message, hint string) string {
	if m := wholeLine.FindStringSubmatch(hint); m != nil {
		return m[1]
	}
	for _, step := range []*regexp.Regexp{otherWord, suchAs} {
		m := step.FindStringSubmatch(hint)
		if m == nil {
			continue
		}
		for _, wrong := range quoted.FindAllStringSubmatch(message, -1) {
			if strings.HasPrefix(m[1], "--dup=") {
				return "julianctl " + strings.Replace(line, "--dup "+wrong[1], m[1], 1)
			}
			if i := slices.Index(strings.Fields(line), wrong[1]); i >= 0 {
				words := strings.Fields(line)
				words[i] = m[1]
				return "julianctl " + strings.Join(words, " ")
			}
			if strings.Contains(line, wrong[1]) {
				return "julianctl " + strings.Replace(line, wrong[1], m[1], 1)
			}
		}
	}
	if m := where.FindStringSubmatch(hint); m != nil {
		return "julianctl " + line + " " + m[1]
	}
	if m := quotedLine.FindAllStringSubmatch(hint, -1); m != nil {
		if strings.Contains(hint, "without a key") {
			return m[1][1]
		}
		return m[0][1]
	}
	return ""
}

// serving are commands that go on until they are stopped.
var serving = regexp.MustCompile(`^(?:listen|mock|log --follow)`)

func TestMistakes(t *testing.T) {
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer endpoint.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := closed.Addr().String()
	closed.Close()
	names := strings.NewReplacer("URL", endpoint.URL, "GONE", "http://"+gone+"/", "HOST", gone)

	for _, m := range mistakes {
		t.Run(m.line, func(t *testing.T) {
			t.Chdir(t.TempDir())
			mistakesFolder(t, strings.Contains(m.line, "log"))
			line := names.Replace(m.line)
			_, errs, code := type_(t, strings.Fields(line))
			if code != m.code {
				t.Errorf("exit code %d, want %d\n%s", code, m.code, errs)
			}
			if strings.Contains(errs, "canary") {
				t.Errorf("a secret is shown again: %s", errs)
			}
			if m.says == "" {
				return
			}
			message, hint := "", ""
			for said := range strings.Lines(errs) {
				said = strings.TrimSpace(said)
				if rest, ok := strings.CutPrefix(said, "julianctl: "); ok {
					message += rest
				} else if strings.HasPrefix(said, "hint: ") {
					hint = said
				}
			}
			if !regexp.MustCompile("^" + names.Replace(m.says) + "$").MatchString(message) {
				t.Errorf("says %q, want %q", message, m.says)
			}
			if hint == "" {
				t.Errorf("no hint: %s", errs)
			}
			step := nextStep(line, message, hint)
			if want := names.Replace(m.typed); m.typed != "" && step != want {
				t.Fatalf("the next step is %q, want %q, of %q", step, want, hint)
			}
			if m.typed == "" {
				return
			}
			words, err := cli.SplitCommand(step)
			if err != nil {
				t.Fatal(err)
			}
			_, errs, code = type_(t, words[1:])
			if code != m.then && m.then >= 0 || m.then < 0 && code == 2 {
				t.Errorf("%s: exit code %d, want %d\n%s", step, code, m.then, errs)
			}
		})
	}
	if len(mistakes) < 40 {
		t.Errorf("only %d mistakes", len(mistakes))
	}
}

// mistakesFolder makes payloads, and a log with a delivery.
func mistakesFolder(t *testing.T, log bool) {
	t.Helper()
	for _, name := range []string{"s.json", "sample.json"} {
		if _, errs, code := type_(t, []string{"sample", "--offline", "-o", name}); code != 0 {
			t.Fatal(errs)
		}
	}
	if !log {
		return
	}
	listening := make(chan string)
	go func() {
		_, errs, _ := type_(t, []string{"listen", "--addr", "127.0.0.1:0", "--ready-file", "ready", "--exit-after", "1", "--timeout", "20s"})
		listening <- errs
	}()
	deadline := time.Now().Add(20 * time.Second)
	for {
		url, err := os.ReadFile("ready")
		if err == nil {
			if _, errs, code := type_(t, []string{"replay", "s.json", strings.TrimSpace(string(url))}); code != 0 {
				t.Error(errs)
			}
			<-listening
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no listener: " + <-listening)
		}
		runtime.Gosched()
	}
}

// type_ runs a command line in this process. One that serves is stopped.
func type_(t *testing.T, words []string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if serving.MatchString(strings.Join(words, " ")) && !slices.Contains(words, "--exit-after") {
		ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	environ := map[string]string{"HOME": dir, "XDG_STATE_HOME": dir, "JULIANCTL_KEY_STORE": "file"}
	a := &cli.App{
		In: strings.NewReader(""), Out: terminal.NewOutput(&o), Err: terminal.NewOutput(&e),
		Env: func(name string) string { return environ[name] }, Now: time.Now,
	}
	code = root.Run(ctx, a, words)
	return o.String(), e.String(), code
}

// log --follow goes on with what comes in, and ends well with Ctrl-C.
func TestLogFollow(t *testing.T) {
	t.Chdir(t.TempDir())
	mistakesFolder(t, true)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	read, write := io.Pipe()
	ended := make(chan int)
	go func() {
		environ := map[string]string{"HOME": dir, "XDG_STATE_HOME": dir}
		a := &cli.App{
			In: strings.NewReader(""), Out: terminal.NewOutput(write), Err: terminal.NewOutput(io.Discard),
			Env: func(name string) string { return environ[name] }, Now: time.Now,
		}
		code := root.Run(ctx, a, []string{"log", "-f", "--format", "json"})
		write.Close()
		ended <- code
	}()
	lines := bufio.NewScanner(read)
	for i, want := range []string{`"id":1,`, `"id":2,`, `"kind":"summary","deliveries":2,`} {
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			t.Fatalf("line %d is %q, want %s", i+1, lines.Text(), want)
		}
		switch i {
		case 0:
			if err := os.Remove("s.json"); err != nil {
				t.Fatal(err)
			}
			mistakesFolder(t, true)
		case 1:
			cancel()
		}
	}
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

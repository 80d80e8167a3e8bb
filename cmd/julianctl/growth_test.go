package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// strangerText are texts of so many characters as a stranger may write them.
var strangerText = map[string]func(n int) string{
	"a long word":      func(n int) string { return strings.Repeat("x", n) },
	"a long line":      func(n int) string { return strings.Repeat("word ", n/5) },
	"many lines":       func(n int) string { return strings.Repeat("line\n", n/5) },
	"many turns":       func(n int) string { return strings.Repeat("A: b\n", n/5) },
	"accents on one":   func(n int) string { return "e" + strings.Repeat("\u0301", n) },
	"accents":          func(n int) string { return strings.Repeat(accented, n/2) },
	"wide characters":  func(n int) string { return strings.Repeat("漢", n) },
	"joined pictures":  func(n int) string { return strings.Repeat("👩\u200d", n/2) + "👩" },
	"flags":            func(n int) string { return strings.Repeat(germany, n/2) },
	"what is escaped":  func(n int) string { return strings.Repeat("\x1b[", n/2) },
	"commands":         func(n int) string { return strings.Repeat("::a ##[", n/7) },
	"quotes":           func(n int) string { return strings.Repeat(`"\`, n/2) },
	"slashes":          func(n int) string { return strings.Repeat("/~", n/2) },
	"words and digits": func(n int) string { return strings.Repeat("Ann 555-0199 a@b.example ", n/25) },
}

// strangerPayloads are payloads that grow with n.
func strangerPayloads() map[string]func(n int) []byte {
	all := map[string]func(n int) []byte{
		"many keys": func(n int) []byte {
			keys := map[string]string{}
			for i := range n / 10 {
				keys[fmt.Sprintf("key%d", i)] = "value"
			}
			return grown(map[string]any{"callResult.extractedVariables": keys, "customInputVariables": keys})
		},
		"many items": func(n int) []byte {
			item := json.RawMessage(`{"name":"a","reasoning":"b"}`)
			items := make([]json.RawMessage, n/20)
			for i := range items {
				items[i] = item
			}
			return grown(map[string]any{"callResult.outcomes": items, "callResult.agentActions": items})
		},
		"many levels": func(n int) []byte {
			deep := json.RawMessage(strings.Repeat("[", n/10) + strings.Repeat("]", n/10))
			return grown(map[string]any{"callResult.extractedVariables": map[string]any{"deep": deep}})
		},
		"long keys": func(n int) []byte {
			key := strings.Repeat("k", n)
			return grown(map[string]any{key: 1, "callResult.extractedVariables": map[string]any{key: key}})
		},
	}
	for name, text := range strangerText {
		all[name] = func(n int) []byte {
			s := text(n)
			return grown(map[string]any{
				"callId": "call." + s, "name": s, "agentName": s, "timezone": s, "callUrl": s, "callResult.resultType": s,
				"callResult.summary": s, "callResult.transcription": "User: " + s, "callResult.outcomes": []any{map[string]any{"name": s, "reasoning": s}},
				"callResult.extractedVariables": map[string]any{"a": s},
			})
		}
	}
	return all
}

// grown is the sample with other values.
func grown(values map[string]any) []byte {
	var doc map[string]any
	if err := json.Unmarshal(julian.Sample(), &doc); err != nil {
		panic(err)
	}
	for path, value := range values {
		object := doc
		if key, inner := strings.CutPrefix(path, "callResult."); inner {
			object, path = doc["callResult"].(map[string]any), key
		}
		object[path] = value
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// printing are the commands that print what a stranger wrote. {body} is a file
// with a payload, {other} one that differs in the end of each text, {endpoint}
// answers with the payload and 422, {api} gives it as a sample.
var printing = []string{
	"validate {body}", "validate {body} --format json", "validate {body} --format junit", "validate {body} --format github", "validate {body} --format gitlab",
	"validate {body} --format sarif", "validate {body} --format markdown", "validate {body} --format html", "validate {bad}",
	"log", "log --format json", "log show 1", "log show 1 --full", "log show 2", "log show 2 --full", "log show 1 --format json", "log diff 1 2", "log diff 1 2 --full", "log stats", "log stats --format json",
	"log curl 1", "log raw 1", "log export", "log export --format har", "log reconcile --against {ids}",
	"sample agent.a", "sample agent.a --check",
	"replay {body} --to {endpoint}", "replay {body} --to {endpoint} --format json", "replay {body} --to {endpoint} --format html", "replay {body} --to {endpoint} --format junit --dup",
	"check --to {endpoint} --only sample,repeat", "check --to {endpoint} --only sample --format markdown", "check --to {endpoint} --only sample --format html",
	"redact {body} --report {dir}/replaced.json", "schema infer {body}", "schema diff {body} {other}", "generate --count 1 --set name={text}",
}

// What a stranger sends may be long. The work of each command grows with it and
// no faster.
func TestPrintingIsLinear(t *testing.T) {
	if raced {
		t.Skip("the race detector multiplies the work")
	}
	length := 2000
	if os.Getenv("JULIANCTL_LONG") != "" {
		length = 8000
	}
	for name, payload := range strangerPayloads() {
		t.Run(name, func(t *testing.T) {
			small, large := newStranger(t, payload, length), newStranger(t, payload, 8*length)
			for _, command := range append([]string{"listen --format pretty", "listen --format pretty --full", "listen --format summary", "listen --format json", "listen --format raw"}, printing...) {
				var a, b effort
				for try := range 4 { // another program may be in the way
					a, b = a.least(small.run(command), try), b.least(large.run(command), try)
					if b.within(a) {
						break
					}
				}
				if !b.within(a) {
					t.Errorf("%s: eight times the length takes %v and %d kB, not %v and %d kB", command, b.time, b.bytes>>10, a.time, a.bytes>>10)
				}
				if a.printed == 0 || b.printed == 0 {
					t.Errorf("%s prints nothing", command)
				}
			}
		})
	}
}

// effort is what a command took.
type effort struct {
	time    time.Duration // of the processor
	bytes   uint64        // allocated
	printed int
}

func (e effort) least(other effort, try int) effort {
	if try == 0 {
		return other
	}
	return effort{min(e.time, other.time), min(e.bytes, other.bytes), other.printed}
}

// within reports whether eight times the length took no more than 2.5 times
// the memory for each time it doubled. Time is noise where others run, so it may
// be three times; what goes with the square of the length takes four.
func (e effort) within(small effort) bool {
	const memory, moments = 2.5 * 2.5 * 2.5, 3 * 3 * 3
	const least = 2 * time.Millisecond // what is over in no time says nothing
	return float64(e.bytes) <= memory*float64(small.bytes) && e.time <= moments*max(small.time, least)
}

// stranger is what commands are run on.
type stranger struct {
	*lab
	replace *strings.Replacer
	bodies  [][]byte
}

func newStranger(t *testing.T, payload func(int) []byte, n int) *stranger {
	s := &stranger{lab: newLab(t)}
	s.tty = true
	body := payload(n)
	other := bytes.Replace(payload(n+10), []byte(`"duration":46`), []byte(`"duration":47`), 1)
	s.bodies = [][]byte{body, other}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusUnprocessableEntity) // after a 5xx check would wait and send again
		_, _ = w.Write(body)
	}))
	t.Cleanup(endpoint.Close)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	t.Cleanup(api.Close)
	s.env["JULIAN_API_KEY"], s.env["JULIAN_BASE_URL"] = "key", api.URL
	s.env["JULIANCTL_LOG"] = filepath.Join(s.dir, "log.db")
	s.env["XDG_RUNTIME_DIR"] = s.dir
	var event struct{ Name string }
	if err := json.Unmarshal(body, &event); err != nil {
		t.Fatal(err)
	}
	s.replace = strings.NewReplacer(
		"{body}", s.file("body.json", body), "{other}", s.file("other.json", other),
		"{bad}", s.file("bad.json", body[:len(body)*3/4]),
		"{ids}", s.file("ids", []byte(event.Name)), "{endpoint}", endpoint.URL, "{dir}", s.dir, "{text}", event.Name,
	)
	s.run("listen --format pretty") // fills the log
	return s
}

// run runs a command and measures it.
func (s *stranger) run(command string) effort {
	s.t.Helper()
	var args []string
	for word := range strings.FieldsSeq(command) {
		args = append(args, s.replace.Replace(word))
	}
	var e effort
	measure(&e, func() {
		var shown string
		if args[0] == "listen" {
			shown = s.deliver(s.bodies, args...)
		} else {
			_, shown = s.lab.run(s.t.Context(), strings.NewReader(""), args...)
		}
		e.printed = len(shown)
	})
	return e
}

// deliver runs listen until it has taken bodies, and returns what it printed.
func (l *lab) deliver(bodies [][]byte, args ...string) string {
	l.t.Helper()
	ready := filepath.Join(l.dir, "ready")
	_ = os.Remove(ready)
	done := make(chan string, 1)
	go func() {
		_, shown := l.run(l.t.Context(), strings.NewReader(""), append(args, "--addr", "127.0.0.1:0", "--exit-after", fmt.Sprint(len(bodies)), "--ready-file", ready)...)
		done <- shown
	}()
	url := ""
	for url == "" {
		if data, err := os.ReadFile(ready); err == nil {
			url = strings.TrimSpace(string(data))
		}
		runtime.Gosched()
	}
	for _, body := range bodies {
		answer, err := http.Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			l.t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	return <-done
}

func measure(e *effort, f func()) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime()
	f()
	e.time = cpuTime() - start
	runtime.ReadMemStats(&after)
	e.bytes = after.TotalAlloc - before.TotalAlloc
}

// Package effects counts how often a consumer processed a call, by a [Probe] that
// the user gives: a program, a URL, or one program for many calls at once. It runs
// the user's other programs as well: a second writer, and a clean-up.
package effects

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/tidwall/gjson"
)

// Probe counts the effects that one call had at the consumer: rows, messages,
// tickets. Zero is a count; what is not a count is an error.
type Probe func(ctx context.Context, callID string) (Reading, error)

// Reading is what a probe said.
type Reading struct {
	Count int
	Text  string // all of it; "" where a batch says nothing of the call
}

// BatchProbe counts the effects of many calls at once, by their ids. A call that
// is not in the map has none.
type BatchProbe func(ctx context.Context, callIDs []string) (map[string]int, error)

// One is the probe that counts one call at a time.
func (b BatchProbe) One() Probe {
	return func(ctx context.Context, callID string) (Reading, error) {
		counts, err := b(ctx, []string{callID})
		return Reading{Count: counts[callID]}, err
	}
}

// CommandWriter runs a program, without a shell, that writes a call as a second
// writer would: it gets the payload on its standard input, and the id as
// [ProbeEnv] and in place of [Placeholder].
func CommandWriter(argv []string) func(context.Context, string, []byte) error {
	return func(ctx context.Context, callID string, payload []byte) error {
		args := make([]string, len(argv))
		for i, arg := range argv {
			args[i] = strings.ReplaceAll(arg, Placeholder, callID)
		}
		_, err := RunCommand(ctx, probeTimeout, args, string(payload), ProbeEnv+"="+callID)
		return err
	}
}

// CommandBatch runs a program, without a shell, that reads ids from its standard
// input, one a line, and prints "id count", one a line.
func CommandBatch(argv []string) BatchProbe {
	return func(ctx context.Context, callIDs []string) (map[string]int, error) {
		out, said, err := runCommand(ctx, batchTimeout, argv, strings.Join(callIDs, "\n")+"\n")
		if err != nil {
			return nil, fmt.Errorf("probe %w", err)
		}
		counts, err := parseCounts(out)
		if err != nil {
			err = fmt.Errorf("%w%s", err, lastSaid(said))
		}
		return counts, err
	}
}

// parseCounts reads lines of an id and a number, with white space, a comma or a
// bar between them. The ids of a run hold none of these but blanks.
func parseCounts(out []byte) (map[string]int, error) {
	const between = " \t,|"
	counts := map[string]int{}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" {
			continue
		}
		at := strings.LastIndexAny(line, between)
		n, err := strconv.ParseUint(line[at+1:], 10, 31)
		if at < 1 || err != nil {
			return nil, fmt.Errorf("probe said %.80q, want lines of an id and a whole number", line)
		}
		counts[strings.TrimRight(line[:at], "\t,|")] += int(n)
	}
	return counts, nil
}

// Placeholder stands for the call's id in a probe's words and URL.
const Placeholder = "{callId}"

// ProbeEnv is the environment variable that holds the call's id for a command.
const ProbeEnv = "JULIANCTL_CALL_ID"

const (
	probeTimeout = 10 * time.Second
	batchTimeout = 30 * time.Second
	maxOutput    = 1 << 20 // bytes of what a program says
)

// CommandProbe runs a program, without a shell, whose output is the count. The
// call's id is in its environment as [ProbeEnv], and in place of
// [Placeholder] in its arguments. With path, a gjson path, the output is JSON
// and the count is there.
func CommandProbe(argv []string, path string) Probe {
	return func(ctx context.Context, callID string) (Reading, error) {
		args := make([]string, len(argv))
		for i, arg := range argv {
			args[i] = strings.ReplaceAll(arg, Placeholder, callID)
		}
		out, said, err := runCommand(ctx, probeTimeout, args, "", ProbeEnv+"="+callID)
		if err != nil {
			return Reading{}, fmt.Errorf("probe %w", err)
		}
		r, err := parseCount(out, path)
		if err != nil { // a pipeline ends well where its first command did not
			err = fmt.Errorf("%w%s", err, lastSaid(said))
		}
		return r, err
	}
}

// capped keeps the beginning of what is written to it.
type capped struct {
	bytes.Buffer
	max int
}

func (c *capped) Write(p []byte) (int, error) {
	c.Buffer.Write(p[:min(len(p), max(0, c.max-c.Len()))])
	return len(p), nil
}

// errorLines match a line that names an error, the surest last, which is not
// indented: psql writes where it is after it, and Node.js its fields and its version.
var errorLines = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\b(error|fatal|exception|panic)|(Error|Exception)\b`),
	regexp.MustCompile(`^(<ref \*\d+> |Uncaught |[\w.]+: )?([\w.]*(Error|Exception)|(?i:error|fatal|panic))( \[\w+\])?:`),
}

// ErrorLine is what a program said of an error: the last line that names one, or the
// last line; "" where it said nothing. That of a traceback names what went wrong.
func ErrorLine(said string) string {
	line, sure := "", 0
	for l := range strings.Lines(strings.TrimSpace(said)) {
		l = strings.TrimRight(l, " \r\n")
		rank := 0
		for i, names := range errorLines {
			if names.MatchString(l) {
				rank = i + 1
			}
		}
		if rank >= sure {
			line, sure = strings.TrimSpace(l), rank
		}
	}
	return line
}

// lastSaid is the line that names the error, to stand after what failed.
func lastSaid(b []byte) string {
	line := ErrorLine(string(b))
	if line == "" {
		return ""
	}
	return fmt.Sprintf(": %.200q", line)
}

// URLProbe asks with GET; the body of a 200 is the count. The client's target
// is the URL with any id in place of [Placeholder]; requestURI is its path and
// query with the placeholder. Missing is what other statuses count; may be nil.
func URLProbe(client *deliver.Client, requestURI, path string, missing map[int]int) Probe {
	return func(ctx context.Context, callID string) (Reading, error) {
		a := client.Send(ctx, deliver.Request{
			Method: "GET",
			Path:   strings.ReplaceAll(requestURI, Placeholder, strings.ReplaceAll(url.QueryEscape(callID), "+", "%20")),
		})
		if n, ok := missing[a.Status]; ok && a.Err == nil {
			return Reading{Count: n}, nil
		}
		switch {
		case a.Err != nil:
			return Reading{}, fmt.Errorf("probe: %w", a.Err)
		case a.Status != 200:
			return Reading{}, fmt.Errorf("probe: %s, want 200%s", a.Describe(), lastSaid(a.Body))
		case int64(len(a.Body)) < a.BodySize:
			return Reading{}, fmt.Errorf("probe: answer of %s is too long", units.Size(a.BodySize))
		}
		return parseCount(a.Body, path)
	}
}

// parseCount reads a whole number that is not negative, by itself or at a path
// of a JSON document. A list at the path counts its items.
func parseCount(out []byte, path string) (Reading, error) {
	text := strings.TrimSpace(string(out))
	number := text
	if path != "" {
		if !gjson.Valid(text) {
			return Reading{}, fmt.Errorf("probe said %.60q, want JSON", text)
		}
		value := gjson.Get(text, path)
		switch {
		case !value.Exists():
			return Reading{}, fmt.Errorf("probe said %.60q, which has nothing at %q", text, path)
		case value.IsArray():
			return Reading{len(value.Array()), text}, nil
		}
		number = value.String()
	}
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return Reading{}, NotNumberError{number, path}
	}
	return Reading{int(n), text}, nil
}

// NotNumberError is what a probe printed in place of a whole number, and the path
// under which that stands in its JSON; empty: all of it.
type NotNumberError struct{ Said, Under string }

func (e NotNumberError) Error() string {
	if e.Said == "" {
		return "probe said nothing, want a whole number"
	}
	return fmt.Sprintf("probe said %.60q, want a whole number", e.Said)
}

// Path is where the count may be, if what was printed is JSON: the first number of
// an object, or a list itself. It is empty otherwise.
func (e NotNumberError) Path() (path string) {
	value := gjson.Parse(e.Said)
	switch {
	case !gjson.Valid(e.Said):
	case value.IsArray():
		path = "@this"
	case value.IsObject():
		value.ForEach(func(key, v gjson.Result) bool {
			if v.Type == gjson.Number && !strings.ContainsAny(key.String(), `.*?|#@\!{}[]()`) {
				path = key.String()
			}
			return path == ""
		})
	}
	if path != "" && e.Under != "" {
		return e.Under + "." + path
	}
	return path
}

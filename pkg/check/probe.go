package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/tidwall/gjson"
)

// Probe counts the effects that one call had at the consumer: rows, messages,
// tickets. Zero is a count; what is no count is an error.
type Probe func(ctx context.Context, callID string) (Reading, error)

// Reading is what a probe said.
type Reading struct {
	Count int
	Text  string // all of it; for looking which of two contents was kept
}

// Placeholder stands for the call's id in a probe's words and URL.
const Placeholder = "{callId}"

// ProbeEnv is the environment variable that holds the call's id for a command.
const ProbeEnv = "JULIANCTL_CALL_ID"

const (
	probeTimeout = 10 * time.Second
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
		out, err := runCommand(ctx, probeTimeout, args, "", ProbeEnv+"="+callID)
		if err != nil {
			return Reading{}, fmt.Errorf("probe %w", err)
		}
		return parseCount(out, path)
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

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	if line == "" {
		return ""
	}
	return fmt.Sprintf(": %.200q", line)
}

// URLProbe asks with GET; the body of a 200 is the count. The client's target
// is the URL with any id in place of [Placeholder]; requestURI is its path and
// query with the placeholder.
func URLProbe(client *deliver.Client, requestURI, path string) Probe {
	return func(ctx context.Context, callID string) (Reading, error) {
		a := client.Send(ctx, deliver.Request{
			Method: "GET",
			Path:   strings.ReplaceAll(requestURI, Placeholder, url.QueryEscape(callID)),
		})
		switch {
		case a.Err != nil:
			return Reading{}, fmt.Errorf("probe: %w", a.Err)
		case a.Status != 200:
			return Reading{}, fmt.Errorf("probe: %s, want 200%s", describe(a), firstLine(a.Body))
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
		if text == "" {
			return Reading{}, errors.New("probe said nothing, want a whole number")
		}
		return Reading{}, fmt.Errorf("probe said %.60q, want a whole number", number)
	}
	return Reading{int(n), text}, nil
}

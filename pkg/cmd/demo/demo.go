// Package demo is the command demo: it runs other commands against each other.
package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

// RunFunc runs one command line and returns its exit code.
type RunFunc func(ctx context.Context, a *cli.App, args []string) int

// NewCmd is the command. What runs the others is handed in: no command
// imports another.
func NewCmd(a *cli.App, runCommand RunFunc) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show everything, offline, in seconds",
		Long: `demo runs the real commands against each other in one process: a mock of the API, a
listener, and a small consumer with a race and then without it. Nothing leaves this machine, no key is
needed, and nothing is left behind.`,
		Example:     "  julianctl demo",
		Args:        cli.NoArgs,
		Annotations: map[string]string{"config": "none"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			when, err := cmd.Flags().GetString("color")
			if err != nil {
				return err
			}
			a.Style, a.ErrStyle = a.Styles(when)
			return run(cmd.Context(), a, runCommand)
		},
	}
}

// demo is one run: a folder of its own, and commands that share it.
type demo struct {
	a          *cli.App
	runCommand RunFunc
	dir        string
	env        map[string]string
	wrong      []string // steps that did not end as they should
}

// demoTime is how long a demo may take; half a second is usual.
const demoTime = 30 * time.Second

func run(ctx context.Context, a *cli.App, runCommand RunFunc) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	dir, err := a.TempFolder("julianctl-demo-")
	if err != nil {
		return cli.Failure(err, "")
	}
	defer os.RemoveAll(dir)
	d := &demo{a: a, runCommand: runCommand, dir: dir, env: map[string]string{"JULIAN_API_KEY": "test-key", "HOME": dir}}
	err = d.run(ctx)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return cli.Failure(fmt.Errorf("demo was not done within %s", demoTime), "")
	case ctx.Err() != nil: // commands that were interrupted did not fail
		return ctx.Err()
	case err != nil:
		return err
	}
	took := time.Since(began)
	if d.wrong != nil {
		fmt.Fprintf(a.Out, "%s: %s\n", a.Style.Bad("demo failed"), strings.Join(d.wrong, "; "))
		return cli.Verdict(cli.ExitNo)
	}
	fmt.Fprintf(a.Out, "%s in %s, on this machine only.\n", a.Style.Good("demo done"), units.Time(took))
	fmt.Fprintf(a.Out, `
What it does not show: your endpoint. Start it, then

  julianctl check --to http://127.0.0.1:8080/webhook --probe CMD

CMD prints how often the call {callId} was processed: julianctl check --help has
probes for PostgreSQL, MySQL, SQLite, Redis and REST.
`)
	return nil
}

func (d *demo) run(ctx context.Context) error {
	stopMock, api, err := d.background(ctx, "mock", "--addr", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer stopMock()
	d.env["JULIAN_BASE_URL"] = api

	d.title("Fetch a sample payload with the API key, and hold it against the schema")
	if err := d.step(ctx, cli.ExitYes, "sample", "agent.abc123", "-o", "sample.json"); err != nil {
		return err
	}
	if err := d.step(ctx, cli.ExitYes, "validate", "sample.json"); err != nil {
		return err
	}

	d.title("Validate shows two mistakes in a payload, and what was meant")
	// The mistakes that are easiest to make.
	broken := bytes.Replace(julian.Sample(), []byte(`"Goal Completed"`), []byte(`"goal completed"`), 1)
	broken = bytes.Replace(broken, []byte(`"duration": 46`), []byte(`"duration": "46"`), 1)
	if err := cli.WriteFile(filepath.Join(d.dir, "broken.json"), broken); err != nil {
		return err
	}
	if err := d.step(ctx, cli.ExitNo, "validate", "broken.json"); err != nil {
		return err
	}

	d.title("Listen in place of the endpoint; deliver the sample once, and twice again")
	stopListen, hook, err := d.background(ctx, "listen", "--addr", "127.0.0.1:0", "--format", "pretty", "--exit-after", "3", "--log", cli.NoLog)
	if err != nil {
		return err
	}
	if err := d.step(ctx, cli.ExitYes, "replay", "sample.json", "--dup=2", "--to", hook); err != nil {
		return err
	}
	fmt.Fprintf(d.a.Out, "%s\n%s\n", d.a.Style.Faint("and the listener printed:"), stopListen())

	d.title("Is an endpoint right? This one looks whether it knows a call, works, then stores it")
	if err := d.check(ctx, cli.ExitNo, true, "--only", "together", "--settle", "50ms"); err != nil {
		return err
	}
	d.title("The same with a unique key: whoever stores the call does the work")
	return d.check(ctx, cli.ExitYes, false, "--profile", "smoke", "--settle", "200ms")
}

// check checks a consumer, with a race or without.
func (d *demo) check(ctx context.Context, want int, racy bool, flags ...string) error {
	url, stop, err := ServeConsumer(ctx, racy)
	if err != nil {
		return err
	}
	defer stop()
	return d.step(ctx, want, append(append([]string{"check"}, flags...), "--to", url+"hook", "--probe-url", url+"calls/{callId}/count")...)
}

func (d *demo) title(text string) {
	fmt.Fprintf(d.a.Out, "%s\n\n", d.a.Style.Bold("# "+text))
}

// step runs one command as a user would and shows what it prints. The error is
// that of ctx.
func (d *demo) step(ctx context.Context, want int, args ...string) error {
	fmt.Fprintf(d.a.Out, "%s\n", d.a.Style.Accent("$ julianctl "+strings.Join(args, " ")))
	var shown bytes.Buffer
	for i, arg := range args {
		if strings.HasSuffix(arg, ".json") {
			args[i] = filepath.Join(d.dir, arg)
		}
	}
	if got := d.runCommand(ctx, d.child(&shown), d.common(args)); got != want {
		d.wrong = append(d.wrong, fmt.Sprintf("%s ended with exit code %d, not %d", args[0], got, want))
	}
	fmt.Fprintln(d.a.Out, d.clean(shown.String()))
	return ctx.Err()
}

// background starts a command that serves, and returns once it does, with its
// URL. The function ends the command, or waits for its own end, and returns
// what it printed.
func (d *demo) background(ctx context.Context, args ...string) (wait func() string, url string, err error) {
	ready := filepath.Join(d.dir, args[0]+".url")
	ctx, cancel := context.WithCancel(ctx)
	var out bytes.Buffer
	child := d.child(&out)
	child.Err = terminal.NewOutput(io.Discard)
	done := make(chan int, 1)
	go func() { done <- d.runCommand(ctx, child, d.common(append(args, "--ready-file", ready))) }()
	for {
		if data, err := os.ReadFile(ready); err == nil && len(data) > 0 {
			url = strings.TrimSpace(string(data))
			break
		}
		select {
		case code := <-done:
			cancel()
			return nil, "", cli.Failure(fmt.Errorf("%s ended with exit code %d before it was ready", args[0], code), "")
		case <-ctx.Done():
			cancel()
			return nil, "", ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	return func() string {
		if args[0] == "mock" {
			cancel() // it has no end of its own
		}
		if code := <-done; code != cli.ExitYes {
			d.wrong = append(d.wrong, fmt.Sprintf("%s ended with exit code %d", args[0], code))
		}
		cancel()
		return d.clean(out.String())
	}, url, nil
}

// child is an App that writes to w and does not use the user's settings.
func (d *demo) child(w io.Writer) *cli.App {
	out := terminal.NewOutput(w)
	return &cli.App{In: strings.NewReader(""), Out: out, Err: out, Now: d.a.Now, Env: func(name string) string { return d.env[name] }}
}

// common adds what every command here is given: the demo's colour, and an
// empty configuration.
func (d *demo) common(args []string) []string {
	colour := "--color=never"
	if d.a.Style.Bold("x") != "x" {
		colour = "--color=always"
	}
	return append(args, colour, "--config", os.DevNull)
}

// clean shows the demo's files by their names.
func (d *demo) clean(s string) string {
	return strings.ReplaceAll(s, d.dir+string(filepath.Separator), "")
}

// work is how long the consumer with a race works between looking and storing.
const work = 20 * time.Millisecond

// ServeConsumer starts a consumer on a free port of this machine: it refuses what is
// no call event, stores a call once, acknowledges repeats, and tells a probe how many
// records a call has. A racy one stores a call again whose copies come together.
func ServeConsumer(ctx context.Context, racy bool) (url string, stop func(), err error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, cli.Failure(err, "")
	}
	var mu sync.Mutex
	calls := map[string]int{} // callId to how often it was processed
	known := func(id string) bool {
		mu.Lock()
		defer mu.Unlock()
		return calls[id] > 0
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<20))
		var event julian.CallEvent
		if err != nil || json.Unmarshal(body, &event) != nil || event.CallID == "" {
			http.Error(w, "not a call event", http.StatusBadRequest)
			return
		}
		if racy && !known(event.CallID) {
			time.Sleep(work) // copies that come now do not find it either
			mu.Lock()
			calls[event.CallID]++
			mu.Unlock()
		} else if !racy {
			mu.Lock()
			calls[event.CallID] = 1
			mu.Unlock()
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /calls/{id}/count", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprint(w, calls[r.PathValue("id")]) // the client may be gone
	})
	srv := &http.Server{ReadTimeout: 5 * time.Second, Handler: mux}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	return "http://" + ln.Addr().String() + "/", func() {
		_ = errors.Join(srv.Close(), <-ended) // nothing depends on how it went
	}, nil
}

package listen

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// tunnelStart is how long a tunnel may take to print its URL.
const tunnelStart = 30 * time.Second

// tunnelProgram is a program that gives this machine a public URL.
type tunnelProgram struct {
	name    string
	args    []string // before the local URL
	url     func(line string) string
	install string // what to do when it is missing
}

// tunnelPrograms are the values of --tunnel.
func tunnelPrograms() []tunnelProgram {
	return []tunnelProgram{
		// On stderr, in a box:
		//	2023-04-18T14:06:49Z INF |  https://four-dashed-words.trycloudflare.com    |
		{
			"cloudflared", []string{"tunnel", "--no-autoupdate", "--url"}, urlEnding(".trycloudflare.com"),
			"brew install cloudflared, winget install Cloudflare.cloudflared, or a package from https://github.com/cloudflare/cloudflared/releases",
		},
		// {"lvl":"info","msg":"started tunnel","addr":"http://127.0.0.1:4040","url":"https://ab12.ngrok-free.app",…}
		{
			"ngrok", []string{"http", "--log=stdout", "--log-format=json"}, ngrokURL,
			"see https://ngrok.com/download; it needs an account: ngrok config add-authtoken TOKEN",
		},
		// "Available on the internet:", an empty line, "https://host.tailnet.ts.net/"
		{
			"tailscale", []string{"funnel"}, urlEnding(".ts.net"),
			"see https://tailscale.com/download; Funnel must be allowed for the tailnet",
		},
	}
}

func tunnelNames() []string {
	var names []string
	for _, p := range tunnelPrograms() {
		names = append(names, p.name)
	}
	return names
}

// urlEnding finds an https URL whose host has this suffix, except the provider's own.
func urlEnding(domain string) func(string) string {
	return func(line string) string {
		for word := range strings.FieldsSeq(line) {
			u, err := url.Parse(word)
			if err == nil && u.Scheme == "https" && strings.HasSuffix(u.Hostname(), domain) && !strings.HasPrefix(u.Hostname(), "api.") {
				return u.Scheme + "://" + u.Host
			}
		}
		return ""
	}
}

func ngrokURL(line string) string {
	var entry struct{ Msg, URL string }
	if json.Unmarshal([]byte(line), &entry) != nil || entry.Msg != "started tunnel" {
		return ""
	}
	u, err := url.Parse(entry.URL)
	if err != nil || u.Scheme != "https" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// tunnel is a running program.
type tunnel struct {
	url   string
	end   context.CancelFunc
	ended chan struct{} // closed once it has ended and all it said was read
	err   error         // how it ended; read after ended
	last  []string      // lines that it said; read after ended
}

// startTunnel starts the program called name in front of the listener at local,
// such as http://127.0.0.1:4040, and returns when its public URL is known.
// The caller closes the tunnel.
func startTunnel(ctx context.Context, a *cli.App, name, local string) (*tunnel, error) {
	all := tunnelPrograms()
	program := all[slices.IndexFunc(all, func(p tunnelProgram) bool { return p.name == name })]
	path, err := exec.LookPath(program.name)
	if err != nil {
		return nil, cli.UsageError(fmt.Errorf("--tunnel %s: the program is not installed", name), program.install)
	}
	// The tunnel outlives ctx: requests in progress still use it.
	own, end := context.WithCancel(context.WithoutCancel(ctx))
	cmd := cli.NewChild(own, append(append([]string{path}, program.args...), local))
	cmd.Env = slices.DeleteFunc(cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "JULIAN_API_KEY=") })
	t := &tunnel{end: end, ended: make(chan struct{})}
	found := make(chan string, 1)
	if err := t.start(cmd, func(line string) {
		if public := program.url(line); public != "" {
			select {
			case found <- public:
			default: // said again
			}
		}
	}); err != nil {
		end()
		return nil, cli.Failure(fmt.Errorf("--tunnel %s: %w", name, err), "")
	}
	timer := time.NewTimer(tunnelStart)
	defer timer.Stop()
	var why error
	select {
	case t.url = <-found:
		return t, nil
	case <-t.ended:
		why = fmt.Errorf("it ended without a public URL: %w", t.err)
	case <-timer.C:
		why = fmt.Errorf("no public URL within %s", tunnelStart)
	case <-ctx.Done():
		why = ctx.Err()
	}
	t.close()
	for _, line := range t.last {
		a.Note("%s %s", a.ErrStyle.Faint(name+":"), safetext.Line(line))
	}
	return nil, cli.Failure(fmt.Errorf("--tunnel %s: %w", name, why), "")
}

// start starts cmd and calls look with every line of its output.
func (t *tunnel) start(cmd *exec.Cmd, look func(line string)) error {
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		return err
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		cli.EachLine(r, func(line string) {
			look(line)
			t.last = append(t.last[max(0, len(t.last)-4):], line)
		})
	}()
	go func() {
		defer close(t.ended)
		t.err = cmp.Or(cmd.Wait(), errors.New("exit status 0"))
		cli.EndGroup(cmd)
		w.Close()
		<-read
	}()
	return nil
}

// close ends the program and waits for it.
func (t *tunnel) close() {
	if t == nil {
		return
	}
	t.end()
	<-t.ended
}

// tunnelError is returned if a tunnel ends unexpectedly.
type tunnelError struct {
	name string
	err  error
}

func (e *tunnelError) Error() string {
	return fmt.Sprintf("--tunnel %s: the program has ended: %v", e.name, e.err)
}

// openTunnel starts the tunnel of --tunnel, if any, and prints its URL. If it ends
// unexpectedly, stop is called.
func openTunnel(ctx context.Context, a *cli.App, opts options, local string, stop context.CancelCauseFunc) (end func(), err error) {
	if opts.tunnel == "" {
		return func() {}, nil
	}
	s := a.ErrStyle
	a.Note("%s", s.Faint("starting "+opts.tunnel+" …"))
	t, err := startTunnel(ctx, a, opts.tunnel, local)
	if err != nil {
		return nil, err
	}
	a.Note("%s %s  %s", s.Good("public URL"), s.Bold(safetext.Line(t.url+opts.path)), s.Faint("paste it into Julian"))
	if len(opts.requires) == 0 {
		a.Note("%s whoever knows the URL can deliver to it; --require-header keeps others out", s.Faint("hint:"))
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-t.ended:
			stop(&tunnelError{opts.tunnel, t.err})
		case <-ctx.Done():
		}
	}()
	return func() {
		stop(nil)
		t.close()
		<-watched
	}, nil
}

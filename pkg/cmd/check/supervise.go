package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/drill"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/supervise"
	"github.com/spf13/cobra"
)

// superviseFlags say how the consumer is started, and what stands in front of
// what it uses.
type superviseFlags struct {
	exec      string
	env       []string
	readyURL  string
	through   []string
	spies     []string
	spyAnswer string
	reset     string
	steps     bool
	at        string
	sweepTime time.Duration
	values    bool
}

func (f *superviseFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.exec, "exec", "", "command that starts the endpoint, on port "+supervise.PortPlaceholder+" or $PORT; --to is then a path")
	flags.StringArrayVar(&f.env, "env", nil, "environment of the endpoint, NAME=VALUE (repeatable)")
	flags.StringVar(&f.readyURL, "ready-url", "", "path or URL that answers once the endpoint is ready (default /)")
	flags.StringArrayVar(&f.through, "through", nil, "proxy its database and the like: VAR, VAR=URL, HOSTVAR:PORTVAR or LISTEN=TARGET (repeatable)")
	flags.StringArrayVar(&f.spies, "spy", nil, "replace what the endpoint calls by a stand-in: the variable that holds its URL, or VAR=smtp for a mail server (repeatable)")
	flags.StringVar(&f.spyAnswer, "spy-answer", "200", "answer of a stand-in: STATUS, STATUS:BODY, or forward to pass requests on")
	flags.StringVar(&f.reset, "reset", "", "command to run before the endpoint starts, for instance to empty a test database")
	flags.BoolVar(&f.steps, "steps", false, "print the steps of one delivery, and end")
	flags.StringVar(&f.at, "at", "", "only this step of the crash checks: 9 is before it, 9+ after it")
	flags.DurationVar(&f.sweepTime, "sweep-time", 2*time.Minute, "time limit for each crash check")
	flags.BoolVar(&f.values, "show-values", false, "show the values in SQL statements")
}

// supervises reports whether the consumer is under control.
func (f *superviseFlags) supervises(o options) bool {
	return f.exec != "" || !o.drill.on && (o.drill.down != "" || o.drill.up != "")
}

// fromEndpoint takes what a named endpoint says of flags that were not given.
// One that --exec or --down and --up replace has no say.
func (o *options) fromEndpoint(a *cli.App, cmd *cobra.Command) error {
	i := slices.IndexFunc(a.Config.Endpoints, func(e cli.Endpoint) bool { return e.Name == a.Config.To })
	if i < 0 || o.list || o.explain != "" {
		return nil
	}
	e := a.Config.Endpoints[i]
	flags := cmd.Flags()
	if slices.ContainsFunc([]string{"exec", "down", "up"}, flags.Changed) {
		return nil
	}
	probed := flags.Changed("probe") || flags.Changed("probe-url")
	for _, s := range e.CheckSettings() {
		switch {
		case s.Values == nil, flags.Changed(s.Flag), probed && strings.HasPrefix(s.Flag, "probe"), o.drill.on && !strings.HasPrefix(s.Flag, "probe"):
			continue
		}
		if err := a.Config.AllowCheck(e); err != nil {
			return err
		}
		for _, v := range s.Values {
			if err := flags.Set(s.Flag, v); err != nil {
				return cli.UsageError(fmt.Errorf("endpoint %q: %s %q: %w", e.Name, s.Flag, v, err), "")
			}
		}
		o.fromConfig = append(o.fromConfig, s.Flag)
	}
	return nil
}

// alone refuses flags that would do nothing without --exec.
func (f *superviseFlags) alone(cmd *cobra.Command, o options) error {
	if f.supervises(o) {
		return nil
	}
	for _, name := range []string{"env", "ready-url", "through", "spy", "spy-answer", "reset", "steps", "at", "sweep-time", "show-values"} {
		if cmd.Flags().Changed(name) {
			return cli.UsageError(fmt.Errorf("--%s does nothing without --exec", name), "say how the endpoint is started: --exec 'COMMAND', with {port} for its port")
		}
	}
	return nil
}

// rerun adds the flags that start the consumer in the same way.
func (f *superviseFlags) rerun(o options, add func(name, value string)) {
	add("--down", o.drill.down)
	add("--up", o.drill.up)
	for _, list := range []struct {
		name   string
		values []string
	}{{"--env", f.env}, {"--through", f.through}, {"--spy", f.spies}} {
		for _, v := range list.values {
			add(list.name, v)
		}
	}
	if len(f.spies) > 0 && f.spyAnswer != "200" {
		add("--spy-answer", f.spyAnswer)
	}
	add("--ready-url", f.readyURL)
	add("--reset", f.reset)
}

// supervisor holds what stands around a supervised consumer. It is closed when
// the run is over.
type supervisor struct {
	a       *cli.App
	o       options
	command supervise.Command
	path    string // of the webhook
	proxies []*supervise.Proxy
	spies   []*supervise.Spy
	rec     *supervise.Recorder
	reset   []string

	mu     sync.Mutex
	url    string // of the consumer that runs now, without a path
	port   int
	probes map[int]effects.Probe
	closes []func()
}

func (s *supervisor) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.closes {
		f()
	}
}

// supervision is what --exec and the flags around it ask for. The caller closes
// the supervisor, also after an error.
func supervision(a *cli.App, o options) (s *supervisor, _ *check.Supervision, err error) {
	f := o.supervise
	s = &supervisor{a: a, o: o, rec: supervise.NewRecorder(), probes: map[int]effects.Probe{}, path: a.Config.To}
	if f.exec == "" && (o.drill.down == "" || o.drill.up == "") {
		return s, nil, cli.UsageError(errors.New("--down and --up are needed together"), "one stops the endpoint, the other one starts it and ends")
	}
	if f.exec != "" && (o.drill.down != "" || o.drill.up != "") {
		return s, nil, cli.UsageError(errors.New("use only one of --exec and --down with --up"), "--exec starts the endpoint itself; --down and --up are commands that stop and start it")
	}
	if f.sweepTime <= 0 {
		return s, nil, cli.UsageError(fmt.Errorf("invalid value for --sweep-time: %s is not a time", f.sweepTime), "give a time such as 2m")
	}
	for _, pair := range f.env {
		if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
			return s, nil, cli.UsageError(fmt.Errorf("--env %q has no name and value", pair), "write it as NAME=VALUE")
		}
	}
	s.command.Env = f.env
	for _, spec := range f.through {
		if err := s.through(spec); err != nil {
			return s, nil, err
		}
	}
	for _, name := range f.spies {
		if err := s.spy(name); err != nil {
			return s, nil, err
		}
	}
	if f.reset != "" {
		if s.reset, err = cli.SplitCommand(f.reset); err != nil {
			return s, nil, cli.UsageError(fmt.Errorf("--reset %q %w", f.reset, err), "close the quotes; no shell reads the command")
		}
	}
	at, err := parseAt(f.at)
	if err != nil {
		return s, nil, err
	}
	sup := &check.Supervision{
		Client: s.client, Recorder: s.rec, Through: s.proxies, Spies: s.spies, SweepTime: f.sweepTime, At: at, Replicas: f.exec != "",
	}
	if f.exec != "" {
		sup.Start, err = s.executed()
	} else {
		sup.Start, err = s.commanded()
	}
	return s, sup, err
}

// parseAt reads the number of a step; nil for none.
func parseAt(at string) (*check.StepAt, error) {
	if at == "" {
		return nil, nil
	}
	number, after := strings.CutSuffix(at, "+")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return nil, cli.UsageError(fmt.Errorf("--at %q is not a step", at), "9 is before step 9, 9+ after it; --steps lists them")
	}
	return &check.StepAt{Step: n, After: after}, nil
}

// defaultReady is how long a consumer may take to answer.
const defaultReady = 30 * time.Second

func (s *supervisor) readyTimeout() time.Duration {
	if s.o.readyTimeout > 0 {
		return s.o.readyTimeout
	}
	return defaultReady
}

// readyURL is what is asked until it answers.
func (s *supervisor) readyURL(base string, port int) string {
	ready := strings.ReplaceAll(s.o.supervise.readyURL, supervise.PortPlaceholder, strconv.Itoa(port))
	if strings.Contains(ready, "://") {
		return ready
	}
	return base + "/" + strings.TrimPrefix(ready, "/")
}

// executed starts the consumer by the command of --exec.
func (s *supervisor) executed() (func(context.Context) (check.Consumer, error), error) {
	f := s.o.supervise
	argv, err := cli.SplitCommand(f.exec)
	if err != nil {
		return nil, cli.UsageError(fmt.Errorf("--exec %q %w", f.exec, err), `no shell reads it: for a pipe or a variable write --exec 'sh -c "…"'`)
	}
	if name, value, ok := strings.Cut(argv[0], "="); ok && variable(name) {
		hint := "give the variable with --env NAME=VALUE"
		if rest, ok := strings.CutPrefix(strings.TrimSpace(f.exec), argv[0]+" "); ok {
			hint = fmt.Sprintf("--env %s=%s --exec %s", name, safetext.Shell(value), safetext.Shell(strings.TrimSpace(rest)))
		}
		return nil, cli.UsageError(fmt.Errorf("--exec %q begins with a variable, and no shell reads it", f.exec), hint)
	}
	if _, err := exec.LookPath(argv[0]); err != nil && s.env("PATH") == s.a.Env("PATH") {
		return nil, cli.UsageError(fmt.Errorf("--exec %q: %w", f.exec, err), "no shell reads it: give a program and its arguments; for a pipe or a variable write --exec 'sh -c \"…\"'")
	}
	if err := noShell("--exec", f.exec, argv); err != nil {
		return nil, err
	}
	if err := s.pathOnly(); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, cli.Failure(err, "")
	}
	s.command.Argv, s.command.Shim = argv, []string{self, supervise.ShimArg}
	return func(ctx context.Context) (check.Consumer, error) {
		if err := s.runReset(ctx); err != nil {
			return nil, err
		}
		instance, err := supervise.Start(s.command)
		if err != nil {
			return nil, cli.Failure(fmt.Errorf("--exec %q: %w", f.exec, err), "")
		}
		base := instance.URL("")
		if err := instance.Ready(ctx, s.readyURL(base, instance.Port), s.readyTimeout()); err != nil {
			said := instance.Output()
			elsewhere := listensElsewhere(instance)
			if killed := instance.Kill(); killed != nil {
				s.a.Note("%v", killed)
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if said != "" {
				s.a.Note("%s", s.a.ErrStyle.Faint("what the endpoint printed last:"))
				for line := range strings.Lines(lastLines(said, 20)) {
					s.a.Note("  %s", safetext.Line(strings.TrimRight(line, "\n")))
				}
			}
			if elsewhere != "" && s.o.supervise.readyURL == "" {
				return nil, cli.Failure(fmt.Errorf("--exec %q: it %s, and not on port %d, which it was given", f.exec, elsewhere, instance.Port), portHint)
			}
			return nil, cli.Failure(fmt.Errorf("--exec %q: %w", f.exec, err), s.startHint(err))
		}
		s.runs(base, instance.Port)
		return instance, nil
	}, nil
}

// variable reports whether a word is the name of an environment variable.
func variable(word string) bool {
	return word != "" && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == ""
}

// pathOnly takes the path out of what --to names: where the consumer listens is
// not the user's to say. One that would be elsewhere is refused.
func (s *supervisor) pathOnly() error {
	if s.path == "" {
		s.path = "/"
	}
	if strings.HasPrefix(s.path, "/") {
		return nil
	}
	typed := true
	for _, e := range s.a.Config.Endpoints {
		if e.Name == s.path {
			s.path, typed = e.URL, false
		}
	}
	u, err := url.Parse(s.path)
	if err != nil || u.Host == "" {
		return cli.UsageError(fmt.Errorf("--to %q is not a path", s.path), "with --exec the port is free: give the path alone, such as --to /webhook")
	}
	s.path = u.RequestURI()
	host := u.Hostname()
	ip := net.ParseIP(host)
	switch {
	case !typed:
	case host != "localhost" && (ip == nil || !ip.IsLoopback()):
		return cli.UsageError(fmt.Errorf("--to %q is elsewhere, and --exec starts the endpoint on this machine", u), fmt.Sprintf("give the path alone, --to %s; or leave --exec out", safetext.Shell(s.path)))
	default:
		s.a.Note("of --to only the path %s is used: --exec starts the endpoint on a free port", safetext.Line(s.path))
	}
	return nil
}

// startHint says what to look at where the consumer did not start.
func (s *supervisor) startHint(err error) string {
	for _, p := range s.proxies {
		if down := p.Unreachable(); down != nil {
			return fmt.Sprintf("what --through stands in front of as %q cannot be reached: %v", p.Name(), down)
		}
	}
	if errors.Is(err, supervise.ErrEnded) {
		return "what it printed says why; run the command by itself with the same environment"
	}
	return "it has to listen on 127.0.0.1 and the port in {port} or $PORT; --ready-timeout waits longer"
}

// portHint says how a consumer learns of its port.
const portHint = "write {port} into --exec where its port belongs, or have it read $PORT"

// listensElsewhere says on which other ports a consumer takes connections; ""
// where it takes them on its own, or on none, or that is not known.
func listensElsewhere(i *supervise.Instance) string {
	at := i.Listens()
	if len(at) == 0 || slices.ContainsFunc(at, func(addr string) bool { return strings.HasSuffix(addr, fmt.Sprintf(":%d", i.Port)) }) {
		return ""
	}
	return "listens on " + strings.Join(at, " and ")
}

// lastLines is the end of s.
func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// commanded starts the consumer by the command of --up, and stops it by that of
// --down.
func (s *supervisor) commanded() (func(context.Context) (check.Consumer, error), error) {
	down, err := cli.SplitCommand(s.o.drill.down)
	if err != nil {
		return nil, cli.UsageError(fmt.Errorf("--down %q %w", s.o.drill.down, err), "")
	}
	up, err := cli.SplitCommand(s.o.drill.up)
	if err != nil {
		return nil, cli.UsageError(fmt.Errorf("--up %q %w", s.o.drill.up, err), "")
	}
	t, err := s.a.ConfiguredTarget(s.o.delivery.AllowHosts)
	if err != nil {
		return nil, err
	}
	s.path = t.URL.RequestURI()
	base := t.URL.Scheme + "://" + t.URL.Host
	port := t.URL.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[t.URL.Scheme]
	}
	return func(ctx context.Context) (check.Consumer, error) {
		if err := s.runReset(ctx); err != nil {
			return nil, err
		}
		if err := drill.Command(up)(ctx); err != nil {
			return nil, cli.Failure(fmt.Errorf("--up: %w", err), "")
		}
		if err := supervise.WaitReady(ctx, s.readyURL(base, 0), s.readyTimeout(), nil); err != nil {
			return nil, cli.Failure(fmt.Errorf("after --up: %w", err), "")
		}
		s.runs(base, 0)
		return &supervise.Commanded{Down: drill.Command(down), Addr: net.JoinHostPort(t.URL.Hostname(), port)}, nil
	}, nil
}

// runReset runs --reset once, before the first start.
func (s *supervisor) runReset(ctx context.Context) error {
	argv := s.reset
	s.reset = nil
	if argv == nil {
		return nil
	}
	if err := drill.Command(argv)(ctx); err != nil {
		return cli.Failure(fmt.Errorf("--reset: %w", err), "")
	}
	return nil
}

// runs remembers where the consumer listens now.
func (s *supervisor) runs(base string, port int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url, s.port = base, port
}

// client delivers to the consumer that was started last.
func (s *supervisor) client(check.Consumer) (*deliver.Client, error) {
	s.mu.Lock()
	to := s.url + s.path
	s.mu.Unlock()
	return s.a.DeliveryClientTo(to, s.o.delivery)
}

// probe asks the consumer that was started last, where the probe names its port.
func (s *supervisor) probe(f probeFlags, allow []string) (effects.Probe, error) {
	if f.command == "" && f.url == "" {
		if f.path != "" {
			return nil, cli.UsageError(errors.New("--probe-path without a probe"), "give --probe CMD or --probe-url URL")
		}
		if len(s.spies) > 0 {
			return func(ctx context.Context, callID string) (effects.Reading, error) {
				n, err := s.spies[0].Effects(ctx, callID)
				return effects.Reading{Count: n}, err
			}, nil
		}
		return nil, nil
	}
	at := func(port int) (effects.Probe, func(), error) {
		with := f
		with.command = strings.ReplaceAll(f.command, supervise.PortPlaceholder, strconv.Itoa(port))
		with.url = strings.ReplaceAll(f.url, supervise.PortPlaceholder, strconv.Itoa(port))
		return newProbe(s.a, with, allow)
	}
	_, done, err := at(1) // what is wrong with it is said before anything starts
	if err != nil {
		return nil, err
	}
	done()
	return func(ctx context.Context, callID string) (effects.Reading, error) {
		s.mu.Lock()
		probe := s.probes[s.port]
		if probe == nil {
			made, done, err := at(s.port)
			if err != nil {
				s.mu.Unlock()
				return effects.Reading{}, err
			}
			probe = made
			s.probes[s.port] = probe
			s.closes = append(s.closes, done)
		}
		s.mu.Unlock()
		return probe(ctx, callID)
	}, nil
}

// schemePorts are the ports of what is commonly used.
var schemePorts = map[string]string{
	"postgres": "5432", "postgresql": "5432", "redis": "6379", "http": "80", "mysql": "3306", "mariadb": "3306",
	"mongodb": "27017", "amqp": "5672", "nats": "4222", "memcached": "11211",
}

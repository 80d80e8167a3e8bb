package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
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
	flags.StringVar(&f.exec, "exec", "", "command that starts the endpoint; "+supervise.PortPlaceholder+" and $PORT are its port, --to is the path")
	flags.StringArrayVar(&f.env, "env", nil, "environment of the endpoint, NAME=VALUE (repeatable)")
	flags.StringVar(&f.readyURL, "ready-url", "", "path or URL that answers once the endpoint is ready (default /)")
	flags.StringArrayVar(&f.through, "through", nil, "stand in front of what the endpoint uses: VAR, VAR=URL, HOSTVAR:PORTVAR or LISTEN=TARGET (repeatable)")
	flags.StringArrayVar(&f.spies, "spy", nil, "stand in for what the endpoint calls over HTTP: the variable that holds its URL (repeatable)")
	flags.StringVar(&f.spyAnswer, "spy-answer", "200", "what a stand-in answers: STATUS, STATUS:BODY, or forward to pass requests on")
	flags.StringVar(&f.reset, "reset", "", "command to run before the endpoint is started, such as one that empties a test database")
	flags.BoolVar(&f.steps, "steps", false, "print the steps that one delivery takes, and end")
	flags.StringVar(&f.at, "at", "", "only this step of the crash checks: 9 is before it, 9+ after it")
	flags.DurationVar(&f.sweepTime, "sweep-time", 2*time.Minute, "how long one of the crash checks may try steps")
	flags.BoolVar(&f.values, "show-values", false, "show the values in statements")
}

// supervises reports whether the consumer is under control.
func (f *superviseFlags) supervises(o checkOptions) bool {
	return f.exec != "" || !o.drill.on && (o.drill.down != "" || o.drill.up != "")
}

// alone refuses flags that would do nothing without --exec.
func (f *superviseFlags) alone(cmd *cobra.Command, o checkOptions) error {
	if f.supervises(o) {
		return nil
	}
	for _, name := range []string{"env", "ready-url", "through", "spy", "spy-answer", "reset", "steps", "at", "sweep-time", "show-values"} {
		if cmd.Flags().Changed(name) {
			return usage(fmt.Errorf("--%s does nothing without --exec", name), "say how the endpoint is started: --exec 'COMMAND', with {port} for its port")
		}
	}
	return nil
}

// rerun adds the flags that start the consumer in the same way.
func (f *superviseFlags) rerun(o checkOptions, add func(name, value string)) {
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
	a       *app
	o       checkOptions
	command supervise.Command
	path    string // of the webhook
	proxies []*supervise.Proxy
	spies   []*supervise.Spy
	rec     *supervise.Recorder
	reset   []string

	mu     sync.Mutex
	url    string // of the consumer that runs now, without a path
	port   int
	probes map[int]check.Probe
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
func (a *app) supervision(o checkOptions) (s *supervisor, _ *check.Supervision, err error) {
	f := o.supervise
	s = &supervisor{a: a, o: o, rec: supervise.NewRecorder(), probes: map[int]check.Probe{}, path: a.cfg.To}
	if f.exec == "" && (o.drill.down == "" || o.drill.up == "") {
		return s, nil, usage(errors.New("--down and --up go together"), "one stops the endpoint, the other one starts it and ends")
	}
	if f.exec != "" && (o.drill.down != "" || o.drill.up != "") {
		return s, nil, usage(errors.New("use only one of --exec and --down with --up"), "")
	}
	if f.sweepTime <= 0 {
		return s, nil, usage(fmt.Errorf("invalid value for --sweep-time: %s is no time", f.sweepTime), "")
	}
	for _, pair := range f.env {
		if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
			return s, nil, usage(fmt.Errorf("--env %q has no name and value", pair), "write it as NAME=VALUE")
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
		if s.reset, err = splitCommand(f.reset); err != nil {
			return s, nil, usage(fmt.Errorf("--reset %q %w", f.reset, err), "")
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
		return nil, usage(fmt.Errorf("--at %q is no step", at), "9 is before step 9, 9+ after it; --steps lists them")
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
	argv, err := splitCommand(f.exec)
	if err != nil {
		return nil, usage(fmt.Errorf("--exec %q %w", f.exec, err), `no shell reads it: for a pipe or a variable write --exec 'sh -c "…"'`)
	}
	if s.path == "" {
		s.path = "/"
	}
	if !strings.HasPrefix(s.path, "/") {
		u, err := url.Parse(s.path)
		if err != nil || u.Host == "" {
			return nil, usage(fmt.Errorf("--to %q is no path", s.path), "with --exec the port is free: give the path alone, such as --to /webhook")
		}
		s.path = u.RequestURI()
	}
	self, err := os.Executable()
	if err != nil {
		return nil, unable(err, "")
	}
	s.command.Argv, s.command.Shim = argv, []string{self, supervise.ShimArg}
	return func(ctx context.Context) (check.Consumer, error) {
		if err := s.runReset(ctx); err != nil {
			return nil, err
		}
		instance, err := supervise.Start(s.command)
		if err != nil {
			return nil, unable(fmt.Errorf("--exec %q: %w", f.exec, err), "")
		}
		base := instance.URL("")
		if err := instance.Ready(ctx, s.readyURL(base, instance.Port), s.readyTimeout()); err != nil {
			said := instance.Output()
			if killed := instance.Kill(); killed != nil {
				s.a.note("%v", killed)
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if said != "" {
				s.a.note("%s", s.a.errStyle.faint("the end of what it printed:"))
				for line := range strings.Lines(lastLines(said, 20)) {
					s.a.note("  %s", safetext.Line(strings.TrimRight(line, "\n")))
				}
			}
			return nil, unable(fmt.Errorf("--exec %q: %w", f.exec, err), "it has to listen on 127.0.0.1 and the port in {port} or $PORT; --ready-timeout waits longer")
		}
		s.runs(base, instance.Port)
		return instance, nil
	}, nil
}

// lastLines is the end of s.
func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// commanded starts the consumer by the command of --up, and stops it by that of
// --down.
func (s *supervisor) commanded() (func(context.Context) (check.Consumer, error), error) {
	down, err := splitCommand(s.o.drill.down)
	if err != nil {
		return nil, usage(fmt.Errorf("--down %q %w", s.o.drill.down, err), "")
	}
	up, err := splitCommand(s.o.drill.up)
	if err != nil {
		return nil, usage(fmt.Errorf("--up %q %w", s.o.drill.up, err), "")
	}
	t, err := s.a.configuredTarget(s.o.delivery.allowHosts)
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
		if err := check.Command(up)(ctx); err != nil {
			return nil, unable(fmt.Errorf("--up: %w", err), "")
		}
		if err := supervise.WaitReady(ctx, s.readyURL(base, 0), s.readyTimeout(), nil); err != nil {
			return nil, unable(fmt.Errorf("after --up: %w", err), "")
		}
		s.runs(base, 0)
		return &supervise.Commanded{Down: check.Command(down), Addr: net.JoinHostPort(t.URL.Hostname(), port)}, nil
	}, nil
}

// runReset runs --reset once, before the first start.
func (s *supervisor) runReset(ctx context.Context) error {
	argv := s.reset
	s.reset = nil
	if argv == nil {
		return nil
	}
	if err := check.Command(argv)(ctx); err != nil {
		return unable(fmt.Errorf("--reset: %w", err), "")
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
	return s.a.deliveryClientTo(to, s.o.delivery)
}

// probe asks the consumer that was started last, where the probe names its port.
func (s *supervisor) probe(f probeFlags, allow []string) (check.Probe, error) {
	if f.command == "" && f.url == "" {
		if f.path != "" {
			return nil, usage(errors.New("--probe-path without a probe"), "give --probe CMD or --probe-url URL")
		}
		if len(s.spies) > 0 {
			return func(ctx context.Context, callID string) (check.Reading, error) {
				n, err := s.spies[0].Effects(ctx, callID)
				return check.Reading{Count: n}, err
			}, nil
		}
		return nil, nil
	}
	at := func(port int) (check.Probe, func(), error) {
		with := f
		with.command = strings.ReplaceAll(f.command, supervise.PortPlaceholder, strconv.Itoa(port))
		with.url = strings.ReplaceAll(f.url, supervise.PortPlaceholder, strconv.Itoa(port))
		return s.a.probe(with, allow)
	}
	_, done, err := at(1) // what is wrong with it is said before anything starts
	if err != nil {
		return nil, err
	}
	done()
	return func(ctx context.Context, callID string) (check.Reading, error) {
		s.mu.Lock()
		probe := s.probes[s.port]
		if probe == nil {
			made, done, err := at(s.port)
			if err != nil {
				s.mu.Unlock()
				return check.Reading{}, err
			}
			probe = made
			s.probes[s.port] = probe
			s.closes = append(s.closes, done)
		}
		s.mu.Unlock()
		return probe(ctx, callID)
	}, nil
}

// through puts a proxy in front of what spec names, and tells the consumer of
// it.
func (s *supervisor) through(spec string) error {
	bad := func(why string) error {
		return usage(fmt.Errorf("--through %q %s", spec, why), "write VAR, VAR=URL, HOSTVAR:PORTVAR or LISTEN=TARGET, such as DATABASE_URL or 127.0.0.1:15432=127.0.0.1:5432")
	}
	left, right, given := strings.Cut(spec, "=")
	switch {
	case given && strings.Contains(left, ":"):
		target, err := hostPort(right, "")
		if err != nil {
			return bad(err.Error())
		}
		_, err = s.proxy(serviceName(target), left, target)
		return err
	case !given && strings.Contains(left, ":"):
		hostVar, portVar, _ := strings.Cut(left, ":")
		target, err := hostPort(net.JoinHostPort(s.a.env(hostVar), s.a.env(portVar)), "")
		if err != nil {
			return bad(fmt.Sprintf("does not name a host and a port: %s is %q, %s is %q", hostVar, s.a.env(hostVar), portVar, s.a.env(portVar)))
		}
		p, err := s.proxy(variableName(hostVar), "127.0.0.1:0", target)
		if err != nil {
			return err
		}
		host, port, err := net.SplitHostPort(p.Addr())
		if err != nil {
			return err
		}
		s.command.Env = append(s.command.Env, hostVar+"="+host, portVar+"="+port)
		return nil
	}
	value := right
	if !given {
		if value = s.a.env(left); value == "" {
			return usage(fmt.Errorf("--through %q: the environment has no %s", spec, left), fmt.Sprintf("set it, or write --through %s=URL", left))
		}
	}
	target, put, err := throughURL(value)
	if err != nil {
		return usage(fmt.Errorf("--through %s: %w", left, err), "")
	}
	p, err := s.proxy(variableName(left), "127.0.0.1:0", target)
	if err != nil {
		return err
	}
	changed, told := put(p.Addr())
	if told != "" {
		s.a.note("%s: %s", left, told)
	}
	s.command.Env = append(s.command.Env, left+"="+changed)
	return nil
}

// proxy listens on addr in front of target, which passes the guard of all
// targets.
func (s *supervisor) proxy(name, addr, target string) (*supervise.Proxy, error) {
	if _, err := s.a.target("http://"+target, s.o.delivery.allowHosts); err != nil {
		return nil, err
	}
	p, err := supervise.NewProxy(name, addr, target, s.rec)
	if err != nil {
		return nil, unable(fmt.Errorf("--through: %w", err), "")
	}
	s.proxies = append(s.proxies, p)
	s.closes = append(s.closes, p.Close)
	return p, nil
}

// spy starts a stand-in for what a variable names.
func (s *supervisor) spy(variable string) error {
	answer, forward, err := parseSpyAnswer(s.o.supervise.spyAnswer)
	if err != nil {
		return err
	}
	var onward *url.URL
	path := ""
	if value := s.a.env(variable); value != "" {
		u, err := url.Parse(value)
		if err != nil || u.Host == "" {
			return usage(fmt.Errorf("--spy %s: %q is no URL", variable, withoutPassword(value)), "")
		}
		path = u.RequestURI()
		if u.Path == "" {
			path = ""
		}
		onward = &url.URL{Scheme: u.Scheme, Host: u.Host}
	}
	if !forward {
		onward = nil
	} else if onward == nil {
		return usage(fmt.Errorf("--spy-answer forward: the environment has no %s to pass requests on to", variable), "")
	} else if _, err := s.a.target(onward.String(), s.o.delivery.allowHosts); err != nil {
		return err
	}
	spy, err := supervise.NewSpy(variableName(variable), answer, onward, s.rec)
	if err != nil {
		return unable(fmt.Errorf("--spy %s: %w", variable, err), "")
	}
	s.spies = append(s.spies, spy)
	s.closes = append(s.closes, func() { _ = spy.Close() }) // nothing is left to lose
	s.command.Env = append(s.command.Env, variable+"="+spy.URL()+path)
	return nil
}

func parseSpyAnswer(s string) (answer supervise.SpyAnswer, forward bool, err error) {
	if s == "forward" {
		return answer, true, nil
	}
	status, body, _ := strings.Cut(s, ":")
	answer.Body = body
	answer.Status, err = strconv.Atoi(status)
	if err != nil || answer.Status < 200 || answer.Status > 599 {
		return answer, false, usage(fmt.Errorf("--spy-answer %q is no answer", s), "write a status such as 200, 201:{\"id\":1}, or forward")
	}
	return answer, false, nil
}

// schemePorts are the ports of what is commonly used.
var schemePorts = map[string]string{
	"postgres": "5432", "postgresql": "5432", "redis": "6379", "http": "80", "mysql": "3306", "mariadb": "3306",
	"mongodb": "27017", "amqp": "5672", "nats": "4222", "memcached": "11211",
}

// throughURL finds the host and port in a URL or in a PostgreSQL connection
// string. Put writes another address in their place, and says what else it had
// to change.
func throughURL(value string) (target string, put func(addr string) (changed, told string), err error) {
	if !strings.Contains(value, "://") {
		return throughDSN(value)
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return "", nil, errors.New("is no URL with a host")
	}
	scheme, _, _ := strings.Cut(u.Scheme, "+") // postgresql+psycopg
	switch scheme {
	case "rediss", "https", "amqps", "mongodb+srv":
		return "", nil, fmt.Errorf("%s:// is encrypted, and nothing can stand in between", u.Scheme)
	}
	if target, err = hostPort(u.Host, schemePorts[scheme]); err != nil {
		return "", nil, err
	}
	return target, func(addr string) (changed, told string) {
		with := *u
		with.Host = addr
		query := with.Query()
		if mode := query.Get("sslmode"); mode != "" && mode != "disable" && mode != "allow" && mode != "prefer" {
			query.Set("sslmode", "disable")
			with.RawQuery = query.Encode()
			told = fmt.Sprintf("sslmode=%s became disable on the way to the proxy", mode)
		}
		return with.String(), told
	}, nil
}

// throughDSN reads "host=… port=… dbname=…".
func throughDSN(value string) (target string, put func(addr string) (changed, told string), err error) {
	host, port := "", schemePorts["postgres"]
	fields := strings.Fields(value)
	for _, f := range fields {
		if v, ok := strings.CutPrefix(f, "host="); ok {
			host = v
		}
		if v, ok := strings.CutPrefix(f, "port="); ok {
			port = v
		}
	}
	if host == "" {
		return "", nil, errors.New("is neither a URL nor a connection string with host=")
	}
	if filepath.IsAbs(host) {
		return "", nil, errors.New("names a socket; give the host and port")
	}
	if target, err = hostPort(net.JoinHostPort(host, port), ""); err != nil {
		return "", nil, err
	}
	return target, func(addr string) (changed, told string) {
		h, p, err := net.SplitHostPort(addr)
		if err != nil {
			return value, err.Error()
		}
		out := []string{"host=" + h, "port=" + p}
		for _, f := range fields {
			switch {
			case strings.HasPrefix(f, "host="), strings.HasPrefix(f, "port="):
			case strings.HasPrefix(f, "sslmode="):
				out = append(out, "sslmode=disable")
			default:
				out = append(out, f)
			}
		}
		return strings.Join(out, " "), ""
	}, nil
}

// hostPort is an address with its port, or with the usual one.
func hostPort(address, usual string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), usual
	}
	if host == "" || port == "" {
		return "", fmt.Errorf("%q has no host and port", address)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// variableName is what stands for a variable in what is shown: DATABASE_URL is
// "database".
func variableName(variable string) string {
	name := strings.ToLower(variable)
	for _, suffix := range []string{"_url", "_uri", "_dsn", "_host", "_addr", "_base_url"} {
		name = strings.TrimSuffix(name, suffix)
	}
	if name == "" {
		return "target"
	}
	return safetext.Line(name)
}

// serviceName is what usually listens on the port of an address.
func serviceName(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	for _, name := range []string{"postgres", "redis", "mysql", "mongodb", "amqp", "http"} {
		if schemePorts[name] == port {
			return name
		}
	}
	return "target"
}

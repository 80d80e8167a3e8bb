package check

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/supervise"
)

// through puts a proxy in front of what spec names, and tells the consumer of
// it.
func (s *supervisor) through(spec string) error {
	bad := func(why string) error {
		return cli.UsageError(fmt.Errorf("--through %q %s", spec, why), "write VAR, VAR=URL, HOSTVAR:PORTVAR or LISTEN=TARGET, such as DATABASE_URL or 127.0.0.1:15432=127.0.0.1:5432")
	}
	if err := nameNotValue("--through", spec); err != nil {
		return err
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
		target, err := hostPort(net.JoinHostPort(s.env(hostVar), s.env(portVar)), "")
		if err != nil {
			return bad(fmt.Sprintf("does not name a host and a port: %s is %q, %s is %q", hostVar, s.env(hostVar), portVar, s.env(portVar)))
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
		if value = s.env(left); value == "" {
			return cli.UsageError(fmt.Errorf("--through %q: the environment has no %s", spec, left), s.nearVariable(left, fmt.Sprintf("set it, or write --through %s=URL", left)))
		}
	}
	target, put, err := throughURL(value)
	if err != nil {
		return cli.UsageError(fmt.Errorf("--through %s: %w", left, err), throughHint(left))
	}
	p, err := s.proxy(variableName(left), "127.0.0.1:0", target)
	if err != nil {
		return err
	}
	changed, note := put(p.Addr())
	if note != "" {
		s.a.Note("%s: %s", left, note)
	}
	s.command.Env = append(s.command.Env, left+"="+changed)
	return nil
}

func throughHint(variable string) string {
	return fmt.Sprintf("give it an address without TLS, such as --through %s=postgres://127.0.0.1:5432/test; --spy %[1]s stands in for a service over HTTP", variable)
}

// env is a variable as the consumer would have it.
func (s *supervisor) env(name string) string {
	for _, pair := range slices.Backward(s.o.supervise.env) {
		if n, value, _ := strings.Cut(pair, "="); n == name {
			return value
		}
	}
	return s.a.Env(name)
}

// nearVariable is a hint at a variable of the consumer that has nearly this name.
func (s *supervisor) nearVariable(name, otherwise string) string {
	var names []string
	for _, pair := range append(new(exec.Cmd).Environ(), s.o.supervise.env...) {
		known, _, _ := strings.Cut(pair, "=")
		names = append(names, known)
	}
	return cli.DidYouMean(name, names, otherwise)
}

// proxy listens on addr in front of target, which passes the guard of all
// targets.
func (s *supervisor) proxy(name, addr, target string) (*supervise.Proxy, error) {
	if _, err := s.a.Target("http://"+target, s.o.delivery.AllowHosts); err != nil {
		host, _, _ := net.SplitHostPort(target)
		return nil, cli.UsageError(fmt.Errorf("--through %s: %w", name, err), fmt.Sprintf("use a test database on this machine; --allow-host %s allows another one", host))
	}
	p, err := supervise.NewProxy(name, addr, target, s.rec)
	if err != nil {
		return nil, cli.Failure(fmt.Errorf("--through: %w", err), "")
	}
	s.proxies = append(s.proxies, p)
	s.closes = append(s.closes, p.Close)
	return p, nil
}

// spy starts a stand-in for what a variable names.
func (s *supervisor) spy(spec string) error {
	if err := nameNotValue("--spy", spec); err != nil {
		return err
	}
	if variable, kind, ok := strings.Cut(spec, "="); ok {
		if kind != "smtp" {
			return cli.UsageError(fmt.Errorf("--spy %q: there is no stand-in %q", spec, kind), "write VAR for a service over HTTP, VAR=smtp for a mail server")
		}
		return s.mailSpy(variable)
	}
	variable := spec
	answer, forward, err := parseSpyAnswer(s.o.supervise.spyAnswer)
	if err != nil {
		return err
	}
	var onward *url.URL
	path := ""
	value := s.env(variable)
	if hint := s.nearVariable(variable, ""); value == "" && hint != "" {
		s.a.Hint("--spy %s: the environment has no %[1]s; %s", variable, hint)
	}
	if value != "" {
		u, err := url.Parse(value)
		if err != nil || u.Host == "" {
			return cli.UsageError(fmt.Errorf("--spy %s: %q is not a URL", variable, cli.WithoutPassword(value)), "the variable holds the URL of what is called over HTTP, or nothing")
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
		return cli.UsageError(fmt.Errorf("--spy-answer forward: the environment has no %s to pass requests on to", variable), fmt.Sprintf("set %s, or leave --spy-answer out: the stand-in answers 200", variable))
	} else if _, err := s.a.Target(onward.String(), s.o.delivery.AllowHosts); err != nil {
		return err
	}
	spy, err := supervise.NewSpy(variableName(variable), answer, onward, s.rec)
	if err != nil {
		return cli.Failure(fmt.Errorf("--spy %s: %w", variable, err), "")
	}
	s.spies = append(s.spies, spy)
	s.closes = append(s.closes, func() { _ = spy.Close() }) // nothing is left to lose
	s.command.Env = append(s.command.Env, variable+"=http://"+spy.Addr()+path)
	return nil
}

// mailSpy starts a stand-in for a mail server. Its variable holds a URL with smtp,
// or host and port; HOSTVAR:PORTVAR are two.
func (s *supervisor) mailSpy(variable string) error {
	hostVar, portVar, two := strings.Cut(variable, ":")
	value := s.env(hostVar)
	scheme, rest, isURL := strings.Cut(value, "://")
	if isURL && scheme != "smtp" {
		return cli.UsageError(fmt.Errorf("--spy %s=smtp: %q is not a URL with smtp", variable, cli.WithoutPassword(value)), "a stand-in has no TLS: set it to smtp://127.0.0.1, or to HOST:PORT")
	}
	spy, err := supervise.NewMailSpy(variableName(hostVar), s.rec)
	if err != nil {
		return cli.Failure(fmt.Errorf("--spy %s=smtp: %w", variable, err), "")
	}
	s.spies = append(s.spies, spy)
	s.closes = append(s.closes, func() { _ = spy.Close() }) // nothing is left to lose
	host, port, err := net.SplitHostPort(spy.Addr())
	switch {
	case err != nil:
		return err
	case two:
		s.command.Env = append(s.command.Env, hostVar+"="+host, portVar+"="+port)
	case isURL:
		user := ""
		if name, _, ok := strings.Cut(rest, "@"); ok {
			user = name + "@"
		}
		s.command.Env = append(s.command.Env, hostVar+"=smtp://"+user+spy.Addr())
	default:
		s.command.Env = append(s.command.Env, hostVar+"="+spy.Addr())
	}
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
		return answer, false, cli.UsageError(fmt.Errorf("--spy-answer %q is not an answer", s), "write a status such as 200, 201:{\"id\":1}, or forward")
	}
	return answer, false, nil
}

// throughURL finds the host and port in a URL or in a PostgreSQL connection
// string. Put writes another address in their place, and says what else it had
// to change.
func throughURL(value string) (target string, put func(addr string) (changed, note string), err error) {
	if !strings.Contains(value, "://") {
		return throughDSN(value)
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return "", nil, errors.New("is not a URL with a host")
	}
	scheme, _, _ := strings.Cut(u.Scheme, "+") // postgresql+psycopg
	switch scheme {
	case "rediss", "https", "amqps", "mongodb+srv":
		return "", nil, fmt.Errorf("%s:// is encrypted, and nothing can stand in between", u.Scheme)
	}
	if target, err = hostPort(u.Host, schemePorts[scheme]); err != nil {
		return "", nil, err
	}
	return target, func(addr string) (changed, note string) {
		with := *u
		with.Host = addr
		query := with.Query()
		if mode := query.Get("sslmode"); mode != "" && mode != "disable" && mode != "allow" && mode != "prefer" {
			query.Set("sslmode", "disable")
			with.RawQuery = query.Encode()
			note = fmt.Sprintf("sslmode=%s became disable on the way to the proxy", mode)
		}
		return with.String(), note
	}, nil
}

// throughDSN reads "host=… port=… dbname=…".
func throughDSN(value string) (target string, put func(addr string) (changed, note string), err error) {
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
	return target, func(addr string) (changed, note string) {
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
	for _, suffix := range []string{"_url", "_uri", "_dsn", "_host", "_addr", "_server", "_base_url"} {
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

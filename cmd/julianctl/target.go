package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/spelling"
	"github.com/spf13/cobra"
)

// deliveryFlags are the flags of every command that delivers. --to and
// --timeout are settings: their values are in app.cfg.
type deliveryFlags struct {
	headers    []string // "Name: value"
	allowHosts []string
	insecure   bool
	caCert     string

	connectTimeout   time.Duration // 0: the client's own
	firstByteTimeout time.Duration // 0: the whole time-out
	// defaultTimeout stands in place of the default of --timeout; 0: that default.
	defaultTimeout time.Duration
}

func (f *deliveryFlags) declare(cmd *cobra.Command) {
	configFlag(cmd, "to")
	configFlag(cmd, "timeout")
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "header to send, 'Name: value' (repeatable)")
	flags.StringArrayVar(&f.allowHosts, "allow-host", nil, "host that may be reached beside this machine (repeatable)")
	flags.BoolVar(&f.insecure, "insecure", false, "accept any TLS certificate")
	flags.StringVar(&f.caCert, "cacert", "", "file of PEM certificates to trust")
}

// deliveryClient is a client for the configured endpoint, behind the guard. The
// caller closes it.
func (a *app) deliveryClient(f deliveryFlags) (*deliver.Client, error) {
	t, err := a.configuredTarget(f.allowHosts)
	if err != nil {
		return nil, err
	}
	return a.clientTo(t, f)
}

// deliveryClientTo is a client for an endpoint that was started here.
func (a *app) deliveryClientTo(to string, f deliveryFlags) (*deliver.Client, error) {
	t, err := a.target(to, f.allowHosts)
	if err != nil {
		return nil, err
	}
	return a.clientTo(t, f)
}

func (a *app) clientTo(t target, f deliveryFlags) (_ *deliver.Client, err error) {
	opts := deliver.Options{
		UserAgent: "julianctl/" + versionNumber(), Insecure: f.insecure,
		Timeout: t.Timeout, ConnectTimeout: f.connectTimeout, FirstByteTimeout: f.firstByteTimeout,
	}
	if f.defaultTimeout > 0 && !t.timeoutGiven {
		opts.Timeout = f.defaultTimeout
	}
	if opts.Header, err = parseHeaders(t.Headers, f.headers); err != nil {
		return nil, err
	}
	a.keepSecret(opts.Header)
	if f.caCert != "" {
		pem, err := os.ReadFile(f.caCert)
		if err != nil {
			return nil, unable(fmt.Errorf("--cacert: %w", err), "")
		}
		opts.RootCAs = x509.NewCertPool()
		if !opts.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usage(fmt.Errorf("--cacert %q holds no PEM certificate", f.caCert), "")
		}
	}
	client, err := deliver.New(t.Guarded, opts)
	if err != nil {
		return nil, usage(err, "")
	}
	return client, nil
}

// parseHeaders reads "Name: value" lines; those of the command line replace
// the endpoint's of the same name.
func parseHeaders(endpoint, flags []string) (deliver.Header, error) {
	read := func(lines []string) (deliver.Header, error) {
		var h deliver.Header
		for _, line := range lines {
			field, err := deliver.ParseField(line)
			if err != nil {
				return nil, usage(err, "write it as 'Name: value'")
			}
			h = append(h, field)
		}
		return h, nil
	}
	base, err := read(endpoint)
	if err != nil {
		return nil, err
	}
	top, err := read(flags)
	if err != nil {
		return nil, err
	}
	return base.Override(top), nil
}

// target is where deliveries go: a URL as it was given, or a named endpoint.
type target struct {
	URL     *url.URL
	Guarded deliver.Target // URL, once the guard has passed it
	Headers []string       // "Name: value", of the named endpoint
	Timeout time.Duration
	// timeoutGiven: Timeout is no default.
	timeoutGiven bool
}

// configuredTarget is that of --to, which a file may have set.
func (a *app) configuredTarget(allow []string) (target, error) {
	return a.resolveTarget(a.cfg.To, allow, "to")
}

// target resolves what a flag gives: a URL, or a name from the configuration.
// Beside loopback, the hosts of --allow-host may be reached, and that of a
// named endpoint.
func (a *app) target(to string, allow []string) (target, error) {
	return a.resolveTarget(to, allow)
}

// resolveTarget also asks whether the settings that to comes from may decide
// where deliveries go.
func (a *app) resolveTarget(to string, allow []string, settings ...string) (target, error) {
	if to == "" {
		return target{}, usage(fmt.Errorf("no endpoint to deliver to"), "say where: --to http://127.0.0.1:4040/ or a name from the configuration")
	}
	t := target{Timeout: a.cfg.Timeout, timeoutGiven: a.cfg.origin["timeout"] != originDefault}
	raw := to
	if !strings.Contains(to, "://") {
		e, err := a.namedEndpoint(to)
		if err != nil {
			return target{}, err
		}
		raw, t.Headers = e.URL, e.Headers
		if e.Timeout > 0 && !strings.HasPrefix(a.cfg.origin["timeout"], "flag") {
			t.Timeout, t.timeoutGiven = e.Timeout, true
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return target{}, usage(fmt.Errorf("endpoint %q is no URL", withoutPassword(raw)), "write it whole: http://127.0.0.1:4040/webhook")
	}
	t.URL = u
	t.Guarded, err = deliver.Guard{Allow: allow}.Target(u)
	if err != nil && raw != to { // the name allows its host
		t.Guarded, err = deliver.Guard{Allow: append(slices.Clone(allow), u.Hostname())}.Target(u)
		settings = append(settings, "endpoints")
		for _, key := range settings {
			if err != nil {
				break
			}
			err = a.allowHost(key, raw, u.Hostname())
		}
	}
	if err == nil {
		return t, nil
	}
	if refused, ok := errors.AsType[*deliver.TargetError](err); ok {
		err = usage(refused, refused.Hint)
	}
	return target{}, err
}

// allowHost is allow for a URL, whose host can be allowed by itself.
func (a *app) allowHost(key, raw, host string) error {
	err := a.cfg.allow(key, raw)
	if f, ok := errors.AsType[*fault](err); ok {
		f.hint += fmt.Sprintf("; --allow-host %s allows the host for one run", host)
	}
	return err
}

func (a *app) namedEndpoint(name string) (endpoint, error) {
	var names []string
	for _, e := range a.cfg.Endpoints {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	if strings.ContainsAny(name, ":/") || spelling.Nearest(name, names) == "" && (name == "localhost" || strings.Contains(name, ".")) {
		return endpoint{}, usage(fmt.Errorf("endpoint %q has no scheme", name), fmt.Sprintf("did you mean %q?", "http://"+name))
	}
	otherwise := "the configuration names no endpoints; give a URL such as http://127.0.0.1:4040/"
	if names != nil {
		otherwise = "named endpoints are " + strings.Join(names, ", ")
	}
	return endpoint{}, usage(fmt.Errorf("endpoint %q is not in the configuration", name), didYouMean(name, names, otherwise))
}

// withoutPassword is a URL, even one that cannot be parsed, without what may be
// a user name and password before its host.
func withoutPassword(raw string) string {
	scheme, rest, found := strings.Cut(raw, "://")
	if at := strings.LastIndexByte(rest, '@'); found && at >= 0 {
		return scheme + "://***" + rest[at:]
	}
	return raw
}

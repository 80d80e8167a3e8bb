package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// deliveryFlags are the flags of every command that delivers. --to and
// --timeout are settings: their values are in app.cfg.
type deliveryFlags struct {
	headers    []string // "Name: value"
	allowHosts []string
	insecure   bool
	caCert     string
}

func (f *deliveryFlags) declare(cmd *cobra.Command) {
	configFlag(cmd, "to", "")
	configFlag(cmd, "timeout", "")
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "header to send, 'Name: value' (repeatable)")
	flags.StringArrayVar(&f.allowHosts, "allow-host", nil, "host that may be reached beside this machine (repeatable)")
	flags.BoolVar(&f.insecure, "insecure", false, "accept any TLS certificate")
	flags.StringVar(&f.caCert, "cacert", "", "file of PEM certificates to trust")
}

// target is where deliveries go: a URL as it was given, or a named endpoint.
type target struct {
	URL     *url.URL
	Headers []string // "Name: value", of the named endpoint
	Timeout time.Duration
	// AllowHosts are the hosts that may be reached beside loopback: those of
	// --allow-host, and that of a named endpoint.
	AllowHosts []string
}

// target resolves --to (or the configured one): a URL, or a name from the
// configuration. Whether the host may be reached is the guard's business.
func (a *app) target(to string, allow []string) (target, error) {
	if to == "" {
		return target{}, usage(fmt.Errorf("no endpoint to deliver to"), "say where: --to http://127.0.0.1:4040/ or a name from the configuration")
	}
	t := target{Timeout: a.cfg.Timeout, AllowHosts: slices.Clone(allow)}
	raw := to
	if !strings.Contains(to, "://") {
		e, err := a.namedEndpoint(to)
		if err != nil {
			return target{}, err
		}
		raw, t.Headers = e.URL, e.Headers
		if e.Timeout > 0 && !strings.HasPrefix(a.cfg.origin["timeout"], "flag") {
			t.Timeout = e.Timeout
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return target{}, usage(fmt.Errorf("endpoint %q is no URL", raw), "write it whole: http://127.0.0.1:4040/webhook")
	}
	t.URL = u
	if raw != to {
		t.AllowHosts = append(t.AllowHosts, u.Hostname())
	}
	return t, nil
}

func (a *app) namedEndpoint(name string) (endpoint, error) {
	var names []string
	for _, e := range a.cfg.Endpoints {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	if strings.ContainsAny(name, ":/") {
		return endpoint{}, usage(fmt.Errorf("endpoint %q has no scheme", name), fmt.Sprintf("did you mean %q?", "http://"+name))
	}
	otherwise := "the configuration names no endpoints; give a URL such as http://127.0.0.1:4040/"
	if names != nil {
		otherwise = "named endpoints are " + strings.Join(names, ", ")
	}
	return endpoint{}, usage(fmt.Errorf("endpoint %q is not in the configuration", name), didYouMean(name, names, otherwise))
}

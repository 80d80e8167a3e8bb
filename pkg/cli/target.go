package cli

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

// DeliveryFlags are the flags of every command that delivers. --to and
// --timeout are settings: their values are in App.Config.
type DeliveryFlags struct {
	Headers    []string // "Name: value"
	AllowHosts []string
	Insecure   bool
	CaCert     string

	ConnectTimeout   time.Duration // 0: the client's own
	FirstByteTimeout time.Duration // 0: the whole time-out
	// DefaultTimeout stands in place of the default of --timeout; 0: that default.
	DefaultTimeout time.Duration
	// MaxExcerpt is how many bytes of an answer's body are kept; 0: the client's
	// own default.
	MaxExcerpt int
}

// Declare declares the flags.
func (f *DeliveryFlags) Declare(cmd *cobra.Command) {
	ConfigFlag(cmd, "to")
	f.DeclareWithoutTo(cmd)
}

// DeclareWithoutTo declares the flags of a command whose endpoint has another one.
func (f *DeliveryFlags) DeclareWithoutTo(cmd *cobra.Command) {
	ConfigFlag(cmd, "timeout")
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.Headers, "header", "H", nil, "header to send, 'Name: value' (repeatable)")
	flags.StringArrayVar(&f.AllowHosts, "allow-host", nil, "another host that deliveries may reach (repeatable)")
	flags.BoolVar(&f.Insecure, "insecure", false, "accept any TLS certificate")
	flags.StringVar(&f.CaCert, "cacert", "", "file of PEM certificates to trust")
}

// DeliveryClient is a client for the configured endpoint, behind the guard. The
// caller closes it.
func (a *App) DeliveryClient(f DeliveryFlags) (*deliver.Client, error) {
	t, err := a.ConfiguredTarget(f.AllowHosts)
	if err != nil {
		return nil, err
	}
	return a.ClientTo(t, f)
}

// DeliveryClientTo is a client for an endpoint that was started here.
func (a *App) DeliveryClientTo(to string, f DeliveryFlags) (*deliver.Client, error) {
	t, err := a.Target(to, f.AllowHosts)
	if err != nil {
		return nil, err
	}
	return a.ClientTo(t, f)
}

// ClientTo returns a client for a resolved target. The caller closes it.
func (a *App) ClientTo(t Target, f DeliveryFlags) (_ *deliver.Client, err error) {
	opts := deliver.Options{
		UserAgent: "julianctl/" + Version(), Insecure: f.Insecure,
		Timeout: t.Timeout, ConnectTimeout: f.ConnectTimeout, FirstByteTimeout: f.FirstByteTimeout,
		MaxExcerpt: f.MaxExcerpt,
	}
	if f.DefaultTimeout > 0 && !t.timeoutGiven {
		opts.Timeout = f.DefaultTimeout
	}
	if opts.Header, err = ParseHeaders(t.Headers, f.Headers); err != nil {
		return nil, err
	}
	a.KeepSecret(opts.Header)
	if f.CaCert != "" {
		pem, err := os.ReadFile(f.CaCert)
		if err != nil {
			return nil, Failure(fmt.Errorf("--cacert: %w", err), "")
		}
		opts.RootCAs = x509.NewCertPool()
		if !opts.RootCAs.AppendCertsFromPEM(pem) {
			return nil, UsageError(fmt.Errorf("--cacert %q holds no PEM certificate", f.CaCert), "")
		}
	}
	client, err := deliver.New(t.Guarded, opts)
	if err != nil {
		return nil, UsageError(err, "")
	}
	return client, nil
}

// ParseHeaders reads "Name: value" lines; those of the command line replace
// the endpoint's of the same name.
func ParseHeaders(endpoint, flags []string) (deliver.Header, error) {
	base, err := ParseFields("", endpoint)
	if err != nil {
		return nil, err
	}
	top, err := ParseFields("", flags)
	return base.Override(top), err
}

// ParseFields reads "Name: value" lines. An error begins with from, such as "--flag: ".
func ParseFields(from string, lines []string) (h deliver.Header, err error) {
	for _, line := range lines {
		field, err := deliver.ParseField(line)
		if err != nil {
			return nil, UsageError(fmt.Errorf("%s%w", from, err), "write it as 'Name: value'")
		}
		h = append(h, field)
	}
	return h, nil
}

// Target is where deliveries go: a URL as typed, or a named endpoint.
type Target struct {
	URL     *url.URL
	Guarded deliver.Target // URL, once the guard has passed it
	Headers []string       // "Name: value", of the named endpoint
	Timeout time.Duration
	// timeoutGiven: Timeout is no default.
	timeoutGiven bool
}

// ConfiguredTarget is that of --to, which a file may have set.
func (a *App) ConfiguredTarget(allow []string) (Target, error) {
	return a.resolveTarget(a.Config.To, allow, "to")
}

// Target resolves what a flag gives: a URL, or a name from the configuration.
// Beside loopback, the hosts of --allow-host may be reached, and that of a
// named endpoint.
func (a *App) Target(to string, allow []string) (Target, error) {
	return a.resolveTarget(to, allow)
}

// resolveTarget also asks whether the settings that to comes from may decide
// where deliveries go.
func (a *App) resolveTarget(to string, allow []string, settings ...string) (Target, error) {
	if to == "" {
		return Target{}, UsageError(fmt.Errorf("no endpoint to deliver to"), "say where: --to http://127.0.0.1:8080/webhook or a name from the configuration")
	}
	t := Target{Timeout: a.Config.Timeout, timeoutGiven: a.Config.Origin["timeout"] != (Origin{})}
	raw := to
	if !strings.Contains(to, "://") {
		e, err := a.namedEndpoint(to)
		if err != nil {
			return Target{}, err
		}
		raw, t.Headers = e.URL, e.Headers
		if e.Timeout > 0 && a.Config.Origin["timeout"].Flag == "" {
			t.Timeout, t.timeoutGiven = e.Timeout, true
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return Target{}, UsageError(fmt.Errorf("endpoint %q is not a URL", WithoutPassword(raw)), "write it whole: http://127.0.0.1:8080/webhook")
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
		err = UsageError(refused, refused.Hint)
	}
	return Target{}, err
}

// allowHost is allow for a URL, whose host can be allowed by itself.
func (a *App) allowHost(key, raw, host string) error {
	err := a.Config.Allow(key, raw)
	if f, ok := errors.AsType[*ExitError](err); ok {
		f.Hint += fmt.Sprintf("; --allow-host %s allows the host for one run", host)
	}
	return err
}

func (a *App) namedEndpoint(name string) (Endpoint, error) {
	var names []string
	for _, e := range a.Config.Endpoints {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	switch {
	case strings.HasPrefix(name, "/"):
		return Endpoint{}, UsageError(fmt.Errorf("endpoint %q has no host", name), fmt.Sprintf("did you mean %q?", "http://127.0.0.1:8080"+name))
	case strings.HasPrefix(name, ":"):
		return Endpoint{}, UsageError(fmt.Errorf("endpoint %q has no scheme", name), fmt.Sprintf("did you mean %q?", "http://127.0.0.1"+name))
	}
	if strings.ContainsAny(name, ":/") || spelling.Nearest(name, names) == "" && (name == "localhost" || strings.Contains(name, ".")) {
		return Endpoint{}, UsageError(fmt.Errorf("endpoint %q has no scheme", name), fmt.Sprintf("did you mean %q?", "http://"+name))
	}
	otherwise := `give a URL such as http://127.0.0.1:8080/webhook; "julianctl config init" writes a file for names`
	if names != nil {
		otherwise = "named endpoints are " + strings.Join(names, ", ")
	}
	return Endpoint{}, UsageError(fmt.Errorf("endpoint %q is not in the configuration", name), DidYouMean(name, names, otherwise))
}

// WithoutPassword is a URL, even one that cannot be parsed, without what may be
// a user name and password before its host.
func WithoutPassword(raw string) string {
	scheme, rest, found := strings.Cut(raw, "://")
	if at := strings.LastIndexByte(rest, '@'); found && at >= 0 {
		return scheme + "://***" + rest[at:]
	}
	return raw
}

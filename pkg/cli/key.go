package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

const KeyVariable = "JULIAN_API_KEY"

// APIKey is the API key and where it came from. The value goes to
// julian.NewClient and nowhere else.
type APIKey struct {
	Value  string
	source string // for messages: "environment JULIAN_API_KEY"
}

// APIFlags declares the flags of every command that calls the API. Their
// values are in App.Config.
func APIFlags(cmd *cobra.Command) {
	ConfigFlag(cmd, "api-key-file")
	ConfigFlag(cmd, "base-url")
	ConfigFlag(cmd, "timeout")
}

// APIClient returns a client with the user's key, and where the key came from.
func (a *App) APIClient(ctx context.Context) (*julian.Client, string, error) {
	host, err := a.APIHost()
	if err != nil {
		return nil, "", err
	}
	key, err := a.findKey(ctx, host, a.KeyStores())
	if err != nil {
		return nil, "", err
	}
	client, err := a.clientWith(key)
	return client, key.source, err
}

// clientWith returns a client with a key.
func (a *App) clientWith(key APIKey) (*julian.Client, error) {
	client, err := julian.NewClient(key.Value, julian.ClientOptions{
		BaseURL:   a.Config.BaseURL,
		Transport: a.HTTP,
		Timeout:   a.Config.Timeout,
		UserAgent: "julianctl/" + Version(),
		OnRetry: func(err error, wait time.Duration) {
			a.Note("%s; trying again in %s", safetext.Line(err.Error()), units.Time(wait))
		},
	})
	if err != nil {
		return nil, a.APIError(err, key.source)
	}
	return client, nil
}

// ProveKey asks the API whether it accepts a key.
func (a *App) ProveKey(ctx context.Context, key APIKey) error {
	client, err := a.clientWith(key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.Config.Timeout)
	defer cancel()
	_, err = client.CreditsUsage(ctx)
	if err == nil || errors.Is(err, julian.ErrUnexpectedAnswer) { // it was let in
		return nil
	}
	if err = a.APIError(err, key.source); errors.Is(err, julian.ErrUnauthorized) {
		return &ExitError{Code: ExitKey, Err: fmt.Errorf("not kept: %w", err), Hint: "copy it again from the settings of your organization: \"julianctl auth login\""}
	}
	f, ok := errors.AsType[*ExitError](err)
	if !ok {
		return err
	}
	return &ExitError{Code: f.Code, Err: fmt.Errorf("not kept, because it could not be verified: %w", f.Err), Hint: strings.TrimPrefix(f.Hint+"; ", "; ") + `"julianctl auth login --no-verify" keeps it as it is`}
}

// APIHost returns the host of the base URL: a stored key is for one host. A project file
// comes with a checkout, so it must not decide where the user's key is sent.
func (a *App) APIHost() (string, error) {
	if err := julian.CheckBaseURL(a.Config.BaseURL); err != nil {
		return "", a.APIError(err, "")
	}
	if err := a.Config.Allow("base-url", a.Config.BaseURL); err != nil {
		return "", err
	}
	u, err := url.Parse(a.Config.BaseURL)
	if err != nil {
		return "", err // it was parsed before
	}
	return u.Host, nil
}

// findKey looks for the key of host: in a file named on the command line, the
// environment, a file named elsewhere, and where auth login put it.
func (a *App) findKey(ctx context.Context, host string, stores []KeyStore) (APIKey, error) {
	fromFlag := a.Config.Origin["api-key-file"].Flag != ""
	if value := a.Env(KeyVariable); value != "" && !fromFlag {
		return CheckedKey(value, "environment "+KeyVariable)
	}
	if path := a.Config.APIKeyFile; path != "" {
		if err := a.Config.Allow("api-key-file", path); err != nil {
			return APIKey{}, err
		}
		return a.keyFromFile(ctx, path)
	}
	if err := a.Config.Allow("key-store", a.Config.KeyStore); err != nil {
		return APIKey{}, err
	}
	var silent []string
	for _, store := range stores {
		value, err := store.Get(ctx, host)
		switch {
		case err == nil:
			return CheckedKey(value, store.String())
		case ctx.Err() != nil:
			return APIKey{}, err
		case !errors.Is(err, ErrNoStoredKey) && !errors.Is(err, ErrNoKeyring):
			silent = append(silent, fmt.Sprintf("; %s: %v", store, err))
		}
	}
	return APIKey{}, &ExitError{
		Code: ExitKey,
		Err:  fmt.Errorf("%w for %s%s", julian.ErrNoKey, host, strings.Join(silent, "")),
		Hint: `"julianctl auth login" keeps one, or set ` + KeyVariable + `; without a key there are "julianctl sample --offline" and "julianctl mock"`,
	}
}

// CheckedKey returns the key that the user gave, or an error if it cannot be one.
func CheckedKey(value, source string) (APIKey, error) {
	if err := julian.CheckKey(value); err != nil {
		return APIKey{}, &ExitError{Code: ExitKey, Err: fmt.Errorf("API key from %s: %w", source, err), Hint: `see "julianctl auth --help"`}
	}
	return APIKey{value, source}, nil
}

// keyFromFile reads a key file; "-" is stdin.
func (a *App) keyFromFile(ctx context.Context, path string) (APIKey, error) {
	if path == "-" {
		return a.KeyFromStdin(ctx)
	}
	f, err := os.Open(path)
	if err != nil {
		return APIKey{}, Failure(fmt.Errorf("API key file: %w", err), "")
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && readableByOthers(info) {
		a.Note("%s API key file %q can be read by others", a.ErrStyle.Warn("warning:"), path)
		a.Hint("chmod 600 %s", safetext.Shell(path))
	}
	return readKey(f, fmt.Sprintf("file %q", path))
}

// KeyFromStdin reads one key from stdin.
func (a *App) KeyFromStdin(ctx context.Context) (APIKey, error) {
	in, done := a.Stdin(ctx)
	defer done()
	return readKey(in, "stdin")
}

func readableByOthers(info os.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0
}

// readKey reads one key with the white space around it, such as the line break
// at the end of a file.
func readKey(r io.Reader, source string) (APIKey, error) {
	const most = 8 << 10 // far more than a key
	data, err := io.ReadAll(io.LimitReader(r, most))
	if err != nil {
		return APIKey{}, Failure(fmt.Errorf("API key from %s: %w", source, err), "")
	}
	return CheckedKey(strings.TrimSpace(string(data)), source)
}

// APIError gives an error of the API client its exit code and a next step.
func (a *App) APIError(err error, source string) error {
	f := &ExitError{Code: ExitFailure, Err: err}
	switch {
	case errors.Is(err, julian.ErrUnauthorized):
		f.Code = ExitKey
		f.Err = fmt.Errorf("with the API key from %s: %w", source, err)
		f.Hint = `"julianctl auth login" replaces a stored key; otherwise set ` + KeyVariable
	case errors.Is(err, julian.ErrBadBaseURL), errors.Is(err, julian.ErrInsecureBaseURL):
		f.Code = ExitUsage
		f.Hint = fmt.Sprintf("it is from %s; the API's own is %s", a.Config.Origin["base-url"], julian.DefaultBaseURL)
	case errors.Is(err, julian.ErrBadAgentID):
		f.Code = ExitUsage
	case errors.Is(err, context.Canceled):
		return err // App.Report knows whether the user did it
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, julian.ErrRateLimited):
		f.Hint = fmt.Sprintf("it was given %s; --timeout gives it longer", a.Config.Timeout)
	case errors.Is(err, julian.ErrUnreachable):
		f.Hint = fmt.Sprintf("the base URL is %s, from %s", a.Config.BaseURL, a.Config.Origin["base-url"])
	case errors.Is(err, julian.ErrRedirect), errors.Is(err, julian.ErrNotJSON), errors.Is(err, julian.ErrNotFound):
		f.Hint = cmp.Or(a.BaseURLHint(), fmt.Sprintf("the base URL is %s, from %s", a.Config.BaseURL, a.Config.Origin["base-url"]))
	}
	return f
}

// BaseURLHint says that the base URL is not that of an API where its path is
// not as the provider's; empty where it is.
func (a *App) BaseURLHint() string {
	const path = "/api/v1"
	base := strings.TrimRight(a.Config.BaseURL, "/")
	before, after, found := strings.Cut(base, path)
	if found && after == "" {
		return ""
	}
	if !found {
		before = strings.TrimSuffix(base, "/api")
	}
	return fmt.Sprintf("the base URL %s, from %s, does not end as the API's own does: try --base-url %s", base, a.Config.Origin["base-url"], safetext.Shell(before+path))
}

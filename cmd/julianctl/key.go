package main

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
	"github.com/spf13/cobra"
)

const keyVariable = "JULIAN_API_KEY"

// apiKey is the API key and where it came from. The value goes to
// julian.NewClient and nowhere else.
type apiKey struct {
	value  string
	source string // for people: "environment JULIAN_API_KEY"
}

// apiFlags declares the flags of every command that calls the API. Their
// values are in app.cfg.
func apiFlags(cmd *cobra.Command) {
	configFlag(cmd, "api-key-file")
	configFlag(cmd, "base-url")
	configFlag(cmd, "timeout")
}

// apiClient returns a client with the person's key, and where the key came
// from.
func (a *app) apiClient(ctx context.Context) (*julian.Client, string, error) {
	host, err := a.apiHost()
	if err != nil {
		return nil, "", err
	}
	key, err := a.findKey(ctx, host, a.keyStores())
	if err != nil {
		return nil, "", err
	}
	client, err := julian.NewClient(key.value, julian.ClientOptions{
		BaseURL:   a.cfg.BaseURL,
		Transport: a.http,
		Timeout:   a.cfg.Timeout,
		UserAgent: "julianctl/" + versionNumber(),
		Turn:      a.turn(host, key.value),
		OnRetry: func(err error, wait time.Duration) {
			a.note("%s; trying again in %s", safetext.Line(err.Error()), wait.Round(10*time.Millisecond))
		},
	})
	if err != nil {
		return nil, "", a.apiFault(err, key.source)
	}
	return client, key.source, nil
}

// apiHost is the host of the base URL: a stored key belongs to one host. A
// project's file comes with a checkout, so it must not send the person's key
// to a place of its own choice.
func (a *app) apiHost() (string, error) {
	if err := julian.CheckBaseURL(a.cfg.BaseURL); err != nil {
		return "", a.apiFault(err, "")
	}
	if err := a.cfg.allow("base-url", a.cfg.BaseURL); err != nil {
		return "", err
	}
	u, err := url.Parse(a.cfg.BaseURL)
	if err != nil {
		return "", err // it was parsed before
	}
	return u.Host, nil
}

// findKey looks for the key of host: in a file named on the command line, the
// environment, a file named elsewhere, and where auth login put it.
func (a *app) findKey(ctx context.Context, host string, stores []keyStore) (apiKey, error) {
	fromFlag := strings.HasPrefix(a.cfg.origin["api-key-file"], "flag")
	if value := a.env(keyVariable); value != "" && !fromFlag {
		return checkedKey(value, "environment "+keyVariable)
	}
	if path := a.cfg.APIKeyFile; path != "" {
		if err := a.cfg.allow("api-key-file", path); err != nil {
			return apiKey{}, err
		}
		return a.keyFromFile(ctx, path)
	}
	if err := a.cfg.allow("key-store", a.cfg.KeyStore); err != nil {
		return apiKey{}, err
	}
	var silent []string
	for _, store := range stores {
		value, err := store.get(ctx, host)
		switch {
		case err == nil:
			return checkedKey(value, store.String())
		case ctx.Err() != nil:
			return apiKey{}, err
		case !errors.Is(err, errNoStoredKey) && !errors.Is(err, errNoKeyring):
			silent = append(silent, fmt.Sprintf("; %s: %v", store, err))
		}
	}
	return apiKey{}, &fault{
		code: exitKey,
		err:  fmt.Errorf("%w for %s%s", julian.ErrNoKey, host, strings.Join(silent, "")),
		hint: `"julianctl auth login" keeps one for you, or set ` + keyVariable,
	}
}

func checkedKey(value, source string) (apiKey, error) {
	if err := julian.CheckKey(value); err != nil {
		return apiKey{}, &fault{code: exitKey, err: fmt.Errorf("API key from %s: %w", source, err)}
	}
	return apiKey{value, source}, nil
}

// keyFromFile reads a key file; "-" is stdin.
func (a *app) keyFromFile(ctx context.Context, path string) (apiKey, error) {
	if path == "-" {
		return a.keyFromStdin(ctx)
	}
	f, err := os.Open(path)
	if err != nil {
		return apiKey{}, unable(fmt.Errorf("API key file: %w", err), "")
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && readableByOthers(info) {
		a.note("%s API key file %q can be read by others", a.errStyle.warn("warning:"), path)
		a.hint("chmod 600 %s", safetext.Shell(path))
	}
	return readKey(f, fmt.Sprintf("file %q", path))
}

func (a *app) keyFromStdin(ctx context.Context) (apiKey, error) {
	in, done := a.stdin(ctx)
	defer done()
	return readKey(in, "stdin")
}

func readableByOthers(info os.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0
}

// readKey reads one key with the white space around it, such as the line break
// at the end of a file.
func readKey(r io.Reader, source string) (apiKey, error) {
	const most = 8 << 10 // far more than a key
	data, err := io.ReadAll(io.LimitReader(r, most))
	if err != nil {
		return apiKey{}, unable(fmt.Errorf("API key from %s: %w", source, err), "")
	}
	return checkedKey(strings.TrimSpace(string(data)), source)
}

// apiFault gives an error of the API client its exit code and a next step.
func (a *app) apiFault(err error, source string) error {
	f := &fault{code: exitUnable, err: err}
	switch {
	case errors.Is(err, julian.ErrUnauthorized):
		f.code = exitKey
		f.err = fmt.Errorf("with the API key from %s: %w", source, err)
		f.hint = `"julianctl auth login" replaces a stored key; otherwise set ` + keyVariable
	case errors.Is(err, julian.ErrBadBaseURL), errors.Is(err, julian.ErrInsecureBaseURL):
		f.code = exitUsage
		f.hint = fmt.Sprintf("it is from %s; the API's own is %s", a.cfg.origin["base-url"], julian.DefaultBaseURL)
	case errors.Is(err, julian.ErrBadAgentID):
		f.code = exitUsage
	case errors.Is(err, context.Canceled):
		return err // app.report knows whether a person did it
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, julian.ErrRateLimited):
		f.hint = fmt.Sprintf("it was given %s; --timeout gives it longer", a.cfg.Timeout)
	case errors.Is(err, julian.ErrUnreachable):
		f.hint = fmt.Sprintf("the base URL is %s, from %s", a.cfg.BaseURL, a.cfg.origin["base-url"])
	case errors.Is(err, julian.ErrRedirect), errors.Is(err, julian.ErrNotJSON), errors.Is(err, julian.ErrNotFound):
		f.hint = cmp.Or(a.baseURLHint(), fmt.Sprintf("the base URL is %s, from %s", a.cfg.BaseURL, a.cfg.origin["base-url"]))
	}
	return f
}

// baseURLHint says that the base URL is not that of an API where its path is
// not as the provider's; empty where it is.
func (a *app) baseURLHint() string {
	const path = "/api/v1"
	base := strings.TrimRight(a.cfg.BaseURL, "/")
	before, after, found := strings.Cut(base, path)
	if found && after == "" {
		return ""
	}
	if !found {
		before = strings.TrimSuffix(base, "/api")
	}
	return fmt.Sprintf("the base URL %s, from %s, does not end as the API's own does: try --base-url %s", base, a.cfg.origin["base-url"], safetext.Shell(before+path))
}

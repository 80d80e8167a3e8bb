package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newAuthCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "auth",
		Short: "Keep, prove or forget the API key",
		Long: `auth keeps the API key in the keyring of the operating system. Where there is
none, it goes to a file that only you can read.

A key is looked for in this order: --api-key-file on the command line, the
environment variable JULIAN_API_KEY, the setting api-key-file, and what
"auth login" kept. A kept key belongs to the host of the base URL it was kept
for, and is sent to no other.`,
		Example: `  julianctl auth login                    asks for the key; it is not shown
  julianctl auth login < key.txt          takes it from a file
  julianctl auth status                   proves that the API accepts it
  julianctl auth logout`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAuthLoginCmd(a), newAuthStatusCmd(a), newAuthLogoutCmd(a))
	return cmd
}

func newAuthLoginCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "login",
		Short:   "Keep an API key, from a prompt or stdin",
		Example: "  julianctl auth login < key.txt",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runAuthLogin(cmd.Context(), a, a.keyStores()) },
	}
	configFlag(cmd, "base-url")
	configFlag(cmd, "key-store")
	return cmd
}

func runAuthLogin(ctx context.Context, a *app, stores []keyStore) error {
	host, err := a.apiHost()
	if err == nil {
		err = a.cfg.allow("key-store", a.cfg.KeyStore)
	}
	if err != nil {
		return err
	}
	key, err := a.askKey(ctx)
	if err != nil {
		return err
	}
	kept, err := a.keepKey(ctx, host, key.value, stores)
	if err != nil {
		return err
	}
	a.note("%s key for %s kept in %s", a.errStyle.good("done:"), safetext.Line(host), kept)
	if a.env(keyVariable) != "" {
		a.note("%s %s is set and outweighs it", a.errStyle.warn("warning:"), keyVariable)
	}
	a.hint(`"julianctl auth status" proves it`)
	return nil
}

// askKey prompts a person without an echo, or reads stdin.
func (a *app) askKey(ctx context.Context) (apiKey, error) {
	if !isTerminal(a.in) {
		return a.keyFromStdin(ctx)
	}
	fmt.Fprint(a.err, "API key (not shown): ")
	text, err := readPassword(ctx, a.in.(*os.File))
	fmt.Fprintln(a.err)
	if err != nil {
		return apiKey{}, err
	}
	return checkedKey(text, "the prompt")
}

// readPassword reads a line without an echo. When ctx ends first, the
// terminal is put back as it was; the read itself ends with the program.
func readPassword(ctx context.Context, tty *os.File) (string, error) {
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- line{text, err}
	}()
	select {
	case got := <-read:
		return string(got.text), got.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

// keepKey gives the key to the last store that takes it, and takes older keys
// out of the stores that are asked before that one.
func (a *app) keepKey(ctx context.Context, host, key string, stores []keyStore) (keyStore, error) {
	for i, store := range slices.Backward(stores) {
		if err := store.set(ctx, host, key); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			a.note("not kept in %s: %s", store, safetext.Line(err.Error()))
			continue
		}
		for _, earlier := range stores[:i] {
			if err := earlier.remove(ctx, host); err != nil && !errors.Is(err, errNoStoredKey) {
				return nil, unable(fmt.Errorf("an older key in %s: %w", earlier, err), "")
			}
		}
		return store, nil
	}
	return nil, unable(errors.New("the API key could not be kept anywhere"), "set "+keyVariable+" instead")
}

func newAuthStatusCmd(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say where the API key comes from and prove that the API accepts it",
		Example: `  julianctl auth status
  julianctl auth status --format json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runAuthStatus(cmd.Context(), a, format) },
	}
	apiFlags(cmd)
	configFlag(cmd, "key-store")
	formatFlag(cmd, &format, "text", "json")
	return cmd
}

// authRecord is auth status --format json.
type authRecord struct {
	Schema   string               `json:"schema"`
	BaseURL  string               `json:"baseUrl"`
	Source   string               `json:"source"` // of the key
	Accepted bool                 `json:"accepted"`
	Usage    *julian.CreditsUsage `json:"usage,omitempty"` // nil when the answer was not as documented
}

func runAuthStatus(ctx context.Context, a *app, format string) error {
	client, source, err := a.apiClient(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	usage, err := client.CreditsUsage(ctx)
	rejected := errors.Is(err, julian.ErrUnauthorized)
	if err != nil && !rejected && !errors.Is(err, julian.ErrUnexpectedAnswer) {
		return a.apiFault(err, source)
	}
	record := authRecord{"julianctl.auth/v1", client.BaseURL(), source, !rejected, usage}
	if format == "json" {
		data, err := json.Marshal(record)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s\n", safetext.JSON(data))
	} else {
		a.printAuth(record)
	}
	if rejected {
		return a.apiFault(err, source)
	}
	return nil
}

func (a *app) printAuth(r authRecord) {
	row := func(name, value string) {
		fmt.Fprintf(a.out, "%s  %s\n", a.style.faint(fmt.Sprintf("%-8s", name)), value)
	}
	row("api", safetext.Line(r.BaseURL))
	row("key", safetext.Masked+" from "+safetext.Line(r.Source))
	if r.Accepted {
		row("accepted", a.style.good("yes"))
	} else {
		row("accepted", a.style.bad("no"))
	}
	if r.Usage == nil {
		return
	}
	if spent := r.Usage.Organization.SpentCredits; spent != nil {
		credits := decimal(*spent)
		if allocated := r.Usage.Organization.AllocatedCredits; allocated != nil {
			credits += " of " + decimal(*allocated)
		}
		row("credits", credits+" spent")
	}
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func newAuthLogoutCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "logout",
		Short:   "Forget the API key that auth login kept",
		Example: "  julianctl auth logout",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runAuthLogout(cmd.Context(), a, a.keyStores()) },
	}
	configFlag(cmd, "base-url")
	configFlag(cmd, "key-store")
	return cmd
}

func runAuthLogout(ctx context.Context, a *app, stores []keyStore) error {
	host, err := a.apiHost()
	if err == nil {
		err = a.cfg.allow("key-store", a.cfg.KeyStore)
	}
	if err != nil {
		return err
	}
	forgotten, left := false, false
	for _, store := range stores {
		err := store.remove(ctx, host)
		switch {
		case err == nil:
			forgotten = true
			a.note("%s key for %s removed from %s", a.errStyle.good("done:"), safetext.Line(host), store)
		case !errors.Is(err, errNoStoredKey) && !errors.Is(err, errNoKeyring):
			left = true
			a.note("not removed from %s: %s", store, safetext.Line(err.Error()))
		}
	}
	if left {
		return unable(fmt.Errorf("a key for %s may be left", host), "")
	}
	if !forgotten {
		a.note("no key for %s is stored", safetext.Line(host))
	}
	if a.env(keyVariable) != "" {
		a.note("%s %s is still set", a.errStyle.warn("warning:"), keyVariable)
	}
	return nil
}

// Package auth is the command auth: it keeps, proves and removes the API key.
package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "auth",
		Short: "Keep, verify or remove the API key",
		Long: `auth keeps the API key in the keyring of the operating system, or, if there is none, in a
file that only you can read.

A key is looked for in this order: --api-key-file on the command line, the environment
variable JULIAN_API_KEY, the setting api-key-file, and the key of "auth login". That key
belongs to the host of its base URL, and is sent to no other.`,
		Example: `  julianctl auth login                    asks for the key; it is not shown
  julianctl auth login < key.txt          takes it from a file
  julianctl auth status                   proves that the API accepts it
  julianctl auth logout`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLoginCmd(a), newStatusCmd(a), newLogoutCmd(a))
	return cmd
}

func newLoginCmd(a *cli.App) *cobra.Command {
	var unproved bool
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Verify an API key, from a prompt or stdin, and keep it",
		Long: `login asks the API whether it accepts the key, and keeps it only then. --no-verify
keeps it without asking, for a machine that cannot reach the API.`,
		Example: `  julianctl auth login
  julianctl auth login < key.txt
  julianctl auth login --no-verify < key.txt`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.UsageError(errors.New("auth login takes no argument: others can read a key on the command line"), `type "julianctl auth login", which asks for it`)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return Login(cmd.Context(), a, a.KeyStores(), !unproved)
		},
	}
	cmd.Flags().BoolVar(&unproved, "no-verify", false, "keep the key without asking the API whether it accepts it")
	cli.ConfigFlag(cmd, "base-url")
	cli.ConfigFlag(cmd, "timeout")
	cli.ConfigFlag(cmd, "key-store")
	return cmd
}

// Login keeps a key, from a prompt or stdin, in the last of stores that takes it; with
// prove only if the API accepts it.
func Login(ctx context.Context, a *cli.App, stores []cli.KeyStore, prove bool) error {
	host, err := storeHost(a)
	if err != nil {
		return err
	}
	key, err := askKey(ctx, a)
	if err != nil {
		return err
	}
	if prove {
		if err := a.ProveKey(ctx, key); err != nil {
			return err
		}
	}
	kept, err := a.KeepKey(ctx, host, key.Value, stores)
	if err != nil {
		return err
	}
	accepted := ""
	if prove {
		accepted = "accepted, and "
	}
	a.Note("%s key for %s %skept in %s", a.ErrStyle.Good("done:"), safetext.Line(host), accepted, kept)
	if a.Env(cli.KeyVariable) != "" {
		a.Note("%s %s is set and takes precedence over it", a.ErrStyle.Warn("warning:"), cli.KeyVariable)
	}
	if !prove {
		a.Hint(`"julianctl auth status" asks the API`)
	}
	return nil
}

// storeHost is the host whose key is kept, where the settings may name its store.
func storeHost(a *cli.App) (string, error) {
	host, err := a.APIHost()
	if err == nil {
		err = a.Config.Allow("key-store", a.Config.KeyStore)
	}
	return host, err
}

// askKey prompts for the key without an echo, or reads stdin.
func askKey(ctx context.Context, a *cli.App) (cli.APIKey, error) {
	if !terminal.IsTerminal(a.In) {
		return a.KeyFromStdin(ctx)
	}
	fmt.Fprint(a.Err, "API key (not shown): ")
	text, err := readPassword(ctx, a.In.(*os.File))
	fmt.Fprintln(a.Err)
	if err != nil {
		return cli.APIKey{}, err
	}
	return cli.CheckedKey(text, "the prompt")
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

func newStatusCmd(a *cli.App) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show where the API key comes from, and whether the API accepts it",
		Example: `  julianctl auth status
  julianctl auth status --format json`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runStatus(cmd.Context(), a, format) },
	}
	cli.APIFlags(cmd)
	cli.ConfigFlag(cmd, "key-store")
	cli.FormatFlag(cmd, &format, "text", "json")
	return cmd
}

// record is auth status --format json.
type record struct {
	Schema   string               `json:"schema"`
	BaseURL  string               `json:"baseUrl"`
	Source   string               `json:"source"` // of the key
	Accepted bool                 `json:"accepted"`
	Usage    *julian.CreditsUsage `json:"usage,omitempty"` // nil when the answer was not as documented
}

func runStatus(ctx context.Context, a *cli.App, format string) error {
	client, source, err := a.APIClient(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.Config.Timeout)
	defer cancel()
	usage, err := client.CreditsUsage(ctx)
	rejected := errors.Is(err, julian.ErrUnauthorized)
	if err != nil && !rejected && !errors.Is(err, julian.ErrUnexpectedAnswer) {
		return a.APIError(err, source)
	}
	record := record{"julianctl.auth/v1", client.BaseURL(), source, !rejected, usage}
	if format == "json" {
		data, err := json.Marshal(record)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.Out, "%s\n", safetext.JSON(data))
	} else {
		printAuth(a, record)
	}
	if rejected {
		return a.APIError(err, source)
	}
	return nil
}

func printAuth(a *cli.App, r record) {
	row := func(name, value string) {
		fmt.Fprintf(a.Out, "%s  %s\n", a.Style.Faint(fmt.Sprintf("%-8s", name)), value)
	}
	row("api", safetext.Line(r.BaseURL))
	row("key", safetext.Masked+" from "+safetext.Line(r.Source))
	if r.Accepted {
		row("accepted", a.Style.Good("yes"))
	} else {
		row("accepted", a.Style.Bad("no"))
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

func newLogoutCmd(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "logout",
		Short:   "Remove the API key that auth login kept",
		Example: "  julianctl auth logout",
		Args:    cli.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runLogout(cmd.Context(), a, a.KeyStores()) },
	}
	cli.ConfigFlag(cmd, "base-url")
	cli.ConfigFlag(cmd, "key-store")
	return cmd
}

func runLogout(ctx context.Context, a *cli.App, stores []cli.KeyStore) error {
	host, err := storeHost(a)
	if err != nil {
		return err
	}
	forgotten, left := false, false
	for _, store := range stores {
		err := store.Remove(ctx, host)
		switch {
		case err == nil:
			forgotten = true
			a.Note("%s key for %s removed from %s", a.ErrStyle.Good("done:"), safetext.Line(host), store)
		case !errors.Is(err, cli.ErrNoStoredKey) && !errors.Is(err, cli.ErrNoKeyring):
			left = true
			a.Note("not removed from %s: %s", store, safetext.Line(err.Error()))
		}
	}
	if left {
		return cli.Failure(fmt.Errorf("a key for %s may be left", host), "")
	}
	if !forgotten {
		a.Note("no key for %s is stored", safetext.Line(host))
	}
	if a.Env(cli.KeyVariable) != "" {
		a.Note("%s %s is still set", a.ErrStyle.Warn("warning:"), cli.KeyVariable)
	}
	return nil
}

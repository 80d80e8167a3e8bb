package cli

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

// RedactFlags are those of commands from which payloads leave.
type RedactFlags struct {
	on      bool
	KeyFile string
}

// Declare declares the flags.
func (f *RedactFlags) Declare(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.on, "redact", false, `replace personal data, as "julianctl redact" does`)
	cmd.Flags().StringVar(&f.KeyFile, "redact-key-file", "", "file with the key of --redact; created if it does not exist")
}

// Redactor is nil when nothing is to be redacted.
func (f RedactFlags) Redactor(a *App) (*redact.Redactor, error) {
	if !f.on && f.KeyFile == "" {
		return nil, nil
	}
	return a.Redactor(f.KeyFile, redact.Options{})
}

// Redactor makes one whose key is in KeyFile, or is made up.
func (a *App) Redactor(keyFile string, o redact.Options) (*redact.Redactor, error) {
	key := make([]byte, 2*redact.MinKey)
	_, _ = rand.Read(key) // never fails
	if keyFile != "" {
		stored, err := os.ReadFile(keyFile)
		switch {
		case err == nil:
			key = stored
		case errors.Is(err, fs.ErrNotExist):
			if err := WriteFile(keyFile, key); err != nil {
				return nil, Failure(fmt.Errorf("--key-file: %w", err), "")
			}
			a.Note("made the key %s: keep it like a password", safetext.Line(keyFile))
		default:
			return nil, Failure(fmt.Errorf("--key-file: %w", err), "")
		}
	}
	r, err := redact.New(key, o)
	if err != nil {
		return nil, UsageError(fmt.Errorf("--key-file %q: %w", keyFile, err), "a new name makes a new key")
	}
	return r, nil
}

// Redacted prints on stderr what was replaced, and what redaction cannot guarantee.
func (a *App) Redacted(r *redact.Redactor, payloads int) {
	counts := map[redact.Kind]int{}
	for place, n := range r.Report() {
		counts[place.Kind] += n
	}
	var parts []string
	for _, kind := range redact.Kinds {
		if n := counts[kind]; n > 0 {
			parts = append(parts, units.Count(n, string(kind)))
		}
	}
	a.Note("%s in %s: %s", a.ErrStyle.Good("redacted"), units.Count(payloads, "payload"), cmp.Or(strings.Join(parts, ", "), "nothing was found"))
	a.Note("%s", a.ErrStyle.Faint("a name of common words can be left: read it before you share it"))
}

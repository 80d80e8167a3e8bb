package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

type redactOptions struct {
	paths   []string
	keyFile string
	output  string
	report  string
}

func newRedactCmd(a *app) *cobra.Command {
	var opts redactOptions
	cmd := &cobra.Command{
		Use:   "redact [PATH…|-]",
		Short: "Replace the personal data in payloads by pseudonyms",
		Long: `redact writes the payloads with pseudonyms in place of names, phone numbers,
e-mail addresses, postal addresses and ids, in fields and in free text. Types,
lengths and formats stay, a correct payload stays correct, and deliveries of one
call stay deliveries of one call.

With --key-file the same person is the same stranger in every run; the file is
made where there is none. Whoever has the key can tell who it was from a guess:
keep it like a password. Without it each run has a key of its own.

What is personal in free text is a guess that errs on the side of replacing. It
cannot promise that nothing is left, and keys of objects stay as they are: read
the result before you share it.`,
		Example: `  julianctl redact recorded.ndjson > fixtures.ndjson
  julianctl redact recorded/ --key-file ~/.julianctl-redact.key -o fixtures.ndjson
  julianctl log export --failed --format payloads | julianctl redact - > failed.ndjson`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.paths = args
			return runRedact(cmd.Context(), a, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.keyFile, "key-file", "", "file with the key of the pseudonyms; made if it is not there")
	flags.StringVarP(&opts.output, "output", "o", "", "file to write; stdout without it")
	flags.StringVar(&opts.report, "report", "", "file for what was replaced where, as JSON")
	return cmd
}

func runRedact(ctx context.Context, a *app, opts redactOptions) error {
	if len(opts.paths) == 0 {
		if isTerminal(a.in) {
			return usage(errors.New("redact wants a PATH"), "name a file or a folder, or pipe payloads in")
		}
		opts.paths = []string{"-"}
	}
	uses := []fileUse{{"--key-file", opts.keyFile}, {"--report", opts.report}}
	if err := writeApart(uses, opts.paths...); err != nil {
		return err
	}
	// The result may take the place of its input.
	if err := writeApart(append(uses, fileUse{"-o", opts.output})); err != nil {
		return err
	}
	r, err := a.redactor(opts.keyFile)
	if err != nil {
		return err
	}
	out, err := a.destinationAt(opts.output)
	if err != nil {
		return unable(fmt.Errorf("-o: %w", err), "")
	}
	defer out.Abort()
	docs, done := a.documents(ctx, opts.paths)
	defer done()
	payloads := 0
	for doc, err := range docs {
		if err != nil {
			return unable(err, "")
		}
		body, err := r.Payload(doc.Body)
		if err != nil {
			return unable(fmt.Errorf("%s:%d: %w; nothing is redacted by guess", doc.Source, doc.Line, err), `"julianctl validate" says what is wrong with it`)
		}
		payloads++
		if _, err := out.Write(append(bytes.TrimSuffix(body, []byte("\n")), '\n')); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return unable(fmt.Errorf("-o: %w", err), "")
	}
	a.redacted(r, payloads)
	if opts.report != "" {
		return a.writeRedactReport(r, payloads, opts.report)
	}
	return nil
}

// redactFlags are those of commands from which payloads leave.
type redactFlags struct {
	on      bool
	keyFile string
}

func (f *redactFlags) declare(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.on, "redact", false, `replace personal data, as "julianctl redact" does`)
	cmd.Flags().StringVar(&f.keyFile, "redact-key-file", "", "file with the key of --redact; made if it is not there")
}

// redactor is nil when nothing is to be redacted.
func (f redactFlags) redactor(a *app) (*redact.Redactor, error) {
	if !f.on && f.keyFile == "" {
		return nil, nil
	}
	return a.redactor(f.keyFile)
}

// redactor makes one whose key is in keyFile, or is made up.
func (a *app) redactor(keyFile string) (*redact.Redactor, error) {
	key := make([]byte, 2*redact.MinKey)
	_, _ = rand.Read(key) // never fails
	if keyFile != "" {
		stored, err := os.ReadFile(keyFile)
		switch {
		case err == nil:
			key = stored
		case errors.Is(err, fs.ErrNotExist):
			if err := writeFile(keyFile, key); err != nil {
				return nil, unable(fmt.Errorf("--key-file: %w", err), "")
			}
			a.note("made the key %s: keep it like a password", safetext.Line(keyFile))
		default:
			return nil, unable(fmt.Errorf("--key-file: %w", err), "")
		}
	}
	r, err := redact.New(key)
	if err != nil {
		return nil, usage(fmt.Errorf("--key-file %q: %w", keyFile, err), "a new name makes a new key")
	}
	return r, nil
}

// redacted says on stderr what was replaced, and what nobody can promise.
func (a *app) redacted(r *redact.Redactor, payloads int) {
	counts := map[redact.Kind]int{}
	for place, n := range r.Report {
		counts[place.Kind] += n
	}
	var parts []string
	for _, kind := range redact.Kinds {
		if n := counts[kind]; n > 0 {
			parts = append(parts, countOf(n, string(kind), plural(kind)))
		}
	}
	a.note("%s in %s: %s", a.errStyle.good("redacted"), count(payloads, "payload"), cmp.Or(strings.Join(parts, ", "), "nothing was found"))
	a.note("%s", a.errStyle.faint("a name that nothing announces can be left: read it before you share it"))
}

func plural(kind redact.Kind) string {
	if kind == redact.Address {
		return "addresses"
	}
	return string(kind) + "s"
}

// writeRedactReport writes one record a place and kind, and none of the values.
func (a *app) writeRedactReport(r *redact.Redactor, payloads int, path string) error {
	type row struct {
		Pointer string `json:"pointer"`
		Kind    string `json:"kind"`
		Count   int    `json:"count"`
	}
	rows := []row{}
	for place, n := range r.Report {
		rows = append(rows, row{place.Pointer, string(place.Kind), n})
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Kind, b.Kind)) })
	// Strings and counts always encode.
	out, _ := json.MarshalIndent(map[string]any{"schema": "julianctl.redact/v1", "payloads": payloads, "replaced": rows}, "", "  ")
	if err := a.writeReport(path, append(out, '\n')); err != nil {
		return unable(fmt.Errorf("--report: %w", err), "")
	}
	return nil
}

// Package redact is the command redact: it replaces personal data.
// The package is the program's own.
package redact

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/spf13/cobra"
)

type options struct {
	paths   []string
	keyFile string
	output  string
	report  string
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var opts options
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
			return run(cmd.Context(), a, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.keyFile, "key-file", "", "file with the key of the pseudonyms; made if it is not there")
	flags.StringVarP(&opts.output, "output", "o", "", "file to write; stdout without it")
	flags.StringVar(&opts.report, "report", "", "file for what was replaced where, as JSON")
	return cmd
}

func run(ctx context.Context, a *cli.App, opts options) error {
	if len(opts.paths) == 0 {
		if terminal.IsTerminal(a.In) {
			return cli.UsageError(errors.New("redact wants a PATH"), "name a file or a folder, or pipe payloads in")
		}
		opts.paths = []string{"-"}
	}
	uses := []cli.FileUse{{Flag: "--key-file", Path: opts.keyFile}, {Flag: "--report", Path: opts.report}}
	if err := cli.WriteApart(uses, opts.paths...); err != nil {
		return err
	}
	// The result may take the place of its input.
	if err := cli.WriteApart(append(uses, cli.FileUse{Flag: "-o", Path: opts.output})); err != nil {
		return err
	}
	r, err := a.Redactor(opts.keyFile)
	if err != nil {
		return err
	}
	out, err := a.DestinationAt(opts.output)
	if err != nil {
		return cli.Failure(fmt.Errorf("-o: %w", err), "")
	}
	defer out.Abort()
	docs, done := a.Documents(ctx, opts.paths)
	defer done()
	payloads := 0
	for doc, err := range docs {
		if err != nil {
			return cli.Failure(err, "")
		}
		body, err := r.Payload(doc.Body)
		if err != nil {
			return cli.Failure(fmt.Errorf("%s:%d: %w; nothing is redacted by guess", doc.Source, doc.Line, err), `"julianctl validate" says what is wrong with it`)
		}
		payloads++
		if _, err := out.Write(append(bytes.TrimSuffix(body, []byte("\n")), '\n')); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return cli.Failure(fmt.Errorf("-o: %w", err), "")
	}
	a.Redacted(r, payloads)
	if opts.report != "" {
		return writeRedactReport(a, r, payloads, opts.report)
	}
	return nil
}

// writeRedactReport writes one record a place and kind, and none of the values.
func writeRedactReport(a *cli.App, r *redact.Redactor, payloads int, path string) error {
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
	if err := a.WriteReport(path, append(out, '\n')); err != nil {
		return cli.Failure(fmt.Errorf("--report: %w", err), "")
	}
	return nil
}

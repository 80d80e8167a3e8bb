// Package redact is the command redact: it replaces personal data.
package redact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/freetext"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/spf13/cobra"
)

type options struct {
	paths     []string
	keyFile   string
	output    string
	report    string
	level     string
	keepWords string
	keys      bool
	jobs      int
	verify    bool
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var opts options
	cmd := &cobra.Command{
		Use:   "redact [PATH…|-]",
		Short: "Replace personal data in payloads by pseudonyms",
		Long: `redact writes the payloads with pseudonyms instead of names, phone numbers, e-mail
addresses, postal addresses and ids, in fields and in free text. Types, lengths and
formats stay. A valid payload stays valid, and deliveries of one call stay deliveries of
one call.

In free text a word stays if it is common in the language of the text (English, German,
French, Spanish, Italian, Portuguese, Dutch, Swedish, Polish, Turkish) and is not a name.
Any other word becomes a pseudonym, with or without a capital. --keep-words adds your own
words, one or more a line. --level all replaces every word except the speaker at the
start of a line. --level names keeps words without a capital where others have one.

With --key-file a value has the same pseudonym in every run; the file is created if it
does not exist. Who has the key can test a guess of who it was: keep it like a password.
Without it each run has its own key.

A name that consists of common words can be missed. The report on stderr lists the most
frequent words that were kept: read them, and the result, before you share it. --verify
ORIGINALS REDACTED searches a result for the names, numbers, e-mail addresses and ids of
its originals, and exits 1 if one is found.`,
		Example: `  julianctl redact recorded.ndjson > fixtures.ndjson
  julianctl redact recorded/ --key-file ~/.julianctl-redact.key -o fixtures.ndjson
  julianctl redact --verify recorded.ndjson fixtures.ndjson
  julianctl log export --failed --format payloads | julianctl redact - > failed.ndjson`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.paths = args
			if opts.verify {
				for _, name := range []string{"key-file", "output", "report", "level", "keep-words", "redact-keys", "jobs"} {
					if cmd.Flags().Changed(name) {
						return cli.UsageError(fmt.Errorf("use only one of --verify and --%s", name), "--verify only reads")
					}
				}
				return verifyRedacted(cmd.Context(), a, args)
			}
			return run(cmd.Context(), a, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.keyFile, "key-file", "", "file with the key of the pseudonyms; created if it does not exist")
	flags.StringVarP(&opts.output, "output", "o", "", "file to write; stdout without it")
	flags.StringVar(&opts.report, "report", "", "write what was replaced where to this file, as JSON")
	opts.level = string(freetext.Words)
	cli.ChoiceFlag(cmd, &opts.level, "level", "how much of free text to replace", string(freetext.Names), string(freetext.Words), string(freetext.All))
	flags.StringVar(&opts.keepWords, "keep-words", "", "file of words to keep in free text")
	flags.BoolVar(&opts.keys, "redact-keys", false, "also replace keys of objects that hold personal data")
	flags.IntVar(&opts.jobs, "jobs", 0, "how many cores to use; 0 uses all")
	flags.BoolVar(&opts.verify, "verify", false, "search the second PATH for personal data of the first")
	cli.GroupFlags(cmd,
		"Most used: output key-file verify report level",
		"Words: keep-words redact-keys",
		"Limits: jobs",
	)
	return cmd
}

func run(ctx context.Context, a *cli.App, opts options) (err error) {
	switch {
	case opts.jobs < 0:
		return cli.UsageError(fmt.Errorf(`--jobs "%d" is less than 0`, opts.jobs), "")
	case opts.jobs == 0:
		opts.jobs = runtime.GOMAXPROCS(0)
	}
	if opts.paths, err = a.PathsOrStdin(opts.paths, "redact needs a PATH"); err != nil {
		return err
	}
	uses := []cli.FileUse{{Flag: "--key-file", Path: opts.keyFile}, {Flag: "--report", Path: opts.report}}
	if err := cli.WriteApart(uses, opts.paths...); err != nil {
		return err
	}
	// The result may take the place of its input.
	if err := cli.WriteApart(append(uses, cli.FileUse{Flag: "-o", Path: opts.output}), opts.keepWords); err != nil {
		return err
	}
	keep, err := keptWords(opts.keepWords)
	if err != nil {
		return err
	}
	r, err := a.Redactor(opts.keyFile, redact.Options{Level: freetext.Level(opts.level), Keep: keep, Keys: opts.keys})
	if err != nil {
		return err
	}
	out, err := a.DestinationAt(opts.output)
	if err != nil {
		return cli.Failure(fmt.Errorf("-o: %w", err), "")
	}
	defer out.Abort()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, done := a.Stdin(ctx)
	defer done()
	files, err := r.Stream(ctx, opts.paths, in, opts.jobs, func(lines []byte) error {
		_, err := out.Write(lines)
		if err != nil {
			cancel() // stdin is not waited for
		}
		return err
	})
	switch e, ok := errors.AsType[*payload.Error](err); {
	case ok && errors.Is(err, redact.ErrNotPayload):
		return cli.Failure(fmt.Errorf("%s:%d: %w; nothing is redacted by guess", e.Source, e.Line, e.Err), `"julianctl validate" says what is wrong with it`)
	case ok:
		return cli.Failure(err, "")
	case err != nil:
		return err
	}
	if err := out.Close(); err != nil {
		return cli.Failure(fmt.Errorf("-o: %w", err), "")
	}
	payloads := 0
	for _, f := range files {
		payloads += f.Payloads
	}
	a.Redacted(r, payloads)
	redactedWhere(a, r, files)
	if opts.report != "" {
		return writeRedactReport(a, r, files, payloads, opts.report)
	}
	return nil
}

// keptWords reads the file of --keep-words; lines that begin with # are comments.
func keptWords(path string) (words []string, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, cli.Failure(fmt.Errorf("--keep-words: %w", err), "")
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			words = append(words, strings.Fields(line)...)
		}
	}
	return words, nil
}

package redact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/leak"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
)

// verifyRedacted searches redacted payloads for values of their originals.
func verifyRedacted(ctx context.Context, a *cli.App, paths []string) error {
	switch {
	case len(paths) != 2:
		return cli.UsageError(fmt.Errorf("--verify needs two PATHs, not %d", len(paths)), `"julianctl redact --verify ORIGINALS REDACTED"`)
	case slices.Contains(paths, "-"):
		return cli.UsageError(errors.New("--verify cannot read stdin: it reads twice"), "name files or folders")
	}
	search := leak.NewSearch()
	originals := 0
	for doc, err := range payload.Read(ctx, paths[:1], nil) {
		if err != nil {
			return cli.Failure(err, "")
		}
		if !search.Learn(doc.Body) {
			return notRedactable(doc)
		}
		originals++
	}
	next, stop := iter.Pull2(payload.Read(ctx, paths[:1], nil))
	defer stop()
	payloads, bad, values := 0, 0, 0
	for doc, err := range payload.Read(ctx, paths[1:], nil) {
		if err != nil {
			return cli.Failure(err, "")
		}
		// Payloads stand in the order of their originals unless something was
		// done to them; then each is held against all.
		original, _, _ := next()
		left, ok := search.Find(original.Body, doc.Body)
		if !ok {
			return notRedactable(doc)
		}
		payloads++
		if len(left) > 0 {
			bad++
		}
		values += len(left)
		for _, l := range left {
			fmt.Fprintf(a.Out, "%s:%d: %s is left at %s, character %d\n", safetext.Line(doc.Source), doc.Line, l.Kind, cmp.Or(safetext.Line(l.Pointer), "a key"), l.At+1)
		}
	}
	if payloads != originals {
		a.Note("%s", a.ErrStyle.Warn(fmt.Sprintf("%s, but %s: one by chance like a name is told as left", units.Count(originals, "original"), units.Count(payloads, "redacted payload"))))
	}
	if values > 0 {
		a.Note("%s in %d of %s", a.ErrStyle.Bad(units.CountVerb(values, "value", "is left", "are left")), bad, units.Count(payloads, "payload"))
		return cli.Verdict(cli.ExitNo)
	}
	a.Note("%s of %s is left in %s", a.ErrStyle.Good("nothing"), units.Count(originals, "original"), units.Count(payloads, "payload"))
	return nil
}

// notRedactable is the error for a document that is no payload.
func notRedactable(doc payload.Document) error {
	return cli.Failure(fmt.Errorf("%s:%d: %w", doc.Source, doc.Line, redact.ErrNotPayload), `"julianctl validate" says what is wrong with it`)
}

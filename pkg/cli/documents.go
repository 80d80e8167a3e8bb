package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/spelling"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// EmbeddedSource stands in place of a file's name.
const EmbeddedSource = "<sample>"

// Documents reads paths, or gives the embedded sample. Done releases stdin.
func (a *App) Documents(ctx context.Context, paths []string) (docs iter.Seq2[payload.Document, error], done func()) {
	if len(paths) == 0 {
		return func(yield func(payload.Document, error) bool) {
			yield(payload.Document{Source: EmbeddedSource, Line: 1, Column: 1, Body: julian.Sample()}, nil)
		}, func() {}
	}
	in, done := a.Stdin(ctx)
	return payload.Read(ctx, paths, in), done
}

// PathsOrStdin is paths, or stdin where there are none. What is typed on a terminal is
// not waited for: then mistake is the error.
func (a *App) PathsOrStdin(paths []string, mistake string) ([]string, error) {
	switch {
	case len(paths) > 0:
		return paths, nil
	case terminal.IsTerminal(a.In):
		return nil, UsageError(errors.New(mistake), "name a file or a folder, or pipe payloads in")
	}
	return []string{"-"}, nil
}

// MissingFileHint is for a file of payloads that does not exist; empty for any other
// error.
func MissingFileHint(err error) string {
	e, ok := errors.AsType[*payload.Error](err)
	if !ok || !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	folder, name := filepath.Split(e.Source)
	var there []string
	entries, _ := os.ReadDir(cmp.Or(folder, ".")) // without them there is no near one
	for _, entry := range entries {
		there = append(there, entry.Name())
	}
	if near := spelling.Nearest(name, there); near != "" {
		return fmt.Sprintf("did you mean %q?", folder+near)
	}
	return fmt.Sprintf(`"julianctl sample --offline -o %s" writes a sample`, safetext.Shell(e.Source))
}

// Edited is docs with the edits of --set made. A document that they do not fit
// becomes an error that says where it is; the first is tried at once.
func (p *PlanFlags) Edited(docs iter.Seq2[payload.Document, error]) (iter.Seq2[payload.Document, error], error) {
	if p.Edits == nil {
		return docs, nil
	}
	if err := fitEdits(docs, p.Edits, p.Paths); err != nil {
		return nil, err
	}
	return func(yield func(payload.Document, error) bool) {
		for doc, err := range docs {
			if err == nil {
				var body []byte
				if body, err = editedBody(doc.Body, p.Edits); err != nil {
					doc, err = payload.Document{}, &payload.Error{Source: doc.Source, Line: doc.Line, Column: doc.Column, Offset: doc.Offset, Err: err}
				}
				doc.Body = body
			}
			if !yield(doc, err) {
				return
			}
		}
	}, nil
}

func editedBody(body []byte, edits []Edit) ([]byte, error) {
	if !jsonscan.Valid(body) {
		return nil, errors.New("--set cannot change what is not JSON")
	}
	return ApplyEdits(body, edits)
}

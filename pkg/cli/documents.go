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
// becomes an error that says where it is.
func Edited(docs iter.Seq2[payload.Document, error], edits []Edit) iter.Seq2[payload.Document, error] {
	return func(yield func(payload.Document, error) bool) {
		for doc, err := range docs {
			if err == nil {
				if doc, err = editedDocument(doc, edits); err != nil {
					doc, err = payload.Document{}, &payload.Error{Source: doc.Source, Line: doc.Line, Column: doc.Column, Offset: doc.Offset, Err: err}
				}
			}
			if !yield(doc, err) {
				return
			}
		}
	}
}

func editedDocument(doc payload.Document, edits []Edit) (_ payload.Document, err error) {
	if !jsonscan.Valid(doc.Body) {
		return doc, errors.New("--set cannot change what is not JSON")
	}
	changed, err := ApplyEdits(doc.Body, edits)
	if err != nil {
		return doc, err
	}
	doc.Body = changed
	return doc, nil
}

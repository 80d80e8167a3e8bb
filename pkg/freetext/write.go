package freetext

import (
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/letters"
	"github.com/julianctl/julianctl/pkg/pseudonym"
)

// write adds the line with what was decided.
func (t *Text) write(dst []byte) []byte {
	done := 0
	for i := range t.tokens {
		tok := &t.tokens[i]
		switch {
		case tok.kind != "":
			dst = append(append(dst, t.s[done:tok.start]...), t.replacement(tok)...)
			done = tok.end
			t.Counts[tok.kind]++
		case tok.id > 0 && (tok.word.core&t.among() == 0 || tok.word.kept) && !tok.single && (i > 0 || !t.is(i, "speaker")):
			t.Kept[tok.id]++
		}
	}
	return append(dst, t.s[done:]...)
}

// replacement is what a token becomes.
func (t *Text) replacement(tok *token) string {
	s := t.text(tok)
	switch {
	case tok.with != "":
		return tok.with
	case tok.form == aWord:
		return t.inflected(s)
	case tok.form == aNumber && s[0] == '+':
		return t.Phone(s)
	case tok.form == aNumber && pseudonym.IsDate(s):
		return t.Date(s)
	case tok.form == aNumber:
		return t.Digits(s)
	case tok.form == anEmail:
		return t.Email(s)
	case tok.form == anID:
		return t.ID(s)
	case tok.form == aLink:
		return t.Link(s, t.IDs)
	case tok.form == aHost:
		host, path, _ := strings.Cut(s, "/")
		return t.Host(host) + t.Mixed(s[len(host):len(host)+min(1, len(path))]+path)
	}
	return t.Mixed(s)
}

// inflected is word for a form of a name that the payload has in another field:
// Kowalskiego is what Kowalski is, with the same ending.
func (t *Text) inflected(w string) string {
	for _, name := range t.Names {
		stem := strings.TrimRight(name, "aeiouyąęё")
		if len(stem) < 4 || len(w) < len(stem) {
			continue
		}
		folded := letters.Fold(w)
		if rest, found := strings.CutPrefix(folded, stem); found && len(rest) <= 4 && !slices.Contains(t.Names, folded) && len(folded) == len(w) {
			return t.Word(w[:len(stem)]) + w[len(stem):]
		}
	}
	return t.Word(w)
}

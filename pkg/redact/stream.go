package redact

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/julianctl/julianctl/pkg/payload"
)

// File is what came of one source.
type File struct {
	Source   string `json:"source"`
	Payloads int    `json:"payloads"`
	Kept     []Kept `json:"kept"` // the most frequent first
}

// Kept is a word that was left in free text.
type Kept struct {
	Word  string `json:"word"`
	Count int    `json:"count"`
}

// maxKept is how many words a [File] has, without those that any text is full
// of, such as "the".
const maxKept = 20

// batch is what came of a chunk.
type batch struct {
	source   string
	lines    []byte
	payloads int
	err      error
}

// Stream hands the documents of paths, as [payload.Read] finds them, to write:
// redacted, one after the other, in their order. It works on jobs goroutines,
// and adds what they counted to r. Memory follows the largest document. The
// error is that of ctx or of write, or a [payload.Error]; after one, a read of
// stdin that waits has to be ended by the caller.
func (r *Redactor) Stream(ctx context.Context, paths []string, stdin io.Reader, jobs int, write func(lines []byte) error) ([]File, error) {
	var mu sync.Mutex
	var forks []*Redactor
	free := sync.Pool{New: func() any { return new([]byte) }}
	batches := payload.Map(ctx, paths, stdin, jobs, func() func(payload.Chunk, error) batch {
		mu.Lock()
		defer mu.Unlock()
		fork := r.Fork()
		forks = append(forks, fork)
		return func(c payload.Chunk, err error) batch {
			if err != nil {
				return batch{err: err}
			}
			return fork.chunk(c, *free.Get().(*[]byte))
		}
	})
	var files []File
	for b := range batches {
		if len(b.lines) > 0 {
			if err := write(b.lines); err != nil {
				return nil, err
			}
			free.Put(&b.lines)
		}
		if b.err != nil {
			return nil, b.err
		}
		if n := len(files); n == 0 || files[n-1].Source != b.source {
			files = append(files, File{Source: b.source})
		}
		files[len(files)-1].Payloads += b.payloads
	}
	kept := map[string]map[string]int{}
	for _, fork := range forks {
		fork.takeKept()
		r.Join(fork)
		for source, counts := range fork.files {
			if kept[source] == nil {
				kept[source] = map[string]int{}
			}
			for word, n := range counts {
				kept[source][word] += n
			}
		}
	}
	for i, f := range files {
		files[i].Kept = mostKept(kept[f.Source])
	}
	return files, nil
}

// chunk redacts the documents of a chunk, up to the first that is no payload,
// into memory that is there.
func (r *Redactor) chunk(c payload.Chunk, memory []byte) batch {
	b := batch{source: c.Source(), lines: memory[:0]}
	if b.source != r.source {
		r.takeKept()
		r.source = b.source
	}
	for doc, rest, ok := c.Next(); ok; doc, rest, ok = rest.Next() {
		if b.lines, b.err = r.appendTo(b.lines, doc.Body); b.err != nil {
			b.err = &payload.Error{Source: doc.Source, Line: doc.Line, Column: doc.Column, Offset: doc.Offset, Err: b.err}
			break
		}
		b.lines = append(bytes.TrimSuffix(b.lines, []byte("\n")), '\n')
		b.payloads++
	}
	return b
}

// takeKept adds how often words were left to the counts of the source at hand.
func (r *Redactor) takeKept() {
	counts := r.files[r.source]
	if counts == nil {
		counts = map[string]int{}
		r.files[r.source] = counts
	}
	for id, n := range r.text.Kept {
		if n > 0 {
			counts[r.lex.Text(id)] += int(n)
			r.text.Kept[id] = 0
		}
	}
}

// mostKept are the most frequent words.
func mostKept(counts map[string]int) []Kept {
	all := make([]Kept, 0, len(counts))
	for word, n := range counts {
		all = append(all, Kept{word, n})
	}
	slices.SortFunc(all, func(a, b Kept) int { return cmp.Or(b.Count-a.Count, strings.Compare(a.Word, b.Word)) })
	return all[:min(len(all), maxKept)]
}

package payload

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/julianctl/julianctl/pkg/inorder"
)

// Several workers get the documents that one reader gets, at the same places.
func TestMapIsRead(t *testing.T) {
	dir := t.TempDir()
	var lines, values strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&lines, "{\"number\":%d}%s", i, []string{"\n", "\r\n", "\n\n \n"}[i%3])
	}
	for i := range 50 {
		fmt.Fprintf(&values, "{\n  \"number\": %d\n}\n", i)
	}
	for name, text := range map[string]string{
		"a.ndjson": lines.String(), "b.json": values.String(), "c.json": "[{},\n{}\n", "d.json": " ", "e.ndjson": "{}\n" + lines.String() + "{}", "f.json": "{",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type part struct {
		docs []Document
		err  error
	}
	paths := []string{dir, "-", filepath.Join(dir, "missing")}
	for _, jobs := range []int{1, 4} {
		parts := Map(t.Context(), paths, strings.NewReader(lines.String()), jobs, func() func(Chunk, error) part {
			return func(c Chunk, err error) part {
				p := part{err: err}
				for doc, rest, ok := c.Next(); ok; doc, rest, ok = rest.Next() {
					doc.Body = []byte(string(doc.Body)) // the memory is given back
					p.docs = append(p.docs, doc)
				}
				return p
			}
		})
		got := collect(t, func(yield func(Document, error) bool) {
			for p := range parts {
				for _, doc := range p.docs {
					if !yield(doc, nil) {
						return
					}
				}
				if p.err != nil && !yield(Document{}, p.err) {
					return
				}
			}
		})
		want := readAll(t, strings.NewReader(lines.String()), paths...)
		for i := range want {
			want[i].At, _, _ = strings.Cut(want[i].At, "#") // the number is the reader's
		}
		for i := range got {
			got[i].At, _, _ = strings.Cut(got[i].At, "#")
		}
		if d := diff(want, got); d != "" || len(got) < 120_000 {
			t.Fatalf("%d jobs, %d documents (-want +got):\n%.2000s", jobs, len(got), d)
		}
	}
}

// Large documents wait until there is room for them.
func TestMapIsFlat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := `{"pad":"` + strings.Repeat("x", inorder.Room/3-20) + "\"}\n"
		begun, on := make(chan struct{}, 100), make(chan struct{})
		count := 0
		var results sync.WaitGroup
		results.Go(func() {
			in := strings.NewReader(strings.Repeat(line, 10))
			for size := range Map(t.Context(), []string{"-"}, in, 5, func() func(Chunk, error) int {
				return func(c Chunk, _ error) int {
					begun <- struct{}{}
					<-on
					return c.Size()
				}
			}) {
				count += size
			}
		})
		synctest.Wait()
		if len(begun) != 3 {
			t.Errorf("%d documents of a third of the room are worked on", len(begun))
		}
		close(on)
		results.Wait()
		if count != 10*len(line) {
			t.Errorf("%d bytes", count)
		}
	})
}

// A loop that is left ends the reading.
func TestMapLeft(t *testing.T) {
	in := &endless{}
	for range Map(t.Context(), []string{"-"}, in, 3, func() func(Chunk, error) int {
		return func(Chunk, error) int { return 0 }
	}) {
		break
	}
	if in.n > 64<<20 {
		t.Errorf("%d bytes were read", in.n)
	}
}

type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, "{}\n")
	e.n += n
	return n, nil
}

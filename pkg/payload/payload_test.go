package payload

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/klauspost/compress/zstd"
)

// found is a document or an error, as a test states it.
type found struct {
	At   string // source:line:column+offset#index
	Body string
	Err  error // the sentinel
}

func readAll(t *testing.T, stdin io.Reader, paths ...string) []found {
	t.Helper()
	return collect(t, func(yield func(Document, error) bool) {
		for doc, err := range Read(t.Context(), paths, stdin) {
			if !yield(doc, err) {
				return
			}
		}
	})
}

func collect(t *testing.T, docs func(func(Document, error) bool)) (all []found) {
	t.Helper()
	sentinels := []error{ErrEmpty, ErrNoFiles, ErrNoMatch, ErrTooLarge, ErrArray, fs.ErrNotExist, fs.ErrPermission,
		io.ErrUnexpectedEOF, gzip.ErrHeader, filepath.ErrBadPattern, context.Canceled, errBroken}
	for doc, err := range docs {
		f := found{At: fmt.Sprintf("%s:%d:%d+%d", filepath.ToSlash(doc.Source), doc.Line, doc.Column, doc.Offset), Body: string(doc.Body)}
		if err != nil {
			f = found{Err: err}
			if e, ok := errors.AsType[*Error](err); ok {
				f.At = fmt.Sprintf("%s:%d:%d+%d", filepath.ToSlash(e.Source), e.Line, e.Column, e.Offset)
			}
			for _, s := range sentinels {
				if errors.Is(err, s) {
					f.Err = s
				}
			}
		}
		all = append(all, f)
	}
	return all
}

var errBroken = errors.New("broken pipe")

func equalErrors(a, b error) bool { return a == b }

func diff(want, got []found) string { return cmp.Diff(want, got, cmp.Comparer(equalErrors)) }

func TestReadContent(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []found
	}{
		{"minified", `{"a":1}`, []found{{"<stdin>:1:1+0", `{"a":1}`, nil}}},
		{"one line end", "{\"a\":1}\n", []found{{"<stdin>:1:1+0", "{\"a\":1}\n", nil}}},
		{"pretty, space kept", "\n {\n\t\"a\": [\n {} ]\r\n}\n\n", []found{{"<stdin>:1:1+0", "\n {\n\t\"a\": [\n {} ]\r\n}\n\n", nil}}},
		{"lines", "{\"a\":1}\n{\"b\":2}\n", []found{{"<stdin>:1:1+0", `{"a":1}`, nil}, {"<stdin>:2:1+8", `{"b":2}`, nil}}},
		{"lines, CRLF, blank, indented, no last end", "\r\n{\"a\":1}\r\n\r\n \t{\"é\":2} \r\n{}", []found{
			{"<stdin>:2:1+2", `{"a":1}`, nil}, {"<stdin>:4:3+15", `{"é":2}`, nil}, {"<stdin>:5:1+26", `{}`, nil}}},
		{"lines, later one broken", "{}\n{\"a\":\n}\n{}\n", []found{
			{"<stdin>:1:1+0", "{}", nil}, {"<stdin>:2:1+3", `{"a":`, nil}, {"<stdin>:3:1+9", "}", nil}, {"<stdin>:4:1+11", "{}", nil}}},
		{"lines, first cut off", "{\"a\":\"b\n{\"b\":2}\n", []found{{"<stdin>:1:1+0", `{"a":"b`, nil}, {"<stdin>:2:1+8", `{"b":2}`, nil}}},
		{"first line garbage", "x\n{\"b\":2}\n{}", []found{{"<stdin>:1:1+0", "x", nil}, {"<stdin>:2:1+2", `{"b":2}`, nil}, {"<stdin>:3:1+10", `{}`, nil}}},
		{"bracket on a line of its own", "{\"a\":\n{\"b\":[\n{}]}}", []found{{"<stdin>:1:1+0", "{\"a\":\n{\"b\":[\n{}]}}", nil}}},
		{"several pretty", "{\n \"a\": \"}\\\"\"\n}\n\n{\n}\n", []found{{"<stdin>:1:1+0", "{\n \"a\": \"}\\\"\"\n}", nil}, {"<stdin>:5:1+17", "{\n}", nil}}},
		{"pretty, one bracket too many", "{\n \"a\": {\n }},\n \"b\": 1\n}\n", []found{{"<stdin>:1:1+0", "{\n \"a\": {\n }},\n \"b\": 1\n}\n", nil}}},
		{"line end in a string", "{\"a\":\"b\nc\"}\n", []found{{"<stdin>:1:1+0", "{\"a\":\"b\nc\"}\n", nil}}},
		{"no JSON", "<html>\n<p>\n", []found{{"<stdin>:1:1+0", "<html>\n<p>\n", nil}}},
		{"mark", "\ufeff{}", []found{{"<stdin>:1:1+0", "\ufeff{}", nil}}},
		{"mark and lines", "\ufeff{}\n{}", []found{{"<stdin>:1:1+0", "\ufeff{}", nil}, {"<stdin>:2:1+6", "{}", nil}}},
		{"mark inside", "[{},\ufeff{}]", []found{{"<stdin>:1:2+1", "{}", nil}, {"<stdin>:1:5+4", "\ufeff{}", nil}}},
		{"array", "[{\"a\":[1,2]} ,\n {\"é\":\",]\"},{}]\n", []found{
			{"<stdin>:1:2+1", `{"a":[1,2]}`, nil}, {"<stdin>:2:2+16", `{"é":",]"}`, nil}, {"<stdin>:2:13+28", `{}`, nil}}},
		{"array of anything", `[1,"]",null]`, []found{{"<stdin>:1:2+1", "1", nil}, {"<stdin>:1:4+3", `"]"`, nil}, {"<stdin>:1:8+7", "null", nil}}},
		{"array, comma missing", `[{} {}]`, []found{{"<stdin>:1:2+1", "{} {}", nil}}},
		{"array, one comma too many", `[{},,{},]`, []found{
			{"<stdin>:1:2+1", "{}", nil}, {"<stdin>:1:5+4", "", ErrArray}, {"<stdin>:1:6+5", "{}", nil}, {"<stdin>:1:9+8", "", ErrArray}}},
		{"array not closed", "[{}\n", []found{{"<stdin>:1:2+1", "{}", nil}, {"<stdin>:2:1+4", "", ErrArray}}},
		{"array not closed after comma", "[{},", []found{{"<stdin>:1:2+1", "{}", nil}, {"<stdin>:1:5+4", "", ErrArray}}},
		{"array opened", "[", []found{{"<stdin>:1:2+1", "", ErrArray}}},
		{"array, element cut off", `[{"a":"`, []found{{"<stdin>:1:2+1", `{"a":"`, nil}}},
		{"array, more after", "[{}] x", []found{{"<stdin>:1:2+1", "{}", nil}, {"<stdin>:1:6+5", "", ErrArray}}},
		{"array, empty", "[ ]", []found{{"<stdin>:1:3+2", "", ErrEmpty}}},
		{"empty", "", []found{{"<stdin>:0:0+0", "", ErrEmpty}}},
		{"white space", " \r\n\t", []found{{"<stdin>:0:0+0", "", ErrEmpty}}},
		{"scalar", "null\n", []found{{"<stdin>:1:1+0", "null\n", nil}}},
	} {
		for _, pack := range []struct {
			name string
			do   func(*testing.T, string) []byte
		}{{"plain", asIs}, {"gzip", gzipped}, {"zstd", zstandard}} {
			for _, reader := range []struct {
				name string
				of   func(io.Reader) io.Reader
			}{{"at once", func(r io.Reader) io.Reader { return r }}, {"byte by byte", iotest.OneByteReader}, {"end with data", iotest.DataErrReader}} {
				t.Run(tt.name+"/"+pack.name+"/"+reader.name, func(t *testing.T) {
					got := readAll(t, reader.of(bytes.NewReader(pack.do(t, tt.in))), "-")
					if d := diff(tt.want, got); d != "" {
						t.Errorf("(-want +got):\n%s", d)
					}
				})
			}
		}
	}
}

func asIs(_ *testing.T, s string) []byte { return []byte(s) }

func gzipped(t *testing.T, s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t *testing.T, s string) []byte {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll([]byte(s), nil)
}

// A file is read as what it holds; its name decides only where the content
// could be both.
func TestReadNames(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "one.ndjson", "{}\n")
	write(t, dir, "one.json", "{}\n")
	write(t, dir, "cut.JSONL", "{\"a\":\n{}\n")
	write(t, dir, "cut.json", "{\"a\":\n{}\n")
	write(t, dir, "pretty.ndjson", "{\n}\n")
	write(t, dir, "packed.json", string(gzipped(t, "{}")))
	write(t, dir, "odd.gz", "{}")
	t.Chdir(dir)
	want := []found{
		{"one.ndjson:1:1+0", "{}", nil},
		{"one.json:1:1+0", "{}\n", nil},
		{"cut.JSONL:1:1+0", `{"a":`, nil},
		{"cut.JSONL:2:1+6", `{}`, nil},
		{"cut.json:1:1+0", "{\"a\":\n{}\n", nil},
		{"pretty.ndjson:1:1+0", "{\n}\n", nil},
		{"packed.json:1:1+0", "{}", nil},
		{"odd.gz:1:1+0", "{}", nil},
	}
	got := readAll(t, nil, "one.ndjson", "one.json", "cut.JSONL", "cut.json", "pretty.ndjson", "packed.json", "odd.gz")
	if d := diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReadPaths(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.json", "a.ndjson", "c.txt", "sub/d.json.gz", "sub/deep/e.JSONL.zst", "sub2/f.json", "empty.json", "none/readme", "-", "w[1].json"} {
		content := "{}"
		if name == "empty.json" {
			content = ""
		}
		write(t, dir, name, content)
	}
	t.Chdir(dir)
	doc := func(path string) found { return found{path + ":1:1+0", "{}", nil} }
	fail := func(path string, err error) found { return found{path + ":0:0+0", "", err} }
	for _, tt := range []struct {
		paths []string
		want  []found
	}{
		{nil, nil},
		{[]string{"missing", "b.json", "none", "empty.json"}, []found{fail("missing", fs.ErrNotExist), doc("b.json"), fail("none", ErrNoFiles), fail("empty.json", ErrEmpty)}},
		{[]string{"sub"}, []found{doc("sub/d.json.gz"), doc("sub/deep/e.JSONL.zst")}},
		{[]string{"c.txt", "w[1].json"}, []found{doc("c.txt"), doc("w[1].json")}},
		{[]string{"[ab].*json"}, []found{doc("a.ndjson"), doc("b.json")}},
		{[]string{"sub*/*.json*"}, []found{doc("sub/d.json.gz"), doc("sub2/f.json")}},
		{[]string{"s*"}, []found{doc("sub/d.json.gz"), doc("sub/deep/e.JSONL.zst"), doc("sub2/f.json")}},
		{[]string{"**/*.json*"}, []found{doc("b.json"), fail("empty.json", ErrEmpty), doc("w[1].json"), doc("sub/d.json.gz"), doc("sub2/f.json")}},
		{[]string{"sub/**"}, []found{doc("sub/d.json.gz"), doc("sub/deep/e.JSONL.zst")}},
		{[]string{"sub/**/e*"}, []found{doc("sub/deep/e.JSONL.zst")}},
		{[]string{"s*/**/[ef]*"}, []found{doc("sub/deep/e.JSONL.zst"), doc("sub2/f.json")}},
		{[]string{"**/sub*"}, []found{fail("**/sub*", ErrNoMatch)}}, // folders, the files of which ** reaches by itself
		{[]string{"?"}, []found{doc("-")}},
		{[]string{"no*.json", "missing/*/x", "b.json"}, []found{fail("no*.json", ErrNoMatch), fail("missing/*/x", ErrNoMatch), doc("b.json")}},
		{[]string{"[", "b.json"}, []found{fail("[", filepath.ErrBadPattern), doc("b.json")}},
		{[]string{"-", "-"}, []found{{"<stdin>:1:1+0", "{}", nil}, {"<stdin>:0:0+0", "", ErrEmpty}}},
	} {
		got := readAll(t, strings.NewReader("{}"), tt.paths...)
		if d := diff(tt.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.paths, d)
		}
	}
	absolute := readAll(t, nil, filepath.Join(dir, "sub*", "f.json"))
	if d := diff([]found{doc(filepath.ToSlash(filepath.Join(dir, "sub2", "f.json")))}, absolute); d != "" {
		t.Errorf("absolute pattern (-want +got):\n%s", d)
	}
}

func TestReadLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "real/a.json", "{}")
	for link, to := range map[string]string{"real/b.json": "a.json", "real/dead.json": "nowhere", "real/loop": "."} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	t.Chdir(dir)
	want := []found{{"real/a.json:1:1+0", "{}", nil}, {"real/b.json:1:1+0", "{}", nil}, {"real/dead.json:0:0+0", "", fs.ErrNotExist}}
	if d := diff(want, readAll(t, nil, "real")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestReadWithoutRights(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("this user may read everything")
	}
	dir := t.TempDir()
	write(t, dir, "d/a.json", "{}")
	write(t, dir, "d/shut/b.json", "{}")
	write(t, dir, "d/z.json", "{}")
	write(t, dir, "f.json", "{}")
	for _, name := range []string{"d/shut", "f.json"} {
		path := filepath.Join(dir, name)
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(path, 0o755) })
	}
	t.Chdir(dir)
	want := []found{{"f.json:0:0+0", "", fs.ErrPermission}, {"d/a.json:1:1+0", "{}", nil}, {"d/shut:0:0+0", "", fs.ErrPermission}, {"d/z.json:1:1+0", "{}", nil},
		{"d/shut:0:0+0", "", fs.ErrPermission}}
	if d := diff(want, readAll(t, nil, "f.json", "d", "d/shut/*")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// What came before trouble is given; what may be cut off is not.
func TestReadTrouble(t *testing.T) {
	packed := gzipped(t, "{\"a\":1}\n{\"b\":2}\n"+strings.Repeat("{\"c\":\"0123456789\"}\n", 10000))
	broken := func(s string) io.Reader { return io.MultiReader(strings.NewReader(s), iotest.ErrReader(errBroken)) }
	for _, tt := range []struct {
		name string
		in   io.Reader
		want []found
	}{
		{"header", bytes.NewReader([]byte("\x1f\x8bno gzip at all")), []found{{"<stdin>:0:0+0", "", gzip.ErrHeader}}},
		{"at once", iotest.ErrReader(errBroken), []found{{"<stdin>:0:0+0", "", errBroken}}},
		{"document", broken(`{"a":1}`), []found{{"<stdin>:1:1+0", "", errBroken}}},
		{"space", broken("      \n"), []found{{"<stdin>:1:1+0", "", errBroken}}},
		{"line", broken("{\"a\":1}\n{}\n{"), []found{{"<stdin>:1:1+0", `{"a":1}`, nil}, {"<stdin>:2:1+8", `{}`, nil}, {"<stdin>:3:1+11", "", errBroken}}},
		{"array", broken("[{},{"), []found{{"<stdin>:1:2+1", `{}`, nil}, {"<stdin>:1:5+4", "", errBroken}}},
	} {
		if d := diff(tt.want, readAll(t, tt.in, "-")); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	cut := readAll(t, bytes.NewReader(packed[:len(packed)-20]), "-")
	if n := len(cut); n < 3 || cut[n-1].Err != io.ErrUnexpectedEOF {
		t.Errorf("gzip cut off: %d results, the last %+v", n, cut[n-1])
	}
}

func TestReadStops(t *testing.T) {
	in := strings.Repeat("{}\n", 10)
	for range Read(t.Context(), []string{"-", "missing"}, strings.NewReader(in)) {
		break // must not go on, or the runtime panics
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []found
	for doc, err := range Read(ctx, []string{"-", "missing"}, iotest.OneByteReader(strings.NewReader(in))) {
		cancel()
		got = append(got, collect(t, func(yield func(Document, error) bool) { yield(doc, err) })...)
	}
	want := []found{{"<stdin>:1:1+0", "{}", nil}, {"", "", context.Canceled}}
	if d := diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A bomb of a document ends in an error; one of lines costs a line each.
func TestReadLimit(t *testing.T) {
	const limit = 1 << 20
	long := strings.Repeat("x", 2*limit)
	read := func(name string, in io.Reader) []found {
		return collect(t, func(yield func(Document, error) bool) {
			r := reader{stopped: t.Context().Err, limit: limit}
			documents(func(yield func(Chunk, error) bool) { r.stream(name, in, 0, yield) }, yield)
		})
	}
	for _, tt := range []struct {
		name, in string
		want     []found
	}{
		{"document", "{\n" + long, []found{{"n:1:1+0", "", ErrTooLarge}}},
		{"first line", "{" + long, []found{{"n:1:1+0", "", ErrTooLarge}}},
		{"space", strings.Repeat(" \n", limit), []found{{"n:1:1+0", "", ErrTooLarge}}},
		{"line", "{}\n{}\n" + long + "\n{}\n", []found{{"n:1:1+0", "{}", nil}, {"n:2:1+3", "{}", nil}, {"n:3:1+6", "", ErrTooLarge}, {"n:4:1+2097159", "{}", nil}}},
		{"element", "[{}," + long + "]", []found{{"n:1:2+1", "{}", nil}, {"n:1:5+4", "", ErrTooLarge}}},
		{"second of several", "{\n}\n{\n" + long, []found{{"n:1:1+0", "{\n}", nil}, {"n:3:1+4", "", ErrTooLarge}}},
	} {
		if d := diff(tt.want, read("n", bytes.NewReader(gzipped(t, tt.in)))); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// Memory follows the largest document, not the source: 60 MB of lines
// leave no more than a few chunks alive.
func TestReadIsFlat(t *testing.T) {
	line := strings.Repeat(" ", 1000) + "{}\n"
	const lines = 60_000
	in := &repeat{s: line, n: lines}
	var peak, count uint64
	for _, err := range Read(t.Context(), []string{"-"}, in) {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count%5000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}
	if count != lines || peak > 8<<20 {
		t.Errorf("%d documents with %d bytes live, want %d in under 8 MiB", count, peak, lines)
	}
}

// repeat is s, n times.
type repeat struct {
	s    string
	n    int
	left string
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.left == "" {
		if r.n == 0 {
			return 0, io.EOF
		}
		r.n--
		r.left = r.s
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// Bodies are the caller's: what comes later does not change them.
func TestBodiesLast(t *testing.T) {
	var b strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&b, "{\"number\":%d}\n", i)
	}
	var docs []Document
	for doc, err := range Read(t.Context(), []string{"-"}, strings.NewReader(b.String())) {
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	for i, doc := range docs {
		if want := fmt.Sprintf("{\"number\":%d}", i); string(doc.Body) != want || doc.Line != i+1 {
			t.Fatalf("document %d is %q, line %d", i, doc.Body, doc.Line)
		}
	}
	if len(docs) != 50_000 {
		t.Errorf("%d documents", len(docs))
	}
}

// Chunks that are released as soon as they are cut give the same documents.
func TestChunks(t *testing.T) {
	var b strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&b, "{\"number\":%d}\r\n", i)
	}
	for _, in := range []io.Reader{strings.NewReader(b.String()), iotest.HalfReader(strings.NewReader(b.String()))} {
		n, before, offset := 0, 0, int64(0)
		for chunk, err := range Chunks(t.Context(), []string{"-"}, in) {
			if err != nil || chunk.First != (n == 0) || chunk.Size() == 0 {
				t.Fatalf("chunk of %d bytes, first is %t, error %v", chunk.Size(), chunk.First, err)
			}
			doc, rest, ok := chunk.Next()
			for ; ok; doc, rest, ok = rest.Next() {
				if want := fmt.Sprintf("{\"number\":%d}", n); string(doc.Body) != want || before+doc.Line != n+1 || doc.Offset != offset {
					t.Fatalf("document %d is %q at %d, line %d behind %d", n, doc.Body, doc.Offset, doc.Line, before)
				}
				n++
				offset += int64(len(doc.Body)) + 2
			}
			before += rest.Ends()
			chunk.Release()
		}
		if n != 50_000 {
			t.Errorf("%d documents", n)
		}
	}
}

// Whatever comes in: each body stands at its offset, line and column, bodies
// do not overlap, and how the bytes arrive changes nothing.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"{}\n{}", "[{},{}]", "[[],", "{\n}\n{\n}", "\ufeff{}\r\n\r\n{}", "[\"\\\"]\",]x", " ", "{\"a\":\"\n\xff{"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1 && (in[0] == 0x1f || in[0] == 0x28 || in[0]&0xf0 == 0x50) {
			return // perhaps compressed: offsets are those of another text
		}
		got := readAll(t, bytes.NewReader(in), "-")
		if len(got) == 0 {
			t.Fatal("nothing came of it, not even an error")
		}
		if d := diff(got, readAll(t, iotest.OneByteReader(bytes.NewReader(in)), "-")); d != "" {
			t.Errorf("byte by byte:\n%s", d)
		}
		end := int64(0)
		for doc, err := range Read(t.Context(), []string{"-"}, bytes.NewReader(in)) {
			if err != nil {
				continue
			}
			if doc.Offset < end || !bytes.Equal(in[doc.Offset:doc.Offset+int64(len(doc.Body))], doc.Body) {
				t.Errorf("body %q is not at offset %d", doc.Body, doc.Offset)
			}
			if p := jsonscan.Start.After(in[:doc.Offset]); p != doc.Position() {
				t.Errorf("body at %d is at %d:%d, not %d:%d", doc.Offset, p.Line, p.Column, doc.Line, doc.Column)
			}
			end = doc.Offset + int64(len(doc.Body))
		}
	})
}

// Lines are counted over all chunks, blank ones and those too large to hold
// included, and begin anew with each source.
func TestLinesOverChunks(t *testing.T) {
	var text strings.Builder
	var want []int
	line := 1
	for i := range 30_000 {
		fmt.Fprintf(&text, "{\"number\":%d}", i)
		want = append(want, line)
		for range 1 + i%3 {
			text.WriteString([]string{"\n", "\r\n", " \t\n"}[i%3])
			line++
		}
		if i%9999 == 5000 {
			text.WriteString(strings.Repeat("x", 1<<20+chunkSize) + "\n")
			want = append(want, line)
			line++
		}
	}
	dir := t.TempDir()
	empty, missing, lines := filepath.Join(dir, "empty.ndjson"), filepath.Join(dir, "missing.ndjson"), filepath.Join(dir, "lines.ndjson")
	write(t, dir, "empty.ndjson", " \n\n")
	write(t, dir, "lines.ndjson", text.String())
	var got []int
	r := reader{stopped: t.Context().Err, limit: 1 << 20}
	documents(r.chunks([]string{lines, empty, missing, lines}), func(doc Document, err error) bool {
		if e, ok := errors.AsType[*Error](err); ok {
			doc.Line = e.Line
		}
		got = append(got, doc.Line)
		return true
	})
	want = slices.Concat(want, []int{0, 0}, want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
}

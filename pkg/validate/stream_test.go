package validate_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

// stream is what Stream makes of stdin, in one piece.
func stream(t *testing.T, v *validate.Validator, in io.Reader, jobs int, paths ...string) (all validate.Result, errs []error) {
	t.Helper()
	for r := range v.Stream(t.Context(), paths, in, jobs) {
		all.Documents += r.Documents
		all.Incorrect += r.Incorrect
		all.Issues = append(all.Issues, r.Issues...)
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	return all, errs
}

// However many goroutines there are, and however the bytes arrive, the issues are
// those of one document after the other, in their order.
func TestStreamInOrder(t *testing.T) {
	v := newValidator(t, validate.Options{})
	body := brokenCorpus(t, 3000, 7)
	var want validate.Result
	for doc, err := range payload.Read(t.Context(), []string{"-"}, bytes.NewReader(body)) {
		if err != nil {
			t.Fatal(err)
		}
		want.Documents++
		if issues := v.Issues(doc); len(issues) > 0 {
			want.Incorrect++
			want.Issues = append(want.Issues, issues...)
		}
	}
	if want.Documents != 3000 || want.Incorrect != 3001/7+1 {
		t.Fatalf("%d of %d documents are broken", want.Incorrect, want.Documents)
	}
	for _, jobs := range []int{1, 2, 9} {
		for _, in := range []io.Reader{bytes.NewReader(body), iotest.HalfReader(bytes.NewReader(body))} {
			got, errs := stream(t, v, in, jobs, "-")
			if diff := cmp.Diff(want, got); diff != "" || errs != nil {
				t.Errorf("%d jobs: errors %v (-want +got):\n%s", jobs, errs, diff)
			}
		}
	}
}

// Lines are cut apart as package payload does it, whatever stands on them.
func TestStreamOfLines(t *testing.T) {
	v := newValidator(t, validate.Options{})
	good := minified(string(julian.Sample()))
	head, tail, _ := strings.Cut(good, ":")
	for name, text := range map[string]string{
		"plain":            good + "\n" + good + "\n",
		"no end":           good + "\n" + good,
		"CRLF":             good + "\r\n" + good + "\r\n",
		"blank":            good + "\n\n \t\n\r\n" + good + "\n \n",
		"indented":         "  " + good + "  \n\t" + good + "\t\n",
		"two on a line":    good + "\n" + good + good + "\n" + good,
		"two with a space": good + "\n" + good + " " + good + "\n",
		"over two lines":   good + "\n" + head + ":\n" + tail + "\n" + good,
		"broken string":    good + "\n" + head[:len(head)-2] + "\n" + tail + "\n" + good,
		"white space":      good + "\n" + head + " : " + tail + "\n{}\n" + good,
		"other values":     good + "\n1\nnull\n[]\n\"\"\nx\n}\n" + good,
		"after errors":     "{}\n{}\n\n" + good + "\n{}\n" + good + "\n\n{}\n",
		"not UTF-8":        good + "\n" + strings.Replace(good, "Victor", "V\xc3", 1) + "\n" + good + "\n",
		"cut character":    good + "\n" + strings.Replace(good, "Victor", "\xe3\x81", 1) + "\n" + good + "\n",
	} {
		var want validate.Result
		for doc, err := range payload.Read(t.Context(), []string{"-"}, strings.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			want.Documents++
			issues := v.SlowIssues(doc)
			want.Issues = append(want.Issues, issues...)
			if len(issues) > 0 {
				want.Incorrect++
			}
		}
		got, errs := stream(t, v, strings.NewReader(text), 2, "-")
		if diff := cmp.Diff(want, got); diff != "" || errs != nil {
			t.Errorf("%s: errors %v (-want +got):\n%s", name, errs, diff)
		}
	}
}

// Each source has lines of its own, whatever the one before it was.
func TestStreamOfSources(t *testing.T) {
	v := newValidator(t, validate.Options{})
	dir := t.TempDir()
	many, empty := filepath.Join(dir, "many.ndjson"), filepath.Join(dir, "empty.json")
	one, array := filepath.Join(dir, "one.json"), filepath.Join(dir, "array.json")
	for name, text := range map[string][]byte{
		many:  bytes.ReplaceAll(brokenCorpus(t, 2000, 7), []byte("\n"), []byte("\n\r\n")),
		empty: []byte("\n\n"),
		one:   []byte("{\n  \"call\": 1\n}\n"),
		array: []byte("[\n{},\n{}\n]"),
	} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	paths := []string{many, empty, many, one, filepath.Join(dir, "missing.json"), many, array, many}
	var want validate.Result
	for doc, err := range payload.Read(t.Context(), paths, nil) {
		if issue, ok := validate.FromError(err); ok {
			want.Issues = append(want.Issues, issue)
		} else if err == nil {
			want.Issues = append(want.Issues, v.SlowIssues(doc)...)
		}
	}
	if last := want.Issues[len(want.Issues)-1]; last.Line != 2*1995+1 {
		t.Fatalf("the last issue is in line %d", last.Line)
	}
	var together, apart, each []validate.Issue
	for r := range v.Stream(t.Context(), paths, nil, 3) {
		together = append(together, r.Issues...)
	}
	for r := range v.Each(t.Context(), paths, nil, 3) {
		apart = append(apart, r.Issues...)
		for _, j := range r.Each {
			each = append(each, j.Issues...)
		}
	}
	for _, got := range [][]validate.Issue{together, apart, each} {
		if diff := cmp.Diff(want.Issues, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// Each gives the documents one by one, and says the same of them all.
func TestEach(t *testing.T) {
	v := newValidator(t, validate.Options{})
	text := brokenCorpus(t, 3000, 7)
	var want, all []validate.Outcome
	for doc, err := range payload.Read(t.Context(), []string{"-"}, bytes.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, validate.Outcome{Source: doc.Source, Line: doc.Line, Column: doc.Column, Issues: v.SlowIssues(doc)})
	}
	var got validate.Result
	for r := range v.Each(t.Context(), []string{"-"}, bytes.NewReader(text), 3) {
		got.Documents += r.Documents
		got.Incorrect += r.Incorrect
		got.Issues = append(got.Issues, r.Issues...)
		all = append(all, r.Each...)
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	together, _ := stream(t, v, bytes.NewReader(text), 3, "-")
	if diff := cmp.Diff(together, got); diff != "" {
		t.Errorf("(-together +each):\n%s", diff)
	}
	for r := range v.Each(t.Context(), []string{"-"}, strings.NewReader("[]"), 1) {
		if len(r.Each) != 1 || r.Each[0].Line != 0 || len(r.Each[0].Issues) != 1 {
			t.Errorf("an empty array gives %+v, want one issue of the source", r)
		}
	}
}

// Sources that cannot be read do not stop the rest.
func TestStreamSources(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"a.json": string(julian.Sample()), "b.json": "", "c.json": "[{},"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	got, errs := stream(t, newValidator(t, validate.Options{Rules: map[string]validate.Severity{validate.RuleRequired: validate.Off}}), nil, 2,
		"missing", "a.json", "b.json", "c.json", "a.json")
	if len(errs) != 1 || !errors.Is(errs[0], fs.ErrNotExist) {
		t.Errorf("errors %v, want one of a missing file", errs)
	}
	var places []string
	for _, i := range got.Issues {
		places = append(places, i.File+":"+place(i)+" "+i.Rule)
	}
	if diff := cmp.Diff([]string{"b.json:1:1 empty", "c.json:1:5 syntax"}, places); diff != "" || got.Documents != 3 || got.Incorrect != 0 {
		t.Errorf("%d documents, %d incorrect (-want +got):\n%s", got.Documents, got.Incorrect, diff)
	}
}

// A stream that is left, or whose context ends, leaves no goroutine behind.
func TestStreamStops(t *testing.T) {
	v := newValidator(t, validate.Options{})
	body := bytes.Repeat([]byte("{}\n"), 1<<20)
	before := runtime.NumGoroutine()
	for range v.Stream(t.Context(), []string{"-"}, bytes.NewReader(body), 4) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	results, last := 0, error(nil)
	for r := range v.Stream(ctx, []string{"-"}, bytes.NewReader(body), 4) {
		cancel()
		results++
		last = r.Err
	}
	if !errors.Is(last, context.Canceled) || results < 2 || results > 100 {
		t.Errorf("%d results, the last error %v, want few and that of the context", results, last)
	}
	// A goroutine that has done its work may still be on its way out.
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

// A fast reader does not run ahead of slow checks: what waits is bounded.
func TestStreamIsFlat(t *testing.T) {
	v := newValidator(t, validate.Options{})
	line := strings.Repeat(" ", 2000) + minified(string(julian.Sample())) + "\n"
	in := io.LimitReader(endless(strings.Repeat(line, 10)), int64(len(line)*20_000))
	peak, documents, n := uint64(0), 0, 0
	for r := range v.Stream(t.Context(), []string{"-"}, in, 2) {
		documents += r.Documents
		if n++; n%20 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}
	if documents != 20_000 || n < 100 || peak > 16<<20 {
		t.Errorf("%d documents in %d results with %d bytes live, want 20000 in under 16 MiB", documents, n, peak)
	}
}

// Neither do documents that have many times their size in issues.
func TestStreamOfTinyDocuments(t *testing.T) {
	v := newValidator(t, validate.Options{})
	in := io.LimitReader(endless("{}\n"), 1<<18)
	most, documents, issues := 0, 0, 0
	for r := range v.Stream(t.Context(), []string{"-"}, in, 2) {
		most = max(most, len(r.Issues))
		documents += r.Documents
		issues += len(r.Issues)
	}
	if want := (1<<18 + 2) / 3; documents != want || issues < 10*want || most > 2000 {
		t.Errorf("%d issues of %d documents, want %d; at most %d at a time, want 2000", issues, documents, want, most)
	}
}

// endless is a text over and over.
func endless(text string) io.Reader { return &loop{text: text} }

type loop struct {
	text string
	at   int
}

func (l *loop) Read(p []byte) (n int, _ error) {
	for n < len(p) {
		copied := copy(p[n:], l.text[l.at:])
		n += copied
		l.at = (l.at + copied) % len(l.text)
	}
	return n, nil
}

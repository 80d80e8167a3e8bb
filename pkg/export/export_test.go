package export_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/export"
	"github.com/julianctl/julianctl/pkg/payload"
)

// documents are payloads: the odd, the empty and the binary among them.
func documents(n int) iter.Seq2[payload.Document, error] {
	return func(yield func(payload.Document, error) bool) {
		for i := range n {
			body := fmt.Appendf(nil, `{"callId":"call.%d","name":"%s"}`, i, strings.Repeat("é\u2028", i%7))
			switch i % 5 {
			case 3:
				body = []byte{0xff, 0, byte(i), '\n', '"', '\r'}
			case 4:
				body = nil
			}
			if !yield(payload.Document{Source: "a.ndjson", Line: i + 1, Body: body}, nil) {
				return
			}
		}
	}
}

// delivery is one line of a file, as the engine that reads it understands it.
type delivery struct {
	Number, Copy int
	Body         string
}

// target is a vegeta target: these fields and no others.
type target struct {
	Method string              `json:"method"`
	URL    string              `json:"url"`
	Header map[string][]string `json:"header"`
	Body   []byte              `json:"body"`
}

func readTargets(t *testing.T, data []byte) (out []delivery) {
	t.Helper()
	for line := range bytes.Lines(data) {
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		var g target
		if err := dec.Decode(&g); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if g.Method != "POST" || g.URL != "http://127.0.0.1:1/a?b=<c>&d" || !cmp.Equal(g.Header[export.HeaderRun], []string{"run1"}) {
			t.Fatalf("target %+v", g)
		}
		number, err := strconv.Atoi(g.Header[export.HeaderSeq][0])
		if err != nil {
			t.Fatal(err)
		}
		copy, err := strconv.Atoi(g.Header[export.HeaderCopy][0])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, delivery{number, copy, string(g.Body)})
	}
	return out
}

func newExport(plan deliver.Plan, shards int) export.Export {
	return export.Export{
		Engine: export.K6, Run: "run1", URL: "http://127.0.0.1:1/a?b=<c>&d",
		Header: deliver.Header{{Name: "Content-Type", Value: "application/json"}},
		Plan:   plan, Shards: shards, Created: time.Unix(1, 0),
	}
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What the files deliver is what the plan is, whatever the plan: each delivery
// once, with its bytes, in order; of shards, in turns.
func TestFilesAreThePlan(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 7))
	for i := range 30 {
		plan := deliver.Plan{
			Duplicates: random.IntN(4), Mode: []deliver.Mode{deliver.After, deliver.Shuffled}[random.IntN(2)],
			Shuffle: random.IntN(2) == 0, NewIDs: random.IntN(2) == 0, Seed: random.Uint64(),
		}
		if random.IntN(2) == 0 {
			plan.Loop, plan.Count = true, 1+random.IntN(90)
		}
		shards := 1 + random.IntN(5)
		n := shards + random.IntN(40)
		plan.Count = max(plan.Count, shards)
		t.Run(fmt.Sprintf("%d: %+v of %d in %d", i, plan, n, shards), func(t *testing.T) {
			var want []delivery
			var turns [][]delivery
			for step, err := range plan.Steps(documents(n)) {
				if err != nil {
					t.Fatal(err)
				}
				var turn []delivery
				for c := step.First; c <= step.Last; c++ {
					turn = append(turn, delivery{step.Number, c, string(step.Document.Body)})
				}
				want, turns = append(want, turn...), append(turns, turn)
			}
			e := newExport(plan, shards)
			e.Jobs = i % 4
			var stream bytes.Buffer
			counts, err := e.Targets(&stream, plan.Steps(documents(n)))
			if d := cmp.Diff(want, readTargets(t, stream.Bytes())); err != nil || d != "" {
				t.Fatalf("Targets: %v\n%s", err, d)
			}
			dir := filepath.Join(t.TempDir(), "out")
			m, err := e.Write(dir, plan.Steps(documents(n)))
			if err != nil {
				t.Fatal(err)
			}
			if counts != m.Counts || m.Deliveries != len(want) {
				t.Errorf("counts %+v, manifest %+v, want %d deliveries", counts, m.Counts, len(want))
			}
			for i, shard := range m.Shards {
				var inTurn []delivery
				for j := i; j < len(turns); j += len(m.Shards) {
					inTurn = append(inTurn, turns[j]...)
				}
				if d := cmp.Diff(inTurn, readTargets(t, read(t, dir, shard.Name))); d != "" || shard.Deliveries != len(inTurn) {
					t.Errorf("shard %d: %d deliveries\n%s", i, shard.Deliveries, d)
				}
			}
			again, err := export.ReadManifest(filepath.Join(dir, export.ManifestFile))
			if err != nil || again.PlanSHA256 != m.PlanSHA256 {
				t.Errorf("manifest read again: %v, %+v", err, again)
			}
			everyArrived(t, again, want)
		})
	}
}

// Many payloads, large and small, come out the same on one core and on several.
func TestJobs(t *testing.T) {
	docs := func(yield func(payload.Document, error) bool) {
		random := rand.New(rand.NewPCG(1, 0))
		for n := range 3000 {
			size := random.IntN(200)
			if n%1000 == 7 {
				size = 1 << 20
			}
			if !yield(payload.Document{Body: fmt.Appendf(nil, `{"callId":"call.%d","pad":"%s"}`, n, strings.Repeat("x", size))}, nil) {
				return
			}
		}
	}
	var want string
	for _, jobs := range []int{0, 1, 2, 5} {
		e := newExport(deliver.Plan{Duplicates: 1}, 2)
		e.Jobs = jobs
		dir := filepath.Join(t.TempDir(), "out")
		m, err := e.Write(dir, e.Plan.Steps(docs))
		if err != nil {
			t.Fatal(err)
		}
		got := string(read(t, dir, export.ManifestFile))
		for _, file := range append([]export.File{m.Digests}, m.Shards[0].File, m.Shards[1].File) {
			got += string(read(t, dir, file.Name))
			if sum := sha256.Sum256(read(t, dir, file.Name)); hex.EncodeToString(sum[:]) != file.SHA256 {
				t.Errorf("%s has another digest", file.Name)
			}
		}
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%d goroutines make other files", jobs)
		}
	}
}

// What comes slowly is written as it comes.
func TestTargetsAsTheyCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		steps := func(yield func(deliver.Step, error) bool) {
			for n := range 3 {
				time.Sleep(time.Minute) // the clock is the test's
				if !yield(deliver.Step{Document: payload.Document{Body: []byte("{}")}, Number: n + 1, First: 1, Last: 1}, nil) {
					return
				}
			}
		}
		n := 0
		w := writerFunc(func(p []byte) (int, error) {
			n += bytes.Count(p, []byte("\n"))
			if late := time.Since(begin) - time.Duration(n)*time.Minute; late < 0 || late > time.Second {
				t.Errorf("target %d is %v late", n, late)
			}
			return len(p), nil
		})
		e := newExport(deliver.Plan{}, 1)
		e.Jobs = 2
		if _, err := e.Targets(w, steps); err != nil || n != 3 {
			t.Errorf("%d targets, %v", n, err)
		}
	})
}

// An export that ends early asks for the end of reading.
func TestEndsReading(t *testing.T) {
	broken := errors.New("broken")
	stopped := make(chan struct{})
	steps := func(yield func(deliver.Step, error) bool) {
		yield(deliver.Step{Number: 1, First: 1, Last: 1}, nil)
		<-stopped // as who waits for stdin
	}
	e := newExport(deliver.Plan{Stop: sync.OnceFunc(func() { close(stopped) })}, 1)
	if _, err := e.Targets(writerFunc(func([]byte) (int, error) { return 0, broken }), steps); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// everyArrived proves that a manifest accepts exactly what was planned.
func everyArrived(t *testing.T, m *export.Manifest, sent []delivery) {
	t.Helper()
	account, err := m.Verify(received(sent), func(f export.Finding) { t.Errorf("%+v", f) })
	want := export.Account{Planned: len(sent), Arrived: len(sent)}
	if err != nil || account != want || !account.Exact() {
		t.Errorf("%+v, %v", account, err)
	}
}

// received are records as listen writes them.
func received(sent []delivery) iter.Seq2[payload.Document, error] {
	return func(yield func(payload.Document, error) bool) {
		for i, d := range sent {
			if !yield(payload.Document{Source: "received", Line: i + 1, Body: record("run1", d)}, nil) {
				return
			}
		}
	}
}

func record(run string, d delivery) []byte {
	body, _ := json.Marshal([]byte(d.Body))
	return fmt.Appendf(nil, `{"kind":"delivery","header":{"%s":["%s"],"x-julianctl-seq":["%d"],"X-Julianctl-Copy":["%d"]},"bodyBase64":%s}`,
		export.HeaderRun, run, d.Number, d.Copy, body)
}

// Whatever is lost, repeated or changed on the way is found, and nothing else.
func TestVerifyFinds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	plan := deliver.Plan{Duplicates: 1}
	dir := filepath.Join(t.TempDir(), "out")
	m, err := newExport(plan, 3).Write(dir, plan.Steps(documents(50)))
	if err != nil {
		t.Fatal(err)
	}
	var all []delivery
	for _, shard := range m.Shards {
		all = append(all, readTargets(t, read(t, dir, shard.Name))...)
	}
	for range 50 {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var sent []delivery
		want := map[export.Finding]int{}
		expect := func(kind export.Kind, d delivery, arrived bool) {
			f := export.Finding{Kind: kind, Number: d.Number, Copy: d.Copy}
			if arrived {
				f.Source, f.Line = "received", len(sent)
			}
			want[f]++
		}
		account := export.Account{Planned: len(all), Arrived: len(all)}
		for _, d := range all {
			switch random.IntN(12) {
			case 0:
				expect(export.Missing, d, false)
				account.Missing++
				account.Arrived--
				continue
			case 1:
				sent = append(sent, d, d)
				expect(export.Doubled, d, true)
				account.Doubled++
				continue
			case 2:
				d.Body += " "
				sent = append(sent, d)
				expect(export.Altered, d, true)
				account.Altered++
				continue
			case 3:
				sent = append(sent, delivery{51 + random.IntN(9), d.Copy, d.Body})
				expect(export.Unplanned, sent[len(sent)-1], true)
				account.Unplanned++
			}
			sent = append(sent, d)
		}
		got := map[export.Finding]int{}
		result, err := m.Verify(received(sent), func(f export.Finding) { got[f]++ })
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got) + cmp.Diff(account, result); d != "" {
			t.Fatal(d)
		}
		if result.Exact() != (len(want) == 0) {
			t.Errorf("exact: %v of %d findings", result.Exact(), len(want))
		}
	}
}

// What is no delivery of the run is left alone, and what cannot be read is told.
func TestVerifyLeavesAlone(t *testing.T) {
	plan := deliver.Plan{}
	dir := filepath.Join(t.TempDir(), "out")
	m, err := newExport(plan, 1).Write(dir, plan.Steps(documents(2)))
	if err != nil {
		t.Fatal(err)
	}
	all := readTargets(t, read(t, dir, m.Shards[0].Name))
	lines := [][]byte{
		record("another", all[0]),
		[]byte(`{"kind":"summary","deliveries":2}`),
		[]byte(`{"header":{"X-Other":["1"]}}`),
		bytes.Replace(record("run1", all[0]), []byte(`"kind"`), []byte(`"refusal":"busy","kind"`), 1),
		[]byte(`{"header":{"X-Julianctl-Run":["run1","run1"]}}`),
		[]byte("no record"),
		[]byte(`["no object"]`),
		[]byte(`{"header":{},"bodyBase64":"no base64"}`),
		record("run1", all[1]),
		[]byte(`{"header":{"X-Julianctl-Run":["run1"],"X-Julianctl-Seq":["-1"],"X-Julianctl-Copy":["1"]}}`),
	}
	in := func(yield func(payload.Document, error) bool) {
		for i, line := range lines {
			if !yield(payload.Document{Source: "r", Line: i + 1, Body: line}, nil) {
				return
			}
		}
		if yield(payload.Document{}, &payload.Error{Source: "empty", Err: payload.ErrEmpty}) {
			yield(payload.Document{}, &payload.Error{Source: "gone", Err: os.ErrNotExist})
		}
	}
	var kinds []string
	account, err := m.Verify(in, func(f export.Finding) { kinds = append(kinds, fmt.Sprint(f.Kind, " ", f.Line, " ", f.Err)) })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`unreadable 6 reading "r" at line 6: is not a record of a delivery`,
		`unreadable 7 reading "r" at line 7: is not a record of a delivery`, `unreadable 8 reading "r" at line 8: is not a record of a delivery`, "unplanned 10 <nil>", `unreadable 0 reading "gone": file does not exist`, "missing 0 <nil>"}
	if d := cmp.Diff(want, kinds); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(export.Account{Planned: 2, Arrived: 1, Missing: 1, Unplanned: 1, Refused: 1, Others: 3, Unreadable: 4}, account); d != "" {
		t.Error(d)
	}
	stopped := errors.New("stopped")
	_, err = m.Verify(func(yield func(payload.Document, error) bool) { yield(payload.Document{}, stopped) }, nil)
	if !errors.Is(err, stopped) {
		t.Errorf("error %v", err)
	}
}

// A source that breaks off, or a plan that turns out too small, leaves nothing.
func TestWholeOrNotAtAll(t *testing.T) {
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		shards int
		docs   iter.Seq2[payload.Document, error]
		want   error
	}{
		"breaks off": {1, func(yield func(payload.Document, error) bool) {
			for doc := range documents(9) {
				if !yield(doc, nil) {
					return
				}
			}
			yield(payload.Document{}, broken)
		}, broken},
		"more shards than payloads": {3, documents(2), export.ErrPlan},
		"nothing":                   {1, documents(0), export.ErrPlan},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := newExport(deliver.Plan{}, tt.shards)
			_, err := e.Write(filepath.Join(dir, "out"), e.Plan.Steps(tt.docs))
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "{*,.*}")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) > 0 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

func TestWriteIntoNewFolderOnly(t *testing.T) {
	e := newExport(deliver.Plan{}, 1)
	dir := t.TempDir()
	if _, err := e.Write(dir, e.Plan.Steps(documents(1))); !errors.Is(err, os.ErrExist) {
		t.Errorf("a folder that is there: %v", err)
	}
	if _, err := e.Write(filepath.Join(dir, "no", "out"), e.Plan.Steps(documents(1))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder in none: %v", err)
	}
	m, err := e.Write(dir+"/out/", e.Plan.Steps(documents(1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".", m.Shards[0].Name, export.DigestsFile, export.ScriptFile, export.ManifestFile} {
		info, err := os.Stat(filepath.Join(dir, "out", name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestManifestRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	e := newExport(deliver.Plan{}, 1)
	if _, err := e.Write(dir, e.Plan.Steps(documents(3))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, export.ManifestFile)
	good := string(read(t, path))
	for _, change := range []struct{ old, new string }{
		{good, "{}"},
		{good, "no JSON"},
		{"julianctl.export/v1", "julianctl.export/v2"},
		{`"payloads": 3,`, `"payloads": 4,`},
		{`"copies": 1`, `"copies": 0`},
		{`"copies": 1`, `"copies": 9223372036854775807`},
		{`"deliveries": 3,`, `"deliveries": -3,`},
		{"\"deliveries\": 3,\n  \"copies\": 1", "\"deliveries\": 7,\n  \"copies\": 2"},
		{`"payloads.sha256"`, `"../out/payloads.sha256"`},
		{`"run": "run1"`, `"run": ""`},
	} {
		if err := os.WriteFile(path, []byte(strings.Replace(good, change.old, change.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := export.ReadManifest(path); !errors.Is(err, export.ErrManifest) {
			t.Errorf("%.30q: error %v", change.new, err)
		}
	}
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := export.ReadManifest(path)
	if err != nil {
		t.Fatal(err)
	}
	sums := filepath.Join(dir, export.DigestsFile)
	changed := read(t, sums)
	changed[0] ^= 1
	if err := os.WriteFile(sums, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Verify(received(nil), nil); err == nil || !strings.Contains(err.Error(), "is not as the manifest has it") {
		t.Errorf("changed digests: %v", err)
	}
}

func TestCheck(t *testing.T) {
	header := func(fields ...string) deliver.Header {
		var h deliver.Header
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			h = append(h, deliver.Field{Name: name, Value: value})
		}
		return h
	}
	for _, tt := range []struct {
		e    export.Export
		want string // beginning; empty: it can be exported
	}{
		{export.Export{Engine: export.Vegeta}, ""},
		{export.Export{Engine: export.K6, Plan: deliver.Plan{Duplicates: 1, Mode: deliver.AtOnce}}, "--dup-mode together cannot be exported: k6 does not"},
		{export.Export{Engine: export.Vegeta, Plan: deliver.Plan{Duplicates: 1, Mode: deliver.AtOnce}}, "--dup-mode together cannot be exported: vegeta"},
		{export.Export{Engine: export.Vegeta, Plan: deliver.Plan{Mode: deliver.AtOnce}}, ""}, // of a single copy
		{export.Export{Engine: export.Vegeta, Plan: deliver.Plan{Duplicates: 1, Delay: 1}}, "--dup-delay cannot be exported"},
		{export.Export{Engine: export.K6, Plan: deliver.Plan{Duplicates: 1, Delay: 1}}, ""},
		{export.Export{Engine: export.K6, Plan: deliver.Plan{Loop: true}}, "--loop has no end"},
		{export.Export{Engine: export.K6, Plan: deliver.Plan{Loop: true, Count: 1}}, ""},
		{export.Export{Engine: export.K6, Duration: time.Millisecond}, `--duration "1ms" is less than a second`},
		{export.Export{Engine: export.Vegeta, Duration: time.Millisecond}, ""},
		{export.Export{Engine: export.K6, Shards: export.MaxShards + 1}, `--shards "513" is not`},
		{export.Export{Engine: export.K6, Header: header("A: 1", "a: 2")}, "header A is given twice"},
		{export.Export{Engine: export.Vegeta, Header: header("A: 1", "a: 2")}, ""},
		{export.Export{Engine: export.Vegeta, Header: header("A: \xff")}, "value of header A is not UTF-8"},
		{export.Export{Engine: export.Vegeta, Header: header("x-julianctl-seq: 1")}, "header x-julianctl-seq is set by"},
	} {
		err := tt.e.Check()
		if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, export.ErrPlan) || !strings.HasPrefix(err.Error(), tt.want)) {
			t.Errorf("%+v: %v, want %q", tt.e, err, tt.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		e    export.Export
		want []string // a word of each
	}{
		{export.Export{Engine: export.Vegeta, Plan: deliver.Plan{Duplicates: 1, Concurrency: 1}}, nil},
		{export.Export{Engine: export.Vegeta, Plan: deliver.Plan{Duplicates: 1, Concurrency: 2}}, []string{"does not wait"}},
		{export.Export{Engine: export.Vegeta, Plan: deliver.Plan{Duplicates: 1, Concurrency: 2, Mode: deliver.Shuffled}}, nil},
		{export.Export{Engine: export.K6, Plan: deliver.Plan{Duplicates: 1, Concurrency: 2}}, nil},
		{export.Export{Engine: export.K6, Duration: time.Second}, []string{"--duration"}},
		{export.Export{Engine: export.K6, Header: deliver.Header{{Name: "idempotency-key", Value: "1"}}}, []string{"again by itself"}},
		{export.Export{Engine: export.K6, Secrets: []string{"X-Idempotency-Key"}}, []string{"again by itself"}},
	} {
		got := tt.e.Warnings()
		if !slices.EqualFunc(got, tt.want, strings.Contains) {
			t.Errorf("%+v: %q, want %q", tt.e, got, tt.want)
		}
	}
}

// The commands that run an export, as a person sees them.
func TestCommands(t *testing.T) {
	secret := []string{"X-Webhook-Secret", "a$(b)`c`"}
	for _, tt := range []struct {
		change func(*export.Export)
		want   []string
	}{
		{func(e *export.Export) { e.Shards = 2 }, []string{"k6 run -e SHARD=1 deliver.js", "k6 run -e SHARD=2 deliver.js"}},
		{func(e *export.Export) { e.CACert = "/a b/it's.pem" }, []string{`SSL_CERT_FILE='/a b/it'\''s.pem' k6 run deliver.js`}},
		{func(e *export.Export) { e.Engine = export.Vegeta }, []string{
			"vegeta attack -format json -lazy -targets deliveries.ndjson -rate 0 -workers 1 -max-workers 1 -timeout 30s -redirects 0 -max-body 0 | vegeta report",
		}},
		{func(e *export.Export) {
			e.Engine, e.Insecure, e.CACert, e.Secrets, e.Timeout, e.Duration = export.Vegeta, true, "c.pem", secret, time.Second, time.Minute
			e.Plan.Rate, e.Plan.Concurrency, e.Shards = 1, 512, 3
		}, slices.Collect(func(yield func(string) bool) {
			for i := range 3 {
				yield(fmt.Sprintf("vegeta attack -format json -lazy -targets deliveries-%d-of-3.ndjson -rate 333333/1000000s -workers 10 -max-workers 512"+
					" -duration 1m0s -timeout 1s -redirects 0 -max-body 0 -insecure -root-certs c.pem"+
					` -header "X-Webhook-Secret: ${JULIANCTL_HEADER_X_WEBHOOK_SECRET:?}" -header "a\$(b)\`+"`c\\`"+`: ${JULIANCTL_HEADER_A__B__C_:?}" | vegeta report`, i+1))
			}
		})},
	} {
		e := newExport(deliver.Plan{}, 1)
		tt.change(&e)
		m, err := e.Write(filepath.Join(t.TempDir(), "out"), e.Plan.Steps(documents(3)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, shard := range m.Shards {
			got = append(got, shard.Command)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Error(d)
		}
	}
}

// The plan in the script is what k6 is asked for.
func TestScript(t *testing.T) {
	e := newExport(deliver.Plan{Duplicates: 1, Concurrency: 8, Rate: 100, Delay: 5 * time.Millisecond}, 2)
	e.Secrets = []string{"Authorization"}
	var err error
	if e.Limits, err = deliver.ParseLimits("p99.9=500ms,max=2s"); err != nil {
		t.Fatal(err)
	}
	if e.Plan.Expect, err = deliver.ParseStatuses("2xx,409,500"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := e.Write(dir, e.Plan.Steps(documents(4))); err != nil {
		t.Fatal(err)
	}
	plan := ""
	for s := bufio.NewScanner(bytes.NewReader(read(t, dir, export.ScriptFile))); s.Scan(); {
		if text, found := strings.CutPrefix(s.Text(), "const plan = "); found {
			plan = text
		}
	}
	want := `{"files":["deliveries-1-of-2.ndjson","deliveries-2-of-2.ndjson"],"inARow":2,"concurrency":8,"rate":100,"delay":5,"duration":0,` +
		`"maxDuration":"8760h0m0s","gracefulStop":"1m1.01s","timeout":"30s","insecure":false,"expect":"2xx,409,500",` +
		`"statuses":[{"min":200,"max":299},409,500],` +
		`"thresholds":{"checks":["rate==1"],"delivery_latency":["p(99.9)<=500","max<=2000"],"dropped_iterations":["count==0"]},` +
		`"secrets":{"Authorization":"JULIANCTL_HEADER_AUTHORIZATION"}};`
	if d := cmp.Diff(want, plan); d != "" {
		t.Error(d)
	}
}

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/checklist"
)

// counts are how many checks came to each verdict, as one form of the output
// says; the keys are those of the JSON summary.
type counts map[string]int

// countsIn reads counts from a text such as "2 passed, 1 failed".
func countsIn(text string) counts {
	c := counts{}
	for part := range strings.SplitSeq(text, ", ") {
		number, word, _ := strings.Cut(part, " ")
		key := map[string]string{
			"passed": "pass", "passed with warnings": "warn", "failed": "fail", "undecided": "undecided", "skipped": "skip", "of them accepted": "accepted",
		}[word]
		c[key], _ = strconv.Atoi(number) // a wrong one shows
	}
	return c
}

// Text, JSON, JUnit, Markdown, HTML and GitHub speak of the same checks, as many
// as were announced, whatever was left out.
func TestCountsAgreeInEveryForm(t *testing.T) {
	t.Parallel()
	// It fails one check, and one is a warning; without a probe and a secret
	// others stay undecided and are skipped.
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e struct {
			CallResult struct{ ResultType string }
		}
		_ = json.Unmarshal(body, &e) // what is none has no type
		if e.CallResult.ResultType == "Busy" || strings.Contains(e.CallResult.ResultType, "Unheard") {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
	}))
	t.Cleanup(srv.Close)
	for _, flags := range []string{
		"",
		"--profile smoke",
		"--only accepts,repeat,secret",
		"--only accepts,repeat,secret,gzip --skip sample",
		"--only accepts,repeat,secret --max-requests 30",
		"--only accepts,repeat,secret --allow-undecided",
		"--only accepts,repeat,secret --baseline BASELINE",
		"--only accepts,repeat --to http://127.0.0.1:1/",
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := func(name string) string { return filepath.Join(dir, name) }
			baseline := `{"schema":"julianctl.check/v1","kind":"check","id":"result-types","verdict":"FAIL"}`
			if err := os.WriteFile(file("baseline"), []byte(baseline), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"check", "--to", srv.URL, "--skip", "speed,after-pause,slow-sender"}
			for _, form := range []string{"json", "junit", "markdown", "html", "github"} {
				args = append(args, "--report", form+"="+file(form))
			}
			args = append(args, strings.Fields(strings.ReplaceAll(flags, "BASELINE", file("baseline")))...)
			var out buffer
			_, stderr := runner(t.Context(), t, &out, args...)
			read := func(name, pattern string) string {
				text, err := os.ReadFile(file(name))
				if err != nil {
					t.Fatal(err)
				}
				found := regexp.MustCompile(pattern).FindAllSubmatch(text, -1)
				if len(found) == 0 {
					t.Fatalf("%s has no %s:\n%s", name, pattern, text)
				}
				return string(found[len(found)-1][1])
			}
			last := out.String()[strings.LastIndex(strings.TrimSpace(out.String()), "\n\n")+1:]
			last = strings.Join(strings.Fields(last), " ") // it may take two lines
			_, last, _ = strings.Cut(last, ": ")
			last, _, _ = strings.Cut(last, " (")
			want := countsIn(last)
			if flags == "" {
				for _, key := range []string{"pass", "warn", "fail", "undecided", "skip"} {
					if want[key] == 0 {
						t.Errorf("no check came to %s: %s", key, last)
					}
				}
			}
			records, err := os.ReadFile(file("json"))
			if err != nil {
				t.Fatal(err)
			}
			var summary map[string]any
			lines := strings.Split(strings.TrimSpace(string(records)), "\n")
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &summary); err != nil {
				t.Fatal(err)
			}
			inJSON := counts{}
			sum := 0
			for _, key := range []string{"pass", "warn", "fail", "undecided", "skip", "accepted"} {
				n, _ := summary[key].(float64)
				if n > 0 {
					inJSON[key] = int(n)
				}
				if key != "accepted" {
					sum += int(n)
				}
			}
			if out.String() == "" {
				want = inJSON // nobody was there: the error says it
			}
			for name, got := range map[string]counts{
				"json": inJSON, "markdown": countsIn(read("markdown", `### julianctl check\n\n[^:\n]*: (.*)\n`)), "html": countsIn(read("html", `<h1>.*: (.*)</h1>`)),
			} {
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s (-text +%s):\n%s", name, name, d)
				}
			}
			// JUnit knows no warnings and nothing that was accepted.
			for name, n := range map[string]int{"tests": sum, "skipped": want["skip"]} {
				if got := read("junit", ` `+name+`="(\d+)"`); got != strconv.Itoa(n) {
					t.Errorf("junit: %s %s, want %d", name, got, n)
				}
			}
			failures, _ := strconv.Atoi(read("junit", ` failures="(\d+)"`))
			errors, _ := strconv.Atoi(read("junit", ` errors="(\d+)"`))
			if bad := want["fail"] + want["undecided"] - want["accepted"]; failures+errors != bad {
				t.Errorf("junit: %d failures, %d errors, want %d together", failures, errors, bad)
			}
			if got := len(lines) - 1; got != sum {
				t.Errorf("json: %d records of checks, want %d", got, sum)
			}
			announced := regexp.MustCompile(`seed \d+: (\d+) checks`).FindStringSubmatch(stderr)
			if announced == nil || announced[1] != strconv.Itoa(sum) {
				t.Errorf("announced %q, counted %d", announced, sum)
			}
			if left, _ := summary["notSelected"].(float64); int(left)+sum != len(checklist.Checks) {
				t.Errorf("%v not selected, %d counted, of %d", left, sum, len(checklist.Checks))
			}
		})
	}
}

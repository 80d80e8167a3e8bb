package jsonschema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/google/jsonschema-go/jsonschema"
	"github.com/julianctl/julianctl/pkg/jsonschema"
)

// suiteCase is one schema of the suite with what it says of some values.
type suiteCase struct {
	Description string
	Schema      json.RawMessage
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

// remoteURI is where the suite's schemas expect their remotes.
const remoteURI = "http://localhost:1234/"

// runSuite runs the files of a folder, and returns how many values it tried.
func runSuite(t *testing.T, files []string, remotes string) (tried int) {
	read := func(name string) (string, []byte, error) {
		body, err := os.ReadFile(filepath.Join(remotes, filepath.FromSlash(name)))
		return name, body, err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []suiteCase
		if err := json.Unmarshal(data, &cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range cases {
			name := path.Join(strings.TrimSuffix(filepath.Base(file), ".json"), c.Description)
			schema, err := jsonschema.Compile("case.json", c.Schema, remoteURI, read)
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, c.Schema)
				continue
			}
			e := schema.NewEvaluator()
			for _, tt := range c.Tests {
				tried++
				name := name + ": " + tt.Description
				// Documents with escapes may be left to a reader.
				odd := bytes.IndexByte(tt.Data, '\\') >= 0
				if got := e.Accepts(tt.Data); got && !tt.Valid || !got && tt.Valid && !odd {
					t.Errorf("%s: accepts is %t\n%s\n%s", name, got, c.Schema, tt.Data)
				}
				if got := failures(t, schema, tt.Data); (got == nil) != tt.Valid {
					t.Errorf("%s: %+v\n%s\n%s", name, got, c.Schema, tt.Data)
				}
			}
		}
	}
	return tried
}

// The cases of draft 2020-12 that an implementation has to pass.
func TestSchemaSuite(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/jsonschema-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(strings.TrimSpace(string(dir)), "jsonschema", "testdata")
	files, err := filepath.Glob(filepath.Join(data, "draft2020-12", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if tried := runSuite(t, files, filepath.Join(data, "remotes")); tried < 1000 {
		t.Errorf("only %d values of %d files were tried", tried, len(files))
	}
}

// The whole suite, with what is optional in it. Go's module has the required
// cases only.
func TestSchemaSuiteOptional(t *testing.T) {
	suites := os.Getenv("JULIANCTL_SUITES")
	dir := filepath.Join(suites, "JSON-Schema-Test-Suite")
	if _, err := os.Stat(dir); suites == "" || err != nil {
		t.Skip("JULIANCTL_SUITES names no folder that JSON-Schema-Test-Suite was cloned to")
	}
	// These say what this implementation does otherwise: formats are
	// assertions, and what only earlier drafts have is not known.
	others := []string{"format.json", "cross-draft.json", "dependencies-compatibility.json",
		"iri.json", "iri-reference.json", "idn-email.json", "idn-hostname.json", "uri-template.json"}
	var files []string
	for _, pattern := range []string{"*.json", "optional/*.json", "optional/format/*.json"} {
		found, err := filepath.Glob(filepath.Join(dir, "tests", "draft2020-12", filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			if !slices.Contains(others, filepath.Base(file)) {
				files = append(files, file)
			}
		}
	}
	if tried := runSuite(t, files, filepath.Join(dir, "remotes")); tried < 1550 {
		t.Errorf("only %d values of %d files were tried", tried, len(files))
	}
}

package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recordShape is one kind of record of --format json, as help --json lists it.
type recordShape struct {
	Command string            `json:"command"`
	Schema  string            `json:"schema"`
	Kind    string            `json:"kind,omitempty"`
	Fields  map[string]string `json:"fields"` // path to type
}

func (s recordShape) key() string { return s.Command + " " + s.Schema + " " + s.Kind }

// command is the path of a command at the beginning of a line.
var command = regexp.MustCompile(`^[a-z]+(?: (?:show|export|stats|resend|reconcile|list|diff))?`)

// recordLines are command lines that write records, in this order. URL is an endpoint,
// LISTENER one of julianctl.
var recordLines = []string{
	"validate --format json s.json bad.json gone.json",
	"validate --list-rules --format json",
	"replay s.json gone.json --dup --to URL/204 --format json",
	"replay s.json --to URL/500 --format json",
	"replay s.json --to URL/204 --dry-run --format json",
	"log --format json",
	"log show 1 --format json",
	"log export --format json",
	"log stats --format json",
	"log resend 1 --to URL/204 --format json",
	"log resend 1 --to URL/204 --dry-run --format json",
	"log reconcile --against ids.txt --format json",
	"check --list --format json",
	"check URL/204 --only accepts --format json",
	"check URL/204 --drill --down true --up true --drill-phase 100ms --drill-patience 100ms --format json",
	"config list --format json",
	"sample --offline --check --set-new more=1 --format json",
	"schema diff odd.json --format json",
}

// Every record that a command writes is described by help --json, with its fields and
// their types.
func TestDescribedRecords(t *testing.T) {
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/500" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer endpoint.Close()
	file, err := filepath.Abs(filepath.Join("..", "..", "pkg", "cmd", "root", "records.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	mistakesFolder(t, true)
	for name, text := range map[string]string{"bad.json": `{"callId": 1}`, "ids.txt": "call.other\n", "odd.json": `{"callId": "call.1", "more": 1}`} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]*recordShape{}
	for _, line := range recordLines {
		out, errs, _ := type_(t, strings.Fields(strings.ReplaceAll(line, "URL", endpoint.URL)))
		if !strings.HasPrefix(out, "{") {
			t.Errorf("%s writes no record: %s%s", line, out, errs)
		}
		for text := range strings.Lines(out) {
			var record map[string]any
			if err := json.Unmarshal([]byte(text), &record); err != nil || record["schema"] == nil {
				t.Errorf("%s: %v: %s", line, err, text)
				continue
			}
			kind, _ := record["kind"].(string)
			shape := &recordShape{command.FindString(line), record["schema"].(string), kind, map[string]string{}}
			if known := seen[shape.key()]; known != nil {
				shape = known
			}
			seen[shape.key()] = shape
			shapeOf(shape.Fields, "", record)
		}
	}
	if *update {
		var all []*recordShape
		for _, key := range slices.Sorted(maps.Keys(seen)) {
			all = append(all, seen[key])
		}
		text, err := json.MarshalIndent(all, "", "  ")
		if err == nil {
			err = os.WriteFile(file, append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var described []recordShape
	if err := json.Unmarshal(text, &described); err != nil {
		t.Fatal(err)
	}
	for key, shape := range seen {
		i := slices.IndexFunc(described, func(d recordShape) bool { return d.key() == key })
		if i < 0 {
			t.Errorf("%s is not described; run: go test ./cmd/julianctl -run TestDescribedRecords -update", key)
			continue
		}
		for path, kind := range shape.Fields {
			if got := described[i].Fields[path]; got != kind && kind != "null" {
				t.Errorf("%s: %s is described as %q and is %q; run: go test ./cmd/julianctl -run TestDescribedRecords -update", key, path, got, kind)
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("saw only %d kinds of records", len(seen))
	}
}

// shapeOf adds the fields of a value and their types.
func shapeOf(fields map[string]string, path string, value any) {
	add := func(kind string) {
		if path != "" && (fields[path] == "" || fields[path] == "null") {
			fields[path] = kind
		}
	}
	switch v := value.(type) {
	case map[string]any:
		add("object")
		switch {
		case strings.HasSuffix(path, "header"), path == "payload", path == "body", path == "rules", path == "status", path == "value", path == "example":
			return // keys are what they count or hold
		}
		for key, value := range v {
			shapeOf(fields, strings.TrimPrefix(path+"."+key, "."), value)
		}
	case []any:
		add("array")
		for _, item := range v {
			shapeOf(fields, path+"[]", item)
		}
	case string:
		add("string")
	case float64:
		add("number")
	case bool:
		add("boolean")
	case nil:
		add("null")
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/needs"
)

// The test of the README passes in a module of its own, with a service that is right.
func TestReadmeInGoTest(t *testing.T) {
	t.Parallel()
	needs.Program(t, "go")
	top, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{"README.md", "go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	block := regexp.MustCompile("(?ms)^```go webhook_test.go\n(.*?)^```$").FindStringSubmatch(files["README.md"])
	if block == nil {
		t.Fatal("the README has no webhook_test.go")
	}
	const imports = `package shop

import (
	"context"
	"testing"

	"github.com/julianctl/julianctl/pkg/juliantest"
)

`
	const service = `package shop

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/julianctl/julianctl/pkg/julian"
	_ "modernc.org/sqlite"
)

func testDatabase(t *testing.T) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+t.TempDir()+"/shop.db?_pragma=synchronous(OFF)")
	if err == nil {
		db.SetMaxOpenConns(1)
		_, err = db.Exec("CREATE TABLE bookings (call_id TEXT PRIMARY KEY)")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func New(db *sql.DB) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) {
		var event julian.CallEvent
		if json.NewDecoder(r.Body).Decode(&event) != nil || event.CallID == "" || event.CallResult.ResultType == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if _, err := db.Exec("INSERT INTO bookings VALUES ($1) ON CONFLICT DO NOTHING", event.CallID); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	return mux
}
`
	dir := t.TempDir()
	module := strings.Replace(files["go.mod"], "module github.com/julianctl/julianctl", "module example.com/shop", 1)
	module += "\nrequire github.com/julianctl/julianctl v0.0.0\nreplace github.com/julianctl/julianctl => " + top + "\n"
	for name, text := range map[string]string{
		"go.mod": module, "go.sum": files["go.sum"], "webhook_test.go": imports + block[1], "shop_test.go": service,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-mod=mod", "-v", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS: TestWebhook/") < 30 {
		t.Errorf("%v\n%s", err, out)
	}
}

var codeFile = regexp.MustCompile("(?ms)^```[a-z]+ (\\S+)\n(.*?)^```$")

// The recipes of the documents are run as they stand, on consumers of testdata: they
// pass where the consumer is right, and name the check where it is not.
func TestRecipes(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile(filepath.Join("..", "..", ".github", "docs", "recipes.md"))
	if err != nil {
		t.Fatal(err)
	}
	recipes := map[string]string{}
	for _, m := range codeFile.FindAllStringSubmatch(string(document), -1) {
		recipes[m[1]] = m[2]
	}
	node := consumerFiles{start: "node server.mjs {port}", name: "server.mjs", right: "node/mended.mjs", wrong: "node/faulty.mjs", fails: "together"}
	for _, tt := range []struct {
		recipe   string
		runner   []string
		needs    []string
		consumer consumerFiles
		failed   string // how the runner names a test that failed
	}{
		{
			"test_webhook.py",
			[]string{"pytest", "-p", "no:cacheprovider"},
			nil,
			consumerFiles{start: "python3 app.py {port}", name: "app.py", right: "python/mended.py", wrong: "python/faulty.py", fails: "repeat"},
			"FAILED test_webhook.py::test_webhook[NAME]",
		},
		{"webhook.test.mjs", []string{"node", "--test", "--test-reporter=tap"}, nil, node, "not ok NUMBER - NAME"},
		{"webhook_spec.rb", []string{"rspec", "webhook_spec.rb"}, []string{"node"}, node, "rspec ./webhook_spec.rb[NUMBER:NUMBER] # webhook NAME"},
	} {
		t.Run(tt.recipe, func(t *testing.T) {
			t.Parallel()
			for _, program := range append(tt.needs, tt.runner[0]) {
				needs.Program(t, program)
			}
			recipe := recipes[tt.recipe]
			start := regexp.MustCompile(`"ruby app.rb [^"]*"`).ReplaceAllString(recipe, `"`+tt.consumer.start+`"`)
			if !strings.Contains(start, tt.consumer.start) {
				t.Fatalf("the recipe does not start the consumer with %q:\n%s", tt.consumer.start, recipe)
			}
			for _, file := range []string{tt.consumer.right, tt.consumer.wrong} {
				dir := t.TempDir()
				source, err := os.ReadFile(filepath.Join("..", "..", "testdata", "consumers", filepath.FromSlash(file)))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, tt.consumer.name), source, 0o600)
				}
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, tt.recipe), []byte(start), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(tt.runner[0], tt.runner[1:]...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir, "PYTHONDONTWRITEBYTECODE=1", "NO_COLOR=1", "COLUMNS=200",
					"SHELL=/bin/bash") // rspec quotes the ids of examples for shells that it does not know
				out, err := cmd.CombinedOutput()
				said := strings.NewReplacer("NUMBER", `\d+`, "NAME", tt.consumer.fails).Replace(regexp.QuoteMeta(tt.failed))
				failed := regexp.MustCompile(`(?m)^` + said).Match(out)
				if wrong := file == tt.consumer.wrong; failed != wrong || (err != nil) != wrong {
					t.Errorf("%s: %v, named %v\n%s", file, err, failed, out)
				}
			}
		})
	}
}

// consumerFiles are two consumers that are started alike.
type consumerFiles struct {
	start, name  string
	right, wrong string // below testdata/consumers
	fails        string // a check that the wrong one fails
}

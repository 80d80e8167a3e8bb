package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/julianctl/julianctl/"

// tiers is the layering: a package may import packages of lower tiers, and
// those of its own tier that its row names.
var tiers = map[string]struct {
	tier  int
	peers []string
}{
	"pkg/julian":       {0, nil},
	"pkg/inorder":      {0, nil},
	"pkg/letters":      {0, nil},
	"pkg/jsonscan":     {0, nil},
	"pkg/safetext":     {0, nil},
	"pkg/spelling":     {0, nil},
	"pkg/page":         {0, nil},
	"pkg/units":        {0, nil},
	"pkg/serve":        {0, nil},
	"pkg/wait":         {0, nil},
	"pkg/payload":      {1, nil},
	"pkg/pseudonym":    {1, nil},
	"pkg/jsonschema":   {1, nil},
	"pkg/validate":     {1, []string{"pkg/jsonschema", "pkg/payload"}},
	"pkg/generate":     {1, nil},
	"pkg/shape":        {1, []string{"pkg/payload"}},
	"pkg/freetext":     {1, []string{"pkg/pseudonym"}},
	"pkg/redact":       {1, []string{"pkg/freetext", "pkg/payload", "pkg/pseudonym"}},
	"pkg/leak":         {1, []string{"pkg/freetext", "pkg/redact"}},
	"pkg/deliver":      {1, []string{"pkg/payload"}},
	"pkg/receive":      {1, []string{"pkg/copies", "pkg/record"}},
	"pkg/sender":       {1, nil},
	"pkg/index":        {1, []string{"pkg/copies", "pkg/record", "pkg/segment"}},
	"pkg/journal":      {1, []string{"pkg/copies", "pkg/index", "pkg/migrate", "pkg/record", "pkg/segment"}},
	"pkg/segment":      {1, nil},
	"pkg/record":       {1, []string{"pkg/segment"}},
	"pkg/copies":       {1, []string{"pkg/record"}},
	"pkg/migrate":      {1, []string{"pkg/index", "pkg/record", "pkg/segment"}},
	"pkg/supervise":    {1, nil},
	"pkg/timeline":     {1, []string{"pkg/deliver"}},
	"pkg/effects":      {2, nil},
	"pkg/check":        {2, []string{"pkg/effects"}},
	"pkg/crashcheck":   {2, []string{"pkg/check", "pkg/effects"}},
	"pkg/drill":        {2, []string{"pkg/check", "pkg/effects"}},
	"pkg/checklist":    {2, []string{"pkg/check", "pkg/crashcheck", "pkg/effects"}},
	"pkg/mockapi":      {2, nil},
	"pkg/report":       {2, nil},
	"pkg/export":       {2, nil},
	"pkg/inspect":      {2, nil},
	"pkg/terminal":     {3, nil},
	"pkg/cli":          {3, []string{"pkg/terminal"}},
	"pkg/deliveryview": {3, []string{"pkg/terminal", "pkg/cli"}},
	"pkg/juliantest":   {3, nil},
	"pkg/cmd/root":     {5, nil},
	"cmd/julianctl":    {6, nil},

	"pkg/cli/clitest":           {forTests, nil},
	"pkg/jsonscan/jsonscantest": {forTests, nil},
	"pkg/needs":                 {forTests, nil},
	"pkg/page/browsertest":      {forTests, []string{"pkg/needs"}},
}

// forTests is the tier of packages for the module's own tests alone: no other package
// may import them.
const forTests = 7

// rowOf is the row of a package; a command has no peers.
func rowOf(path string) (row struct {
	tier  int
	peers []string
}, known bool) {
	if isCommand(path) {
		row.tier = 4
		return row, true
	}
	row, known = tiers[path]
	return row, known
}

// isCommand reports whether path is the package of a command.
func isCommand(path string) bool {
	return strings.HasPrefix(path, "pkg/cmd/") && path != "pkg/cmd/root"
}

// standardOnly are the packages that import nothing but the standard library
// (and, for those under test here, nothing of this module).
var standardOnly = []string{"pkg/julian", "pkg/inorder", "pkg/jsonscan", "pkg/safetext", "pkg/spelling", "pkg/page", "pkg/serve", "pkg/units", "pkg/wait"}

// terminalLibraries are the libraries that only the commands, and what they share, may know.
var terminalLibraries = []string{"github.com/spf13/cobra", "github.com/spf13/viper", "github.com/charmbracelet/lipgloss", "github.com/muesli/termenv", "golang.org/x/term"}

func TestLayering(t *testing.T) {
	packages := listPackages(t)
	if len(packages) < 5 {
		t.Fatalf("go list names only %d packages", len(packages))
	}
	for path, imports := range packages {
		own, known := rowOf(path)
		if !known {
			t.Errorf("%s has no row in the layering table", path)
			continue
		}
		for _, imp := range imports {
			local, inside := strings.CutPrefix(imp, module)
			other, _ := rowOf(local)
			switch {
			case slices.Contains(standardOnly, path) && strings.Contains(strings.Split(imp, "/")[0], "."):
				t.Errorf("%s imports %s; it may import the standard library only", path, imp)
			case inside && other.tier >= own.tier && !slices.Contains(own.peers, local):
				t.Errorf("%s (tier %d) imports %s (tier %d)", path, own.tier, local, other.tier)
			case (own.tier < 3 || path == "pkg/juliantest") && hasPrefix(imp, terminalLibraries):
				t.Errorf("%s imports %s; only the program's own packages of tiers 3 and up may", path, imp)
			}
		}
	}
}

// No command imports another: what two of them need is in a package below both.
func TestCommandsStandAlone(t *testing.T) {
	commands := 0
	for path, imports := range listPackages(t) {
		if !isCommand(path) {
			continue
		}
		commands++
		for _, imp := range imports {
			if local, inside := strings.CutPrefix(imp, module); inside && strings.HasPrefix(local, "pkg/cmd/") {
				t.Errorf("%s imports %s", path, local)
			}
		}
	}
	if commands < 10 {
		t.Errorf("saw only %d commands", commands)
	}
}

// CONTRIBUTING names every package that has a tier.
func TestContributingNamesPackages(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	for path := range tiers {
		command := strings.HasPrefix(path, "pkg/cmd/") && path != "pkg/cmd/root"
		if !command && !strings.Contains(string(text), "`"+path+"`") {
			t.Errorf("CONTRIBUTING.md does not name %s", path)
		}
	}
}

func hasPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return s == p || strings.HasPrefix(s, p+"/") })
}

// listPackages maps each package of the module to what its non-test files
// import.
func listPackages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string][]string{}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[strings.TrimPrefix(p.ImportPath, module)] = p.Imports
	}
}

// Nothing but main.go touches the process; nothing under pkg prints, exits or
// panics; nothing runs before main.
func TestHouseRules(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if !strings.HasPrefix(rel, "pkg/") && !strings.HasPrefix(rel, "cmd/") {
			return nil
		}
		if tiers[filepath.ToSlash(filepath.Dir(rel))].tier == forTests {
			return nil
		}
		seen++
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		for _, imp := range file.Imports {
			if imp.Path.Value == `"log"` && strings.HasPrefix(rel, "pkg/") {
				t.Errorf("%s: log in a library", fset.Position(imp.Pos()))
			}
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init", fset.Position(f.Pos()))
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if broken := brokenRule(rel, n); broken != "" {
				t.Errorf("%s: %s", fset.Position(n.Pos()), broken)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Fatalf("read only %d files", seen)
	}
}

// No package is too large to read, and no file.
func TestHouseBounds(t *testing.T) {
	const maxPackage, maxFile = 4000, 500 // lines outside tests
	root := filepath.Join("..", "..")
	lines := map[string]int{}
	for _, top := range []string{"pkg", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			n := bytes.Count(text, []byte("\n"))
			lines[filepath.ToSlash(filepath.Dir(rel))] += n
			if n > maxFile {
				t.Errorf("%s has %d lines, over %d", filepath.ToSlash(rel), n, maxFile)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, n := range lines {
		if n > maxPackage {
			t.Errorf("%s has %d lines, over %d", name, n, maxPackage)
		}
	}
	if lines["pkg/check"] == 0 {
		t.Error("no package was read")
	}
}

// plainPackages use the field's own words; see privateWords. Packages are added as
// they become clean.
var plainPackages = []string{
	"pkg/check", "pkg/checklist", "pkg/cli", "pkg/copies", "pkg/crashcheck", "pkg/deliver", "pkg/deliveryview", "pkg/drill", "pkg/effects", "pkg/export", "pkg/generate", "pkg/inorder", "pkg/inspect", "pkg/jsonscan", "pkg/jsonschema", "pkg/julian", "pkg/juliantest", "pkg/migrate", "pkg/mockapi", "pkg/page",
	"pkg/payload", "pkg/receive", "pkg/record", "pkg/report", "pkg/safetext", "pkg/sender", "pkg/serve", "pkg/shape", "pkg/spelling", "pkg/terminal", "pkg/timeline", "pkg/units", "pkg/validate", "pkg/wait",
	"pkg/cmd/auth", "pkg/cmd/completion", "pkg/cmd/config", "pkg/cmd/demo", "pkg/cmd/export", "pkg/cmd/generate", "pkg/cmd/listen", "pkg/cmd/log", "pkg/cmd/mock",
	"pkg/cmd/replay", "pkg/cmd/root", "pkg/cmd/sample", "pkg/cmd/schema", "pkg/cmd/validate", "pkg/cmd/version",
}

// privateWords once had a meaning in this program alone, or are a long way to say
// "the user". A plain word is used instead: drain, batch, orphan, evaluate,
// unconfirmed, connection, fast path, index, outcome.
var privateWords = regexp.MustCompile(`(?i)\b(?:wind|winds|crowds?|strays?|farewell|goodbye|sprints?|tapes?|judg(?:e|es|ed|ing|ement|ements)|told|doubts?|talks?|converse|askers?|manners?|hired|ours|folk|persons?|nobody|somebody|whoever|lenien(?:ce|t)|strangers?)\b`)

// identifierWords puts spaces between the words of an identifier.
var identifierWords = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// Words that only this program used do not come back into the packages that are
// rid of them: neither in identifiers nor in comments.
func TestPlainWords(t *testing.T) {
	for _, sentence := range []string{"Nobody reads it", "the judge of it", "strayConn", "it was told"} {
		if privateWords.FindString(identifierWords.ReplaceAllString(sentence, "$1 $2")) == "" {
			t.Errorf("%q passes", sentence)
		}
	}
	for _, dir := range plainPackages {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(dir), "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			report := func(pos token.Pos, text string) {
				if word := privateWords.FindString(text); word != "" {
					t.Errorf("%s: %q: use the field's own word", fset.Position(pos), word)
				}
			}
			for _, group := range file.Comments {
				for _, comment := range group.List {
					report(comment.Pos(), comment.Text)
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && id.Name != "Sprint" { // fmt.Sprint
					report(id.Pos(), identifierWords.ReplaceAllString(id.Name, "$1 $2"))
				}
				return true
			})
		}
	}
}

// abortsHandler finds panic(http.ErrAbortHandler): net/http documents no other
// way to leave a request without an answer.
func abortsHandler(call *ast.CallExpr) bool {
	if len(call.Args) != 1 {
		return false
	}
	sel, ok := call.Args[0].(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "ErrAbortHandler"
}

// ownUnit finds formats of sizes, times and shares that are not those of
// pkg/units. Columns of a table in one unit have a width, and may be.
var ownUnit = regexp.MustCompile(`%(?:\.\d)?[dfgv] ?(?:µs|ms|[kKMGT]i?B|%%)`)

func brokenRule(path string, n ast.Node) string {
	if call, ok := n.(*ast.CallExpr); ok && strings.HasPrefix(path, "pkg/") {
		if id, ok := call.Fun.(*ast.Ident); ok && !abortsHandler(call) && (id.Name == "panic" || id.Name == "print" || id.Name == "println") {
			return id.Name + " in a library"
		}
	}
	if lit, ok := n.(*ast.BasicLit); ok && ownUnit.MatchString(lit.Value) && path != "pkg/units/units.go" {
		return lit.Value + ": pkg/units writes amounts for people"
	}
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	name := pkg.Name + "." + sel.Sel.Name
	process := []string{"os.Exit", "os.Args", "os.Stdin", "os.Stdout", "os.Stderr", "os.Environ", "os.Getenv", "os.LookupEnv"}
	switch {
	case slices.Contains(process, name) && path != "cmd/julianctl/main.go":
		return name + " outside main.go"
	case slices.Contains([]string{"fmt.Print", "fmt.Println", "fmt.Printf"}, name):
		return name + ": print to the stream that was handed in"
	}
	return ""
}

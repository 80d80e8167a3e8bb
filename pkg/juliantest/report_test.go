package juliantest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What checks say of flags is said of what stands for them in tests.
func TestNoFlagsInMessages(t *testing.T) {
	literal := regexp.MustCompile("\"[^\"\n]*(?:--[a-z]|-H\\b)[^\"\n]*\"")
	flag := regexp.MustCompile(`--[a-z]|-H\b`)
	seen := 0
	for _, folder := range []string{"check", "checklist", "effects"} {
		files, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || filepath.Base(file) == "registry.go" { // help of the command
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, said := range literal.FindAllString(string(source), -1) {
				if strings.Contains(said, "--max-requests") { // tests have no such limit
					continue
				}
				seen++
				if got := strings.ReplaceAll(inTests.Replace(said), "julianctl check --", ""); flag.MatchString(got) {
					t.Errorf("%s: %s", file, got)
				}
			}
		}
	}
	if seen < 8 {
		t.Errorf("saw only %d messages", seen)
	}
}

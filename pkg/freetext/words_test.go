package freetext

import (
	"math/bits"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/letters"
)

// The lists are whole and small, and without names.
func TestLists(t *testing.T) {
	l := Load()
	common, core := make([]int, len(languageNames)), make([]int, len(languageNames))
	for _, w := range l.words {
		for i := range languageNames {
			common[i] += int(w.common >> i & 1)
			core[i] += int(w.core >> i & 1)
		}
	}
	for i, name := range languageNames {
		if common[i] < 8000 || core[i] < 180 {
			t.Errorf("%s has %d common words, %d of them core", name, common[i], core[i])
		}
	}
	if size := len(commonFile) + len(ruleFile); size > 300_000 {
		t.Errorf("the lists have %d bytes", size)
	}
	for name := range strings.FieldsSeq(`will mark rose grace hope joy victor sarah priya mohammed juan maria josé giuseppe anna
		hans klein sommer müller schmidt dupont garcía rossi silva jansen andersson kowalski yılmaz deniz umut london paris berlin
		madrid roma lisboa amsterdam stockholm warszawa istanbul google amazon ikea siemens`) {
		if w := l.look(name); w.common != 0 && w.common != german {
			t.Errorf("%s is a common word of %010b", name, w.common)
		}
	}
	for word := range strings.FieldsSeq("appointment termin rendez-vous cita appuntamento reunião afspraak möte spotkanie randevu") {
		for part := range letters.Words(word) {
			if l.look(part).common == 0 {
				t.Errorf("%s is no common word", part)
			}
		}
	}
}

// Every class that the code asks for is in rules.txt, and the other way round.
func TestClasses(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{"joined": true, "letter": true}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`(?:\b[iI]s\([^()]*(?:\([^()]*\))?[^()]*?|rule\{|case |, )"([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			asked[m[1]] = true
		}
	}
	there := map[string]bool{}
	for r, list := range Load().lists {
		there[r.class] = true
		if len(list) == 0 || bits.OnesCount16(uint16(r.in)) != 1 && r.in != anyLanguage {
			t.Errorf("%s %010b: %d words", r.class, r.in, len(list))
		}
		if !asked[r.class] {
			t.Errorf("nothing asks for class %q", r.class)
		}
	}
	for _, class := range []string{"always", "speaker", "title", "name", "work", "from", "at", "dot", "domain", "street_after", "street_before", "unit", "born", "month", "digit", "large"} {
		if !there[class] {
			t.Errorf("class %q has no words", class)
		}
	}
}

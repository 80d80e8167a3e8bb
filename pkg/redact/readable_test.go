package redact

import (
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/letters"
	"github.com/tidwall/gjson"
)

// A call still reads as a call: of the words of generated conversations that are
// not personal, most stay. English is measured at 98 %, the least of the others
// at 95 %.
func TestReadable(t *testing.T) {
	g, r := generate.New(7), redactor(t)
	total, kept := map[string]int{}, map[string]int{}
	for range 2000 {
		body, err := g.Payload(g.Draw(generate.Spec{}))
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.Payload(body)
		if err != nil {
			t.Fatal(err)
		}
		personal := letters.Fold(gjson.GetBytes(body, "name").Str + " " + gjson.GetBytes(body, "customInputVariables.company").Str)
		language := "other"
		switch gjson.GetBytes(body, "timezone").Str {
		case "Europe/London", "Europe/Dublin":
			language = "English"
		case "Europe/Berlin", "Europe/Paris", "Europe/Stockholm":
			language = gjson.GetBytes(body, "timezone").Str
		}
		was, is := strings.Fields(gjson.GetBytes(body, "callResult.transcription").Str), strings.Fields(gjson.GetBytes(out, "callResult.transcription").Str)
		if len(was) != len(is) {
			t.Fatalf("%d words became %d", len(was), len(is))
		}
		for i := range was {
			if strings.Contains(personal, strings.Trim(letters.Fold(was[i]), ".,?!")) {
				continue
			}
			total[language]++
			if was[i] == is[i] {
				kept[language]++
			}
		}
	}
	delete(total, "other")
	if len(total) != 4 {
		t.Fatalf("languages: %v", total)
	}
	for language, n := range total {
		if share := 100 * kept[language] / n; share < 90 {
			t.Errorf("%s: %d %% of %d words stay", language, share, n)
		}
	}
}

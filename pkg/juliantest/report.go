package juliantest

import (
	"cmp"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
)

// report turns what a check found into what its subtest came to. Accepted: no evidence
// is no failure. In said is which check failed first for want of evidence, by its
// reason: the others that have the same reason are skipped.
func report(t *testing.T, e Endpoint, r check.Result, accepted bool, said map[string]string) {
	t.Helper()
	message := inTests.Replace(safetext.Line(r.Message))
	if r.NotRun && strings.HasSuffix(message, ": 404 Not Found") {
		message += "; " + e.wrongPath()
	}
	switch r.Verdict {
	case check.Pass:
		t.Log(message)
	case check.Warn:
		t.Log("worth a look: " + explain(t, r, checklist.Hint(r)))
	case check.Skip:
		t.Skip(message)
	case check.Undecided:
		first, again := said[message]
		switch {
		case again:
			t.Skipf("undecided, as %s is: %s", first, message)
		case accepted:
			t.Skip("undecided: " + message)
		}
		said[message] = r.ID
		t.Error("undecided: " + message)
	case check.Fail:
		hint := checklist.Hint(r)
		if len(r.Evidence) > 0 && !slices.ContainsFunc(r.Evidence, func(d check.Evidence) bool { return d.Status != http.StatusNotFound }) {
			hint = e.wrongPath()
		}
		t.Error(explain(t, r, hint))
	}
}

// wrongPath is the hint where nothing is found.
func (e Endpoint) wrongPath() string {
	if e.Handler == nil {
		return fmt.Sprintf("is %s the whole URL of the webhook?", e.URL)
	}
	return fmt.Sprintf("Endpoint.Path is %q: set it to where the handler takes deliveries", cmp.Or(e.Path, "/"))
}

// limits says what the checks that passed showed, and what none of them looks at.
func limits(sum check.Summary) string {
	var parts []string
	for _, part := range []struct {
		name string
		list []string
	}{{"shown: ", sum.Shown}, {"not checked: ", sum.NotShown}} {
		if len(part.list) > 0 {
			parts = append(parts, part.name+safetext.Line(strings.Join(part.list, "; ")))
		}
	}
	return inTests.Replace(strings.Join(parts, "\n"))
}

// inTests says what stands for a flag of julianctl check in tests.
var inTests = strings.NewReplacer(
	"--probe-batch counts all", "a quicker Endpoint.Probe would count all",
	"count effects with --probe", "count effects with Endpoint.Probe, or accept that with AllowUndecided",
	"--probe", "Endpoint.Probe",
	"is given with -H", "belongs in Endpoint.Secret",
	"give its header with -H", "name its header in Endpoint.Secret",
	"the path in --to", "Endpoint.Path",
	"--settle", "juliantest.Settle",
	"is the path in --to right", "is Endpoint.Path right",
	"--profile thorough", `juliantest.Profile("thorough")`,
	"--profile default", `juliantest.Profile("default")`,
	"--exec", "julianctl check --exec",
	"--also", "julianctl check --also",
)

// explain is what is said of a check that did not pass: what happened, the evidence,
// and what to do.
func explain(t *testing.T, r check.Result, hint string) string {
	var lines []string
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, label+inTests.Replace(safetext.Line(text)))
		}
	}
	list := func(label string, all []string, total int) {
		for i, line := range all[:min(len(all), mostLines)] {
			add(label, line)
			if left := total - mostLines; i == mostLines-1 && left > 0 {
				add(strings.Repeat(" ", len(label)), fmt.Sprintf("and %d more", left))
			}
		}
	}
	for _, said := range append([]string{r.Message}, r.Details...) {
		add("", said)
	}
	add("check:  the endpoint ", r.Title)
	var effects []string
	wrong := map[string]bool{} // calls
	for _, e := range r.Effects {
		switch {
		case e.Error != "":
			effects = append(effects, e.CallID+": "+e.Error)
		case e.After != e.Want:
			effects = append(effects, fmt.Sprintf("%s: processed %s, expected %d", e.CallID, units.Count(e.After, "time"), e.Want))
		default:
			continue
		}
		wrong[e.CallID] = true
	}
	list("effect: ", effects, len(effects))
	// What tells most comes first: deliveries of the calls above, then refused ones.
	var sent [3][]string
	last := ""
	for _, e := range r.Evidence {
		what := strings.TrimSpace(e.What + " " + e.CallID)
		rank := 2
		switch {
		case what == last: // the same once more
		case wrong[e.CallID]:
			rank = 0
		case e.Status/100 != 2:
			rank = 1
		}
		last = what
		sent[rank] = append(sent[rank], fmt.Sprintf("%s: %s in %s", what, cmp.Or(e.Error, fmt.Sprint(e.Status)), units.Time(units.FromMilliseconds(e.LatencyMS))))
	}
	list("sent:   ", slices.Concat(sent[:]...), r.Requests)
	for i, refused := range r.Refused {
		add("payload: ", keep(t, r.ID, i, refused))
	}
	if named := checklist.Named(r.ID); len(named) > 0 {
		add("why:    ", named[0].Why)
	}
	add("hint:   ", hint)
	lines = append(lines, "rerun:  "+rerun(t.Name(), r))
	return strings.Join(lines, "\n")
}

// mostLines is how many lines there are of each kind of evidence.
const mostLines = 4

// keep saves a payload where go test -artifacts asks for it, and says where, or how to
// ask.
func keep(t *testing.T, id string, i int, refused check.Refused) string {
	if f := flag.Lookup("test.artifacts"); f == nil || f.Value.String() != "true" {
		if i > 0 {
			return "" // it was said
		}
		return "go test -artifacts keeps it"
	}
	path := filepath.Join(t.ArtifactDir(), fmt.Sprintf("%s-%d.json", id, i+1))
	if err := os.WriteFile(path, refused.Payload, 0o600); err != nil {
		return err.Error()
	}
	if refused.Differs != "" {
		path += ", where " + refused.Differs
	}
	return path
}

// rerun is the command that runs a check again, and those that delivered what it
// counted.
func rerun(name string, r check.Result) string {
	levels := strings.Split(name, "/")
	for i, level := range levels {
		levels[i] = "^" + regexp.QuoteMeta(level) + "$"
	}
	if len(r.Related) > 0 {
		levels[len(levels)-1] = "^(" + strings.Join(append([]string{regexp.QuoteMeta(r.ID)}, r.Related...), "|") + ")$"
	}
	return "go test -run " + safetext.Shell(strings.Join(levels, "/"))
}

package redact

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
)

// maxFields is how many fields are listed on stderr.
const maxFields = 15

// redactedWhere says on stderr what was replaced in which field, and which words
// were kept most often in each file.
func redactedWhere(a *cli.App, r *redact.Redactor, files []redact.File) {
	fields, total := map[string][]string{}, map[string]int{}
	for _, kind := range redact.Kinds {
		for place, n := range r.Report() {
			if place.Kind == kind {
				fields[place.Pointer] = append(fields[place.Pointer], units.Count(n, string(kind)))
				total[place.Pointer] += n
			}
		}
	}
	pointers := slices.Collect(maps.Keys(fields))
	slices.SortFunc(pointers, func(a, b string) int { return cmp.Or(total[b]-total[a], strings.Compare(a, b)) })
	for _, pointer := range pointers[:min(len(pointers), maxFields)] {
		a.Note("  %s: %s", safetext.Line(pointer), strings.Join(fields[pointer], ", "))
	}
	if more := len(pointers) - maxFields; more > 0 {
		a.Note("  and %s; --report FILE has them all", units.Count(more, "more field"))
	}
	for _, f := range files[:min(len(files), maxFields)] {
		var words []string
		for _, k := range f.Kept {
			words = append(words, fmt.Sprintf("%s %d", k.Word, k.Count))
		}
		if len(words) > 0 {
			a.Note("kept most often in %s: %s", safetext.Line(f.Source), safetext.Line(strings.Join(words, ", ")))
		}
	}
	if more := len(files) - maxFields; more > 0 {
		a.Note("and %s; --report FILE has them all", units.Count(more, "more file"))
	}
	keys := 0
	for _, pointer := range slices.Sorted(maps.Keys(r.KeysLeft)) {
		keys += r.KeysLeft[pointer]
		a.Note("%s", a.ErrStyle.Warn(fmt.Sprintf("keys at %s hold personal data: %d", cmp.Or(safetext.Line(pointer), "the top"), r.KeysLeft[pointer])))
	}
	if keys > 0 {
		a.Hint("--redact-keys replaces them")
	}
}

// writeRedactReport writes one record a place and kind, and none of the values.
func writeRedactReport(a *cli.App, r *redact.Redactor, files []redact.File, payloads int, path string) error {
	type row struct {
		Pointer string `json:"pointer"`
		Kind    string `json:"kind"`
		Count   int    `json:"count"`
	}
	rows, keys := []*row{}, []*row{}
	for place, n := range r.Report() {
		rows = append(rows, &row{place.Pointer, string(place.Kind), n})
	}
	for pointer, n := range r.KeysLeft {
		keys = append(keys, &row{pointer, string(redact.Key), n})
	}
	for _, list := range [][]*row{rows, keys} {
		slices.SortFunc(list, func(a, b *row) int {
			return cmp.Or(cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Kind, b.Kind))
		})
	}
	// Strings and counts always encode.
	out, _ := json.MarshalIndent(map[string]any{
		"schema": "julianctl.redact/v1", "payloads": payloads, "replaced": rows, "keysLeft": keys, "files": files,
	}, "", "  ")
	if err := a.WriteReport(path, append(out, '\n')); err != nil {
		return cli.Failure(fmt.Errorf("--report: %w", err), "")
	}
	return nil
}

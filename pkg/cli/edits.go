package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/spelling"
	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// SetFlags are the flags of every command that changes payloads.
type SetFlags struct {
	Known []string // path=value
	Added []string // path=value, of undocumented fields
}

// Declare adds the flags; what is changed stands in doc.
func (f *SetFlags) Declare(cmd *cobra.Command, doc string) {
	cmd.Flags().StringArrayVar(&f.Known, "set", nil, "change "+doc+", path=value (repeatable)")
	cmd.Flags().StringArrayVar(&f.Added, "set-new", nil, "set a field that is not documented, path=value (repeatable)")
}

// Edit is one change: a path in a payload and the JSON that goes there.
type Edit struct {
	flag  string // that asked for it
	path  string
	value json.RawMessage
	// needsPayload: only a payload can show whether the field exists.
	needsPayload bool
}

// Edits reads the flags, --set first. A value that is JSON is taken as such, any
// other is a string: --set duration=12, --set callResult.resultType=Busy.
func (f *SetFlags) Edits() ([]Edit, error) {
	var edits []Edit
	for i, set := range slices.Concat(f.Known, f.Added) {
		added, flag := i >= len(f.Known), "--set"
		if added {
			flag = "--set-new"
		}
		path, value, found := strings.Cut(set, "=")
		if !found || path == "" {
			hint := "such as callResult.resultType=Busy"
			if name, value, ok := strings.Cut(set, ":"); ok && name != "" {
				hint = fmt.Sprintf("did you mean %q?", name+"="+strings.TrimSpace(value))
			}
			return nil, UsageError(fmt.Errorf("%s %q is not path=value", flag, set), hint)
		}
		raw := json.RawMessage(value)
		if !json.Valid(raw) {
			raw = json.RawMessage(CompactJSON(value))
		}
		edits = append(edits, Edit{flag, path, raw, !added && !documented(pathParts(path))})
	}
	return edits, nil
}

// ApplyEdits returns the payload with the edits made and every other byte as
// it was. The payload must be valid JSON.
func ApplyEdits(payload []byte, edits []Edit) ([]byte, error) {
	payload = bytes.Clone(payload)
	for _, e := range edits {
		if e.needsPayload && !gjson.GetBytes(payload, e.path).Exists() {
			return nil, UsageError(fmt.Errorf("%s %q: the payload has no such field, and none is documented", e.flag, e.path), meantPath(e.path))
		}
		edited, err := sjson.SetRawBytes(payload, e.path, e.value)
		if err != nil {
			return nil, UsageError(fmt.Errorf("%s %q: %w", e.flag, e.path, err), "")
		}
		// sjson leaves a payload as it is when the path is a query, and what
		// it makes of one that does not fit need not be JSON.
		nothing := bytes.Equal(edited, payload) && gjson.GetBytes(payload, e.path).Raw != string(e.value)
		if nothing || !jsonscan.Valid(edited) {
			return nil, UsageError(fmt.Errorf("%s %q does not fit the payload", e.flag, e.path), "")
		}
		payload = edited
	}
	return payload, nil
}

// pathParts splits a path as sjson does: at dots that no backslash precedes.
func pathParts(path string) []string {
	parts, part := []string{}, strings.Builder{}
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '\\' && i+1 < len(path):
			i++
			part.WriteByte(path[i])
		case c == '.':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	return append(parts, part.String())
}

// documented reports whether the parts lead to a field of the payload, or into
// an object whose keys are the agent's own.
func documented(parts []string) bool {
	_, known := followFields(parts)
	return known == len(parts)
}

// followFields follows parts through the documented fields: it returns the
// pointer of the last one that is known, and how many parts are.
func followFields(parts []string) (pointer string, known int) {
	at := julian.Field{Kind: julian.Object}
	for i, part := range parts {
		next := pointer + "/" + part
		switch {
		case at.Free:
			return pointer, len(parts)
		case at.Kind == julian.Array:
			if _, err := strconv.Atoi(part); err != nil {
				return pointer, i
			}
			next = pointer + "/*"
		}
		found := slices.IndexFunc(julian.Fields, func(f julian.Field) bool { return f.Pointer == next })
		if found < 0 {
			return pointer, i
		}
		at, pointer = julian.Fields[found], next
	}
	return pointer, len(parts)
}

// meantPath is the hint for a path that leads nowhere: with the nearest field
// beside the first part that is not known, or the one of that name elsewhere.
func meantPath(path string) string {
	parts := pathParts(path)
	pointer, known := followFields(parts)
	var beside, everywhere []string
	paths := map[string]string{} // last name to the first path
	for _, f := range julian.Fields {
		slash := strings.LastIndexByte(f.Pointer, '/')
		name := f.Pointer[slash+1:]
		if f.Pointer[:slash] == pointer {
			beside = append(beside, strings.Replace(name, "*", "0", 1))
		}
		if paths[name] == "" && name != "*" {
			everywhere = append(everywhere, name)
			paths[name] = strings.ReplaceAll(strings.ReplaceAll(f.Pointer[1:], "/", "."), "*", "0")
		}
	}
	near := spelling.Nearest(parts[known], beside)
	if len(beside) == 1 && beside[0] == "0" { // of a list
		near = "0"
	}
	first, last := parts[:known], len(parts)-1
	for _, meant := range [][]string{
		slices.Concat(first, []string{near}, parts[known+1:]),
		append(pathParts(paths[spelling.Nearest(parts[known], everywhere)]), parts[known+1:]...),
		pathParts(paths[spelling.Nearest(parts[last], everywhere)]),
	} {
		if documented(meant) {
			return fmt.Sprintf("did you mean %q? --set-new adds a field that is not documented", strings.Join(meant, "."))
		}
	}
	return "--set-new adds a field that is not documented"
}

// fitEdits makes the edits on the first payload, so that a misspelt path ends
// the command before anything is sent. What stdin or a pipe gives comes once.
func fitEdits(docs iter.Seq2[payload.Document, error], edits []Edit, paths []string) error {
	once := func(path string) bool {
		info, err := os.Stat(path)
		return path == "-" || err == nil && !info.Mode().IsRegular() && !info.IsDir()
	}
	if slices.ContainsFunc(paths, once) || !slices.ContainsFunc(edits, func(e Edit) bool { return e.needsPayload }) {
		return nil
	}
	for doc, err := range docs {
		if err == nil && jsonscan.Valid(doc.Body) {
			_, err := ApplyEdits(doc.Body, edits)
			return err
		}
	}
	return nil
}

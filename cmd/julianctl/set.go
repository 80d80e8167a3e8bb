package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// edit is one --set: a path in a payload and the JSON that goes there.
type edit struct {
	path  string
	value json.RawMessage
}

// parseEdits reads path=value. A value that is JSON is taken as such, any
// other is a string: --set duration=12, --set callResult.resultType=Busy.
func parseEdits(sets []string) ([]edit, error) {
	var edits []edit
	for _, set := range sets {
		path, value, found := strings.Cut(set, "=")
		if !found || path == "" {
			return nil, usage(fmt.Errorf("--set %q is not path=value", set), "such as --set callResult.resultType=Busy")
		}
		raw := json.RawMessage(value)
		if !json.Valid(raw) {
			raw = json.RawMessage(compactJSON(value))
		}
		edits = append(edits, edit{path, raw})
	}
	return edits, nil
}

// applyEdits returns the payload with the edits made and every other byte as
// it was. The payload must be valid JSON.
func applyEdits(payload []byte, edits []edit) ([]byte, error) {
	payload = bytes.Clone(payload)
	for _, e := range edits {
		edited, err := sjson.SetRawBytes(payload, e.path, e.value)
		if err != nil {
			return nil, usage(fmt.Errorf("--set %q: %w", e.path, err), "")
		}
		// sjson leaves a payload as it is when the path is a query, and what
		// it makes of one that does not fit need not be JSON.
		nothing := bytes.Equal(edited, payload) && gjson.GetBytes(payload, e.path).Raw != string(e.value)
		if nothing || !json.Valid(edited) {
			return nil, usage(fmt.Errorf("--set %q does not fit the payload", e.path), "")
		}
		payload = edited
	}
	return payload, nil
}

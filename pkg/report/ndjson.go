package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/julianctl/julianctl/pkg/safetext"
)

// Records writes results as NDJSON: one object a line, each beginning with the
// schema of its command and its kind. It is not safe for concurrent use.
type Records struct {
	w      io.Writer
	schema string
}

// NewRecords returns a writer of the records of one command. Their schema is
// "julianctl.COMMAND/v1", whose fields are only ever added to.
func NewRecords(w io.Writer, command string) *Records {
	return &Records{w: w, schema: "julianctl." + command + "/v1"}
}

// Write writes v, which must encode to a JSON object, as one record. The last
// record of a command has kind "summary". Characters that could do harm on a
// terminal are escaped, so a record may be shown as it is.
func (r *Records) Write(kind string, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	if body[0] != '{' {
		return fmt.Errorf("record %q encodes to no JSON object: %.40s", kind, body)
	}
	line := fmt.Appendf(nil, `{"schema":%q,"kind":%q`, r.schema, kind)
	if body[1] != '}' {
		line = append(line, ',')
	}
	_, err = r.w.Write(append(append(line, body[1:]...), '\n'))
	return err
}

// encode is v as JSON on one line, without the line feed, safe to show.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return safetext.JSON(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

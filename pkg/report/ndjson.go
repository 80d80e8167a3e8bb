package report

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// Records writes results as NDJSON: one object a line, each beginning with the
// schema of its command and its kind. It is not safe for concurrent use.
type Records struct {
	w    io.Writer
	head string // of a line, up to its kind
	line []byte // kept for the next record
}

// NewRecords returns a writer of the records of one command. Their schema is
// "julianctl.COMMAND/v1", whose fields are only ever added to.
func NewRecords(w io.Writer, command string) *Records {
	return &Records{w: w, head: `{"schema":"julianctl.` + command + `/v1","kind":`}
}

// Write writes v, which must encode to a JSON object, as one record. The last
// record of a command has kind "summary". Characters that could do harm on a
// terminal are escaped, so a record may be shown as it is.
func (r *Records) Write(kind string, v any) error {
	return r.Append(kind, func(line []byte) ([]byte, error) { return jsonscan.Append(line, v) })
}

// Append is Write of the JSON object that object appends to a line.
func (r *Records) Append(kind string, object func(line []byte) ([]byte, error)) error {
	head := strconv.AppendQuote(append(r.line[:0], r.head...), kind)
	line, err := object(head)
	if err != nil {
		return err
	}
	switch body := line[len(head):]; {
	case !bytes.HasPrefix(body, []byte("{")):
		return fmt.Errorf("record %q is not a JSON object: %.40s", kind, body)
	case body[1] == '}':
		line = append(line[:len(head)], '}')
	default:
		body[0] = ','
	}
	r.line = append(safetext.JSON(line), '\n')
	_, err = r.w.Write(r.line)
	if cap(r.line) > maxKept {
		r.line = nil // this one was very large
	}
	return err
}

// maxKept is how many bytes are kept between two records.
const maxKept = 1 << 20

// encode is v as JSON on one line, without the line feed, safe to show.
func encode(v any) ([]byte, error) {
	line, err := jsonscan.Append(nil, v)
	return safetext.JSON(line), err
}

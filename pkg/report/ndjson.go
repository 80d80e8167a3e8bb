package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	body := b.Bytes()
	if len(body) == 0 || body[0] != '{' {
		return fmt.Errorf("record %q encodes to no JSON object: %.40s", kind, body)
	}
	line := fmt.Appendf(nil, `{"schema":%q,"kind":%q`, r.schema, kind)
	if body[1] != '}' {
		line = append(line, ',')
	}
	line = appendEscaped(line, body[1:])
	_, err := r.w.Write(line)
	return err
}

// appendEscaped appends JSON with every character escaped that a terminal or a
// reader could take for more than text: DEL, C1 controls, bidirectional and
// other invisible controls, and the second # of the ## that begins a command
// in the logs of some CI systems. encoding/json escapes C0 by itself.
func appendEscaped(dst, src []byte) []byte {
	var last rune
	for _, r := range string(src) {
		command := r == '#' && last == '#'
		last = r
		if command || r == 0x7f || 0x80 <= r && r <= 0x9f || invisible(r) {
			if r > 0xffff {
				r -= 0x10000
				dst = fmt.Appendf(dst, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
				continue
			}
			dst = fmt.Appendf(dst, `\u%04x`, r)
			continue
		}
		dst = append(dst, string(r)...)
	}
	return dst
}

func invisible(r rune) bool {
	switch {
	case r == 0x61c, 0x200b <= r && r <= 0x200f, 0x2028 <= r && r <= 0x202e, 0x2060 <= r && r <= 0x206f:
		return true
	case r == 0xfeff, 0xe0000 <= r && r <= 0xe007f:
		return true
	}
	return false
}

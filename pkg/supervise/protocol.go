package supervise

import (
	"bytes"
	"encoding/binary"
)

// sniff waits for the first bytes of the consumer and chooses the protocol. A
// target that speaks first has chosen the raw one.
func (r *relay) sniff() error {
	_, err := r.up.r.Peek(1)
	if err != nil {
		return err
	}
	head, err := r.up.r.Peek(r.up.r.Buffered())
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proto != nil {
		return nil
	}
	name := r.conn.proxy.name
	switch {
	case isPostgres(head):
		r.proto = &postgres{name: name, refuseTLS: func() error {
			_, err := r.conn.client.Write([]byte{'N'})
			return err
		}}
	case head[0] == '*':
		r.proto = &redis{name: name}
	case isHTTP(head):
		r.proto = &httpProtocol{name: name}
	default:
		r.proto = &rawProtocol{name: name}
	}
	return nil
}

// isHTTP reports whether the first line is that of an HTTP/1 request.
func isHTTP(head []byte) bool {
	line, _, found := bytes.Cut(head, []byte("\n"))
	return found && bytes.HasSuffix(bytes.TrimSuffix(line, []byte("\r")), []byte(" HTTP/1.1")) ||
		found && bytes.HasSuffix(bytes.TrimSuffix(line, []byte("\r")), []byte(" HTTP/1.0"))
}

// rawProtocol is for what is not known: a step is what the consumer says until
// the target says something. That is coarse: an answer's end cannot be seen.
type rawProtocol struct{ name string }

func (p *rawProtocol) request(f *frameReader) (unit, error) {
	if err := f.some(); err != nil {
		return unit{}, err
	}
	text := printable(f.data)
	blanked := blank(text)
	return unit{text: blanked, raw: oneLine(text), hash: hashOf(p.name, blanked), write: true}, nil
}

func (p *rawProtocol) response(f *frameReader) (part, error) {
	return part{last: true, answer: "answer"}, f.some()
}

// printable is the text in b, and one dot for each run of other bytes.
func printable(b []byte) string {
	var out []byte
	for _, c := range b[:min(len(b), maxText)] {
		switch {
		case 0x20 <= c && c < 0x7f:
			out = append(out, c)
		case len(out) == 0 || out[len(out)-1] != '.':
			out = append(out, '.')
		}
	}
	return string(out)
}

// PostgreSQL, protocol 3.0 and 3.2:
// https://www.postgresql.org/docs/current/protocol-message-formats.html
const (
	pgSSLRequest    = 80877103
	pgGSSENCRequest = 80877104
	pgCancelRequest = 80877102
)

// isPostgres reports whether head begins as a PostgreSQL client does: a length,
// and a protocol version or one of the codes of requests.
func isPostgres(head []byte) bool {
	if len(head) < 8 || head[0] != 0 {
		return false
	}
	switch code := binary.BigEndian.Uint32(head[4:]); code {
	case pgSSLRequest, pgGSSENCRequest, pgCancelRequest:
		return true
	default:
		return code>>16 == 3
	}
}

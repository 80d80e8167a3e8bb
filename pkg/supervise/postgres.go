package supervise

import (
	"bytes"
	"encoding/binary"
	"strings"
	"sync"
)

// postgres frames PostgreSQL's protocol 3: a request is what the consumer sends
// up to a Query or a Sync, and ReadyForQuery ends its answer.
type postgres struct {
	name      string
	refuseTLS func() error
	started   bool // the first message, which has no type, is over

	prepared map[string]string // statement name to text
	portals  map[string]string // portal name to text
	// flight are the statements that the next Sync executes.
	flight []string

	mu   sync.Mutex
	past []string // statements since BEGIN, blanked
	// wrote: the transaction has a statement that changes something.
	wrote bool
	tag   string // command tag of the answer under way
	inTx  bool
}

// maxMessage is the longest message that PostgreSQL itself takes.
const maxMessage = 1 << 30

func (p *postgres) request(f *frameReader) (unit, error) {
	for !p.started {
		done, err := p.startup(f)
		if err != nil || done {
			return unit{}, err
		}
	}
	for {
		kind, body, err := p.message(f)
		if err != nil {
			return unit{}, err
		}
		switch kind {
		case 'Q':
			return p.step([]string{cString(body)}), nil
		case 'P': // name, text, types
			name, rest := cutString(body)
			text, _ := cutString(rest)
			p.remember(&p.prepared, name, text)
		case 'B': // portal, statement, …
			portal, rest := cutString(body)
			name, _ := cutString(rest)
			p.remember(&p.portals, portal, p.prepared[name])
		case 'E': // portal, rows
			portal, _ := cutString(body)
			p.flight = append(p.flight, p.portals[portal])
		case 'S':
			flight := p.flight
			p.flight = nil
			return p.step(flight), nil
		case 'F': // function call
			return p.step([]string{"function call"}), nil
		case 'p', 'X', 'H', 'd', 'c', 'f':
			// A password, the end, a flush, and data of COPY: they go on at once.
			return unit{}, nil
		}
	}
}

// maxPrepared bounds what is remembered of one connection.
const maxPrepared = 10_000

func (p *postgres) remember(names *map[string]string, name, text string) {
	if *names == nil || len(*names) > maxPrepared {
		*names = map[string]string{}
	}
	(*names)[name] = strings.Clone(text)
}

// startup reads a message without a type. It is done when something has to go
// on to the target.
func (p *postgres) startup(f *frameReader) (done bool, err error) {
	head, err := f.next(8)
	if err != nil {
		return false, err
	}
	length, code := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
	switch {
	case length < 8 || length > 64<<10:
		return false, errUnframed
	case (code == pgSSLRequest || code == pgGSSENCRequest) && length == 8:
		f.take() // the target never sees it
		return false, p.refuseTLS()
	}
	p.started = true
	_, err = f.next(int(length) - 8)
	return true, err
}

// message reads one message with a type.
func (p *postgres) message(f *frameReader) (kind byte, body []byte, err error) {
	head, err := f.next(5)
	if err != nil {
		return 0, nil, err
	}
	kind = head[0]
	length := binary.BigEndian.Uint32(head[1:])
	if length < 4 || length > maxMessage || kind < '1' || kind > 'z' {
		return 0, nil, errUnframed
	}
	body, err = f.next(int(length) - 4)
	return kind, body, err
}

// step is the unit of a request that ends with Query or Sync. Those that execute
// nothing that counts have no text.
func (p *postgres) step(statements []string) unit {
	u := unit{awaits: true}
	var texts, raws []string
	for _, s := range statements {
		if text := strings.TrimSpace(withoutComments(s)); counts(text) {
			texts, raws = append(texts, blankSQL(text)), append(raws, oneLine(text))
		}
	}
	if len(texts) == 0 {
		return u
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	u.text, u.raw = strings.Join(texts, "; "), strings.Join(raws, "; ")
	for _, s := range splitStatements(u.text) {
		p.past = append(p.past, s)
		switch word := firstWord(s); {
		case word == "BEGIN" || word == "START":
			p.inTx = true
		case word == "COMMIT" || word == "END" || word == "PREPARE TRANSACTION":
			u.write = u.write || p.wrote
			u.ends = u.write
			p.inTx = false
		case word == "ROLLBACK" || word == "ABORT":
			p.wrote = false
		case changes(s):
			p.wrote, u.changes = true, true
			if !p.inTx {
				u.write, u.ends = true, true
			}
		}
	}
	u.hash = hashOf(p.name, p.past...)
	return u
}

// counts reports whether a statement is a step: pings and comments are none.
func counts(text string) bool {
	text = strings.TrimRight(text, "; \t\r\n")
	return text != "" && !strings.EqualFold(text, "SELECT 1")
}

// changes reports whether a statement changes durable state as far as its words
// tell. What is not known is taken for one that does.
func changes(statement string) bool {
	upper := strings.ToUpper(statement)
	switch firstWord(statement) {
	case "SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN":
		for _, word := range []string{"INSERT INTO", "UPDATE ", "DELETE FROM", "MERGE INTO"} {
			if i := strings.Index(upper, word); i > 0 && !strings.HasSuffix(strings.TrimSpace(upper[:i]), "FOR") && !strings.HasSuffix(strings.TrimSpace(upper[:i]), "NO KEY") {
				return true
			}
		}
		return false
	case "SHOW", "SET", "RESET", "DISCARD", "LISTEN", "UNLISTEN", "FETCH", "DECLARE", "CLOSE", "DEALLOCATE", "PREPARE", "SAVEPOINT", "RELEASE", "LOCK", "CHECKPOINT", "ANALYZE", "MOVE":
		return false
	}
	return true
}

// firstWord is the first word of a statement in capitals; PREPARE TRANSACTION is
// one word here, since PREPARE alone is something else.
func firstWord(s string) string {
	upper := strings.ToUpper(strings.TrimLeft(s, " (\t\r\n"))
	if strings.HasPrefix(upper, "PREPARE TRANSACTION") {
		return "PREPARE TRANSACTION"
	}
	end := strings.IndexFunc(upper, func(r rune) bool { return r < 'A' || r > 'Z' })
	if end < 0 {
		return upper
	}
	return upper[:end]
}

// splitStatements cuts a blanked query at its semicolons: quoted ones are gone.
func splitStatements(s string) []string {
	var out []string
	for one := range strings.SplitSeq(s, ";") {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}

// withoutComments takes comments out that stand outside of quotes.
func withoutComments(s string) string {
	if !strings.Contains(s, "--") && !strings.Contains(s, "/*") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		rest := s[i:]
		switch {
		case s[i] == '\'':
			end := skipQuoted(s, i)
			b.WriteString(s[i:end])
			i = end
		case strings.HasPrefix(rest, "--"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				return b.String()
			}
			i += end
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest, "*/")
			if end < 0 {
				return b.String()
			}
			b.WriteByte(' ')
			i += end + 2
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}

func (p *postgres) response(f *frameReader) (part, error) {
	kind, body, err := p.message(f)
	if err != nil {
		return part{}, err
	}
	switch kind {
	case 'Z': // ReadyForQuery: I idle, T in a transaction, E in a failed one
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(body) == 1 && body[0] == 'I' {
			p.past, p.wrote, p.inTx = nil, false, false
		} else {
			p.inTx = true
		}
		tag := p.tag
		p.tag = ""
		return part{last: true, answer: tag}, nil
	case 'C':
		p.setTag(cString(body))
	case 'E':
		p.setTag("ERROR " + errorField(body, 'C'))
	case 'I':
		p.setTag("empty")
	case 'N', 'A', 'S': // notice, notification, a parameter's new value
		return part{apart: true}, nil
	case 'G', 'W': // COPY in, COPY both: the consumer speaks next
		return part{wants: true}, nil
	}
	return part{}, nil
}

func (p *postgres) setTag(tag string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tag = oneLine(tag)
}

// errorField is one field of an ErrorResponse, such as C, the SQLSTATE.
func errorField(body []byte, want byte) string {
	for len(body) > 1 {
		kind := body[0]
		value, rest := cutString(body[1:])
		if kind == want {
			return value
		}
		body = rest
	}
	return ""
}

func cString(b []byte) string {
	s, _ := cutString(b)
	return s
}

// cutString cuts b after its first NUL.
func cutString(b []byte) (s string, rest []byte) {
	before, after, _ := bytes.Cut(b, []byte{0})
	return string(before), after
}

package supervise

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/units"
)

// redis frames RESP 2 and 3: a command is a step, within MULTI only EXEC.
// https://redis.io/docs/latest/develop/reference/protocol-spec/
type redis struct {
	name    string
	inMulti bool
	past    []string // commands since MULTI, blanked
	wrote   bool     // one of them writes
}

const (
	maxItems = 1 << 20 // of one command or reply
	maxBulk  = 512 << 20
	maxDepth = 32
)

// uncounted are commands that only set up or look after a connection.
var uncounted = []string{"HELLO", "AUTH", "CLIENT", "PING", "SELECT", "COMMAND", "INFO", "ECHO", "QUIT", "READONLY", "CONFIG", "CLUSTER", "ROLE", "UNWATCH"}

// reads are commands that change nothing; all others are taken for writes.
var reads = []string{
	"GET", "MGET", "STRLEN", "GETRANGE", "EXISTS", "TTL", "PTTL", "TYPE", "KEYS", "SCAN", "DBSIZE", "RANDOMKEY", "OBJECT", "TOUCH",
	"HGET", "HMGET", "HGETALL", "HEXISTS", "HLEN", "HKEYS", "HVALS", "HSCAN", "HSTRLEN", "SISMEMBER", "SMISMEMBER", "SMEMBERS", "SCARD", "SSCAN", "SRANDMEMBER",
	"ZSCORE", "ZMSCORE", "ZRANK", "ZRANGE", "ZRANGEBYSCORE", "ZREVRANGE", "ZCARD", "ZCOUNT", "ZSCAN", "LRANGE", "LLEN", "LINDEX", "LPOS",
	"BITCOUNT", "GETBIT", "XLEN", "XRANGE", "XREVRANGE", "XREAD", "XINFO", "XPENDING", "PFCOUNT", "WATCH", "TIME", "WAIT", "MEMORY", "DUMP", "EVAL_RO", "EVALSHA_RO", "FCALL_RO",
}

// unframed are commands after which replies come unasked, or not at all.
var unframed = []string{"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SYNC", "PSYNC", "RESET"}

func (p *redis) request(f *frameReader) (unit, error) {
	words, err := p.command(f)
	if err != nil {
		return unit{}, err
	}
	name := strings.ToUpper(words[0])
	second := ""
	if len(words) > 1 {
		second = strings.ToUpper(words[1])
	}
	switch {
	case slices.Contains(unframed, name), name == "CLIENT" && second == "REPLY":
		return unit{passAll: true}, nil
	case slices.Contains(uncounted, name):
		return unit{awaits: true}, nil
	}
	raw := oneLine(strings.Join(words, " "))
	text := name
	if len(words) > 1 {
		text += " " + blank(words[1])
	}
	if len(words) > 2 {
		text += " …"
	}
	p.past = append(p.past, text)
	write := !slices.Contains(reads, name)
	u := unit{awaits: true, text: text, raw: raw, write: write, ends: write}
	switch {
	case name == "MULTI":
		p.inMulti, p.past, p.wrote = true, []string{text}, false
		return unit{awaits: true}, nil
	case name == "DISCARD":
		p.inMulti, p.past = false, nil
		return unit{awaits: true}, nil
	case name == "EXEC":
		u.write, u.ends = p.wrote, p.wrote
		u.text = strings.Join(p.past, "; ")
		u.hash = hashOf(p.name, p.past...)
		p.inMulti, p.past = false, nil
		return u, nil
	case p.inMulti:
		p.wrote = p.wrote || write
		return unit{awaits: true}, nil
	}
	u.hash = hashOf(p.name, text)
	p.past = nil
	return u, nil
}

// command reads an array of bulk strings. Words that are long are cut in what is
// returned, never in what is passed on.
func (p *redis) command(f *frameReader) ([]string, error) {
	line, err := f.line()
	if err != nil {
		return nil, err
	}
	if line[0] != '*' {
		return nil, errUnframed // an inline command
	}
	n, ok := respLength(line)
	if !ok || n < 1 || n > maxItems {
		return nil, errUnframed
	}
	var words []string
	for range n {
		line, err := f.line()
		if err != nil {
			return nil, err
		}
		size, ok := respLength(line)
		if line[0] != '$' || !ok || size < 0 || size > maxBulk {
			return nil, errUnframed
		}
		word, err := f.next(size + 2)
		if err != nil {
			return nil, err
		}
		if len(words) < 8 {
			words = append(words, string(word[:min(size, maxText)]))
		}
	}
	return words, nil
}

// respLength reads the number of a line such as "*3\r\n"; -1 is null.
func respLength(line []byte) (n int, ok bool) {
	digits, ok := bytes.CutSuffix(line[1:], []byte("\r\n"))
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(string(digits))
	return n, err == nil && n >= -1
}

func (p *redis) response(f *frameReader) (part, error) {
	start := len(f.data)
	first, err := p.reply(f, 0)
	if err != nil {
		return part{}, err
	}
	if first[0] == '>' { // pushed, not asked for
		return part{apart: true}, nil
	}
	line, _, _ := bytes.Cut(f.data[start:], []byte("\r\n"))
	return part{last: true, answer: replyWord(line)}, nil
}

// replyWord says what a reply is without its values: OK, an error's first word,
// a number, how many values, or the kind.
func replyWord(line []byte) string {
	switch line[0] {
	case '+':
		return oneLine(string(line[1:]))
	case '-':
		word, _, _ := strings.Cut(string(line[1:]), " ")
		return "ERROR " + oneLine(word)
	case ':':
		return string(line[1:])
	case '$', '*', '_':
		if bytes.Equal(line[1:], []byte("-1")) || line[0] == '_' {
			return "nil"
		}
	}
	if n, err := strconv.Atoi(string(line[1:])); line[0] == '*' && err == nil {
		return units.Count(n, "value")
	}
	return "value"
}

// reply reads one value with all that belongs to it, and returns its first line.
func (p *redis) reply(f *frameReader, depth int) (first []byte, err error) {
	if depth > maxDepth {
		return nil, errUnframed
	}
	line, err := f.line()
	if err != nil {
		return nil, err
	}
	first = bytes.Clone(line)
	var items int
	switch line[0] {
	case '+', '-', ':', '_', ',', '#', '(':
		return first, nil
	case '$', '=', '!':
		size, ok := respLength(line)
		if !ok || size > maxBulk {
			return nil, errUnframed
		}
		if size >= 0 {
			_, err = f.next(size + 2)
		}
		return first, err
	case '*', '~', '>':
		items = 1
	case '%', '|':
		items = 2
	default:
		return nil, errUnframed
	}
	n, ok := respLength(line)
	if !ok || n > maxItems {
		return nil, errUnframed
	}
	for range max(n, 0) * items {
		if _, err := p.reply(f, depth+1); err != nil {
			return nil, err
		}
	}
	if line[0] == '|' { // attributes stand before the value that they are of
		return p.reply(f, depth+1)
	}
	return first, nil
}

package supervise

import (
	"hash/fnv"
	"io"
	"regexp"
	"strings"
	"time"
)

// Step is one request of the consumer to something that it uses, with its
// complete answer: a statement and its result, a Redis command and its reply, an
// HTTP request and its response.
type Step struct {
	Proxy  string // name of the proxy that it went through, such as "database"
	Conn   int    // which connection through that proxy, from 1
	Point  Point
	Text   string // the request, on one line, its values blanked
	Raw    string // the request as it was, on one line
	Answer string // short: a command tag, a status, the kind of a reply
	// Write: the step changes durable state (a COMMIT after a write, a write
	// outside a transaction, SET, EXEC, POST).
	Write bool
	// Changes: the step changes something, which is not durable before the
	// transaction ends.
	Changes bool
	// Ends: the step ends a transaction with COMMIT, or is an HTTP request.
	// They are tried first where there is no time for all.
	Ends  bool
	Began time.Time // when the request was complete
	Ended time.Time // when the answer was complete; zero: it never was
}

// Point says which step of a delivery is meant, whatever else goes on: the hash
// of its statements since BEGIN on its connection, values blanked, and the how
// manieth step with that hash it is since the delivery began. An ordinal would
// not hold under pools, polling and parallel statements.
type Point struct {
	Hash       uint64
	Occurrence int // from 1
}

// hashOf is the hash of a proxy's name and of statements in order.
func hashOf(proxy string, statements ...string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, proxy)
	for _, s := range statements {
		_, _ = io.WriteString(h, "\x00"+s)
	}
	return h.Sum64()
}

// maxText is the longest text of a step that is kept, in bytes.
const maxText = 2000

// maxStatement is how much of a statement is looked at, in bytes: a value in it may
// be a whole payload.
const maxStatement = 1 << 20

// oneLine folds white space and cuts s to maxText.
func oneLine(s string) string { return cutText(fold(s[:min(len(s), 2*maxText)])) }

// fold turns each run of white space into one blank.
func fold(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
}

func cutText(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// blank takes the values out of a statement or a key, so that the same step of
// two deliveries reads the same: quoted strings become '…', and every word that
// holds a digit (numbers, ids, times, placeholders such as $1) becomes #.
func blank(s string) string { return blankBut(s, func(string) bool { return false }) }

// blankSQL is blank for a statement, whose names of tables and columns may hold a
// digit and are kept. Those of savepoints, cursors and prepared statements are
// often counted up, and are not.
func blankSQL(s string) string {
	if counted.MatchString(s) {
		return blank(s)
	}
	return blankBut(s, func(word string) bool { return sqlName.MatchString(word) && !longNumber.MatchString(word) })
}

var (
	counted = regexp.MustCompile(`(?i)^\s*(SAVEPOINT|RELEASE|ROLLBACK|PREPARE|EXECUTE|DEALLOCATE|DECLARE|FETCH|MOVE|CLOSE)\b`)
	sqlName = regexp.MustCompile(`^[\pL_][\pL\pN_$]*(\.[\pL_][\pL\pN_$]*)*$`)
	// longNumber is part of a name that was made up: tmp_1764450000, t8f14e45f.
	longNumber = regexp.MustCompile(`\d{5}|\d\D+\d+\D+\d`)
)

// blankBut is blank that leaves the words with a digit that kept names.
func blankBut(s string, kept func(word string) bool) string {
	var b strings.Builder
	// Values go before the text is cut: one of them may be longer than all of it.
	s = fold(s[:min(len(s), maxStatement)])
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\'':
			b.WriteString("'…'")
			i = skipQuoted(s, i)
		case c == '$' && dollarQuote(s[i:]) != "":
			b.WriteString("'…'")
			tag := dollarQuote(s[i:])
			i += len(tag)
			if end := strings.Index(s[i:], tag); end >= 0 {
				i += end + len(tag)
			} else {
				i = len(s)
			}
		case isWordByte(c):
			end := i
			digit := false
			for end < len(s) && (isWordByte(s[end]) || joinsID(s, end)) {
				digit = digit || '0' <= s[end] && s[end] <= '9'
				end++
			}
			if digit && !kept(s[i:end]) {
				b.WriteByte('#')
			} else {
				b.WriteString(s[i:end])
			}
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return cutText(b.String())
}

// dollarQuote is what begins a string such as $$it's$$ or $tag$…$tag$, "" where
// none begins.
func dollarQuote(s string) string {
	end := strings.IndexByte(s[1:], '$') + 2
	if end < 2 {
		return ""
	}
	for i, c := range s[1 : end-1] {
		if c != '_' && !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') && !(i > 0 && '0' <= c && c <= '9') {
			return "" // $1, a placeholder
		}
	}
	return s[:end]
}

// skipQuoted returns the place after the string that begins at i; a doubled
// quote belongs to it and, in E'…', one after a backslash.
func skipQuoted(s string, i int) int {
	escapes := i > 0 && (s[i-1] == 'E' || s[i-1] == 'e') && (i == 1 || !isWordByte(s[i-2]))
	for i++; i < len(s); i++ {
		if escapes && s[i] == '\\' {
			i++
			continue
		}
		if s[i] != '\'' {
			continue
		}
		if i+1 == len(s) || s[i+1] != '\'' {
			return i + 1
		}
		i++
	}
	return min(i, len(s))
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// joinsID reports whether the byte at i joins two parts of an id or a time, as
// in call.abc-12 or 2025-09-25T08:20:48.760Z. A schema's name before a table's
// holds no digit, so that the two stay readable.
func joinsID(s string, i int) bool {
	return (s[i] == '-' || s[i] == '.') && i+1 < len(s) && isWordByte(s[i+1])
}

package jsonschema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// errBacktracks is a construct of ECMA-262 that needs more than linear time,
// which Go's regular expressions never do.
var errBacktracks = errors.New("needs backtracking")

// compileECMA compiles a regular expression of ECMA-262, in which a class or an
// escape may mean something else than in Go. It anchors nothing.
func compileECMA(text string) (*regexp.Regexp, error) {
	t := ecma{rest: text}
	if err := t.translate(); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(t.out.String())
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		return nil, errors.New(string(e.Code))
	}
	return re, err
}

func regexpHint(err error) string {
	if errors.Is(err, errBacktracks) {
		return "look-around and back references take unbounded time on hostile text; say it with allOf, not and several patterns"
	}
	return ""
}

// ecma writes a regular expression anew.
type ecma struct {
	rest    string
	out     strings.Builder
	inClass bool
}

// Classes that are not the same in both, as ranges.
const (
	ecmaSpace    = `\t-\r\x{feff}\p{Z}`
	ecmaNotSpace = `\x00-\x08\x0e-\x1f!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}` +
		`\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
	ecmaAny  = `\x00-\x{10ffff}`
	ecmaLine = `[^\n\r\x{2028}\x{2029}]`
)

// cut removes prefix from the rest if it is there.
func (t *ecma) cut(prefix string) bool {
	rest, ok := strings.CutPrefix(t.rest, prefix)
	t.rest = rest
	return ok
}

func (t *ecma) translate() error {
	for t.rest != "" {
		switch {
		case t.cut(`\`):
			if err := t.escape(); err != nil {
				return err
			}
		case t.inClass && t.cut("["):
			t.out.WriteString(`\[`)
		case t.inClass && t.cut("]"):
			t.out.WriteByte(']')
			t.inClass = false
		case t.inClass:
			t.copyRune()
		case t.cut("[^]"):
			t.out.WriteString("[" + ecmaAny + "]")
		case t.cut("[]"):
			t.out.WriteString("[^" + ecmaAny + "]")
		case t.cut("[^"):
			t.out.WriteString("[^")
			t.inClass = true
		case t.cut("["):
			t.out.WriteByte('[')
			t.inClass = true
		case t.cut("."):
			t.out.WriteString(ecmaLine)
		case t.cut("(?=") || t.cut("(?!") || t.cut("(?<=") || t.cut("(?<!"):
			return fmt.Errorf("look-around %w", errBacktracks)
		default:
			t.copyRune()
		}
	}
	return nil
}

func (t *ecma) copyRune() {
	_, size := utf8.DecodeRuneInString(t.rest)
	t.out.WriteString(t.rest[:size])
	t.rest = t.rest[size:]
}

// literal writes a character that stands for itself.
func (t *ecma) literal(r rune) { fmt.Fprintf(&t.out, `\x{%x}`, r) }

// class writes ranges, in brackets unless those are there.
func (t *ecma) class(ranges string) {
	if !t.inClass {
		ranges = "[" + ranges + "]"
	}
	t.out.WriteString(ranges)
}

// escape translates what follows a backslash.
func (t *ecma) escape() error {
	r, size := utf8.DecodeRuneInString(t.rest)
	if size == 0 {
		return errors.New(`a \ stands at the end`)
	}
	t.rest = t.rest[size:]
	switch {
	case r == 's':
		t.class(ecmaSpace)
	case r == 'S':
		t.class(ecmaNotSpace)
	case r == 'b' && t.inClass:
		t.literal('\b')
	case strings.ContainsRune("dDwWbBtnrvf", r):
		t.out.WriteString(`\` + string(r))
	case r == 'p' || r == 'P':
		return t.property(r)
	case r == 'c' && t.rest != "" && (t.rest[0]|0x20 >= 'a' && t.rest[0]|0x20 <= 'z'):
		t.literal(rune(t.rest[0] & 0x1f))
		t.rest = t.rest[1:]
	case r == '0' && (t.rest == "" || t.rest[0] < '0' || t.rest[0] > '9'):
		t.literal(0)
	case '1' <= r && r <= '9' || r == 'k':
		return fmt.Errorf("a back reference %w", errBacktracks)
	case r == 'x':
		return t.hex(2)
	case r == 'u':
		return t.unicode()
	case '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z':
		return fmt.Errorf(`\%c is not an escape of ECMA-262`, r)
	default:
		t.literal(r)
	}
	return nil
}

// property translates the {…} of a \p.
func (t *ecma) property(p rune) error {
	name, rest, ok := strings.Cut(t.rest, "}")
	if !ok || !strings.HasPrefix(name, "{") {
		return fmt.Errorf(`\%c is followed by no {name}`, p)
	}
	t.rest = rest
	name = name[1:]
	for _, kind := range []string{"Script=", "sc=", "Script_Extensions=", "scx=", "General_Category=", "gc="} {
		name = strings.TrimPrefix(name, kind)
	}
	fmt.Fprintf(&t.out, `\%c{%s}`, p, name)
	return nil
}

// hex translates so many digits.
func (t *ecma) hex(digits int) error {
	value, err := t.digits(digits)
	if err == nil {
		t.literal(value)
	}
	return err
}

func (t *ecma) digits(n int) (rune, error) {
	if len(t.rest) < n {
		return 0, errors.New("an escape is cut off")
	}
	value, err := strconv.ParseUint(t.rest[:n], 16, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is not hexadecimal", t.rest[:n])
	}
	t.rest = t.rest[n:]
	return rune(value), nil
}

// unicode translates what follows \u: {…}, four digits, or two times four for a
// character beyond U+FFFF.
func (t *ecma) unicode() error {
	if t.cut("{") {
		end := strings.IndexByte(t.rest, '}')
		if end < 1 || end > 6 {
			return errors.New(`\u{ is followed by no number`)
		}
		err := t.hex(end)
		t.cut("}")
		return err
	}
	high, err := t.digits(4)
	if err != nil {
		return err
	}
	if high>>10 == 0xd800>>10 && t.cut(`\u`) {
		low, err := t.digits(4)
		if err != nil {
			return err
		}
		high = (high-0xd800)<<10 + (low - 0xdc00) + 0x10000
	}
	t.literal(high)
	return nil
}

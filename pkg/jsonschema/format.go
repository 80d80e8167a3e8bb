package jsonschema

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// Format is a form that a schema can ask of a string.
type Format struct {
	Name string            // as format has it
	OK   func([]byte) bool // of the text, escapes resolved
	Want string            // in a message, such as: a date such as 2025-01-20
}

// FormatNamed returns a format of the draft, nil for one that is not known.
func FormatNamed(name string) *Format {
	for i := range formats {
		if formats[i].Name == name {
			return &formats[i]
		}
	}
	return nil
}

var formats = [...]Format{
	{"date-time", IsDateTime, "a date and time such as 2025-01-20T14:00:00.000Z"},
	{"date", isDate, "a date such as 2025-01-20"},
	{"time", isTime, "a time with its offset such as 14:00:00Z"},
	{"duration", isDuration, "a duration such as PT1H30M"},
	{"email", isEmail, "an e-mail address"},
	{"hostname", func(b []byte) bool { return len(b) > 0 && b[len(b)-1] != '.' && isHostname(string(b)) }, "a host name such as example.com"},
	{"ipv4", isIPv4, "an IPv4 address such as 192.0.2.1"},
	{"ipv6", func(b []byte) bool { return isIPv6(string(b)) }, "an IPv6 address such as 2001:db8::1"},
	{"uuid", isUUID, "a UUID such as 2eb8aa08-aa98-11ea-b4aa-73b441d16380"},
	{"uri", isURI, "an absolute URI such as https://example.com/a"},
	{"uri-reference", isURIReference, "a URI or a part of one such as /a?b"},
	{"json-pointer", isJSONPointer, "a JSON pointer such as /a/0"},
	{"relative-json-pointer", isRelativePointer, "a relative JSON pointer such as 1/a"},
	{"regex", isRegexp, "a regular expression"},
}

// IsDateTime follows the date-time of RFC 3339, section 5.6: T and Z in either
// case, any number of decimals, and a 60th second only where a leap second can
// be, at the end of a day in UTC.
func IsDateTime(b []byte) bool {
	const shortest = len("2006-01-02T15:04:05Z")
	if len(b) < shortest || b[4] != '-' || b[7] != '-' || b[10]|0x20 != 't' || b[13] != ':' || b[16] != ':' {
		return false
	}
	year, month, day := jsonscan.Digits(b, 0, 4), jsonscan.Digits(b, 5, 2), jsonscan.Digits(b, 8, 2)
	hour, minute, second := jsonscan.Digits(b, 11, 2), jsonscan.Digits(b, 14, 2), jsonscan.Digits(b, 17, 2)
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(month, year) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return false
	}
	b = b[shortest-1:]
	if b[0] == '.' {
		i := 1
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		if i == 1 || i == len(b) {
			return false
		}
		b = b[i:]
	}
	offset := 0 // minutes ahead of UTC
	switch {
	case len(b) == 1 && b[0]|0x20 == 'z':
	case len(b) == len("+00:00") && (b[0] == '+' || b[0] == '-') && b[3] == ':':
		h, m := jsonscan.Digits(b, 1, 2), jsonscan.Digits(b, 4, 2)
		if h < 0 || h > 23 || m < 0 || m > 59 {
			return false
		}
		if offset = 60*h + m; b[0] == '-' {
			offset = -offset
		}
	default:
		return false
	}
	const day1 = 24 * 60
	return second < 60 || (60*hour+minute-offset+day1)%day1 == day1-1
}

func daysIn(month, year int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func isDate(b []byte) bool {
	return len(b) == len("2006-01-02") && IsDateTime(append(bytes.Clone(b), "T00:00:00Z"...))
}

func isTime(b []byte) bool { return IsDateTime(append([]byte("1970-01-01T"), b...)) }

// isDuration follows RFC 3339, appendix A: weeks alone, or units that follow
// one another without a gap.
func isDuration(b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte("P"))
	if !ok || len(rest) == 0 {
		return false
	}
	if weeks, ok := bytes.CutSuffix(rest, []byte("W")); ok {
		return len(weeks) > 0 && len(bytes.Trim(weeks, "0123456789")) == 0
	}
	date, clock, timed := bytes.Cut(rest, []byte("T"))
	return inUnits(date, "YMD", true) && inUnits(clock, "HMS", !timed)
}

// inUnits reads numbers, each with its unit.
func inUnits(b []byte, units string, mayBeEmpty bool) bool {
	if len(b) == 0 {
		return mayBeEmpty
	}
	next := -1
	for len(b) > 0 {
		number := len(b) - len(bytes.TrimLeft(b, "0123456789"))
		if number == 0 || number == len(b) {
			return false
		}
		unit := strings.IndexByte(units, b[number])
		if unit < 0 || next >= 0 && unit != next {
			return false
		}
		next = unit + 1
		b = b[number+1:]
	}
	return true
}

func isIPv4(b []byte) bool {
	addr, err := netip.ParseAddr(string(b))
	return err == nil && addr.Is4()
}

func isUUID(b []byte) bool {
	if len(b) != len("2eb8aa08-aa98-11ea-b4aa-73b441d16380") {
		return false
	}
	for i, c := range b {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !isHex(c) {
			return false
		}
	}
	return true
}

// isURIReference is a URI, or one without a scheme: then its first part has no
// colon.
func isURIReference(b []byte) bool {
	if isURI(b) {
		return true
	}
	end := bytes.IndexAny(b, "/?#")
	if end < 0 {
		end = len(b)
	}
	return bytes.IndexByte(b[:end], ':') < 0 && isURI(append([]byte("a:"), b...))
}

func isJSONPointer(b []byte) bool {
	if len(b) > 0 && b[0] != '/' {
		return false
	}
	for i, c := range b {
		if c == '~' && (i+1 == len(b) || b[i+1] != '0' && b[i+1] != '1') {
			return false
		}
	}
	return true
}

func isRelativePointer(b []byte) bool {
	rest := bytes.TrimLeft(b, "0123456789")
	number := b[:len(b)-len(rest)]
	if len(number) == 0 || number[0] == '0' && len(number) > 1 {
		return false
	}
	return string(rest) == "#" || isJSONPointer(rest)
}

func isRegexp(b []byte) bool {
	_, err := compileECMA(string(b))
	return err == nil || errors.Is(err, errBacktracks)
}

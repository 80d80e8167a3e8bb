package validate

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
)

// format is how a string of a [julian.Format] is told.
type format struct {
	name julian.Format
	ok   func([]byte) bool // of the text, escapes resolved
	want string
}

var formats = [...]format{
	{julian.DateTime, isDateTime, "a date and time such as 2025-01-20T14:00:00.000Z"},
	{julian.E164, isE164, "a phone number such as +15551234567"},
	{julian.Zone, isZone, "a time zone such as Europe/London"},
	{julian.URI, isURI, "an absolute URI such as https://example.com/a"},
	{julian.Email, isEmail, "an e-mail address"},
}

// formatOf returns nil where any string will do.
func formatOf(name julian.Format) *format {
	for i := range formats {
		if formats[i].name == name {
			return &formats[i]
		}
	}
	return nil
}

// digits is the number that the n ASCII digits at b[i] make, or -1.
func digits(b []byte, i, n int) int {
	value := 0
	for _, c := range b[i : i+n] {
		if c < '0' || c > '9' {
			return -1
		}
		value = value*10 + int(c-'0')
	}
	return value
}

// isDateTime follows the date-time of RFC 3339, section 5.6: T and Z in either
// case, any number of decimals, and a 60th second only where a leap second can
// be, at the end of a day in UTC.
func isDateTime(b []byte) bool {
	const shortest = len("2006-01-02T15:04:05Z")
	if len(b) < shortest || b[4] != '-' || b[7] != '-' || b[10]|0x20 != 't' || b[13] != ':' || b[16] != ':' {
		return false
	}
	year, month, day := digits(b, 0, 4), digits(b, 5, 2), digits(b, 8, 2)
	hour, minute, second := digits(b, 11, 2), digits(b, 14, 2), digits(b, 17, 2)
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
		h, m := digits(b, 1, 2), digits(b, 4, 2)
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

// isE164 wants a plus and 2 to 15 digits, the first not 0 (ITU-T E.164).
func isE164(b []byte) bool {
	if len(b) < 3 || len(b) > 16 || b[0] != '+' || b[1] == '0' {
		return false
	}
	// In two parts: 15 digits are more than an int of 32 bits holds.
	half := len(b) / 2
	return digits(b, 1, half-1) >= 0 && digits(b, half, len(b)-half) >= 0
}

// Character classes of RFC 3986 and RFC 5322, one bit each.
const (
	classRegName = 1 << iota // unreserved characters and sub-delimiters
	classUserInfo
	classPath
	classQuery
	classScheme
	classAtext
)

// classes has the bits of every byte; those beyond ASCII have none.
var classes = func() (table [256]byte) {
	mark := func(bit byte, chars string) {
		for i := range len(chars) {
			table[chars[i]] |= bit
		}
	}
	const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	const regName = alphanumeric + "-._~" + "!$&'()*+,;="
	mark(classRegName, regName)
	mark(classUserInfo, regName+":")
	mark(classPath, regName+":@/")
	mark(classQuery, regName+":@/?")
	mark(classScheme, alphanumeric+"+-.")
	mark(classAtext, alphanumeric+"!#$%&'*+-/=?^_`{|}~")
	return table
}()

// isURI follows the rule URI of RFC 3986: absolute, and all ASCII.
func isURI(b []byte) bool {
	colon := bytes.IndexByte(b, ':')
	if colon < 1 || !all(b[:colon], classScheme) || b[0]|0x20 < 'a' || b[0]|0x20 > 'z' {
		return false
	}
	rest := b[colon+1:]
	if isPlainLink(rest) {
		return true
	}
	rest, fragment, _ := bytes.Cut(rest, []byte("#"))
	rest, query, _ := bytes.Cut(rest, []byte("?"))
	if !encoded(fragment, classQuery) || !encoded(query, classQuery) {
		return false
	}
	if after, ok := bytes.CutPrefix(rest, []byte("//")); ok {
		end := bytes.IndexByte(after, '/')
		if end < 0 {
			end = len(after)
		}
		if !isAuthority(after[:end]) {
			return false
		}
		rest = after[end:]
	}
	return encoded(rest, classPath)
}

// isPlainLink tells the usual at first sight: a host and a path, no more.
func isPlainLink(b []byte) bool {
	if !bytes.HasPrefix(b, []byte("//")) {
		return false
	}
	i := 2
	for i < len(b) && classes[b[i]]&classRegName != 0 {
		i++
	}
	return i < len(b) && b[i] == '/' && all(b[i:], classPath)
}

func isAuthority(b []byte) bool {
	if at := bytes.LastIndexByte(b, '@'); at >= 0 {
		if !encoded(b[:at], classUserInfo) {
			return false
		}
		b = b[at+1:]
	}
	host, port := b, []byte(nil)
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || !isIPLiteral(b[1:end]) {
			return false
		}
		host, port = nil, b[end+1:]
		if len(port) > 0 && port[0] != ':' {
			return false
		}
	} else if colon := bytes.IndexByte(b, ':'); colon >= 0 {
		host, port = b[:colon], b[colon:]
	}
	return encoded(host, classRegName) && len(bytes.TrimLeft(bytes.TrimPrefix(port, []byte(":")), "0123456789")) == 0
}

// isIPLiteral tells what may stand in the brackets of a host.
func isIPLiteral(b []byte) bool {
	if len(b) > 0 && b[0]|0x20 == 'v' {
		version, address, ok := bytes.Cut(b[1:], []byte("."))
		return ok && len(version) > 0 && len(bytes.Trim(version, "0123456789abcdefABCDEF")) == 0 &&
			len(address) > 0 && all(address, classUserInfo)
	}
	return isIPv6(string(b))
}

func isIPv6(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6() && addr.Zone() == ""
}

// encoded reports whether b holds only characters of the class and whole
// percent escapes.
func encoded(b []byte, class byte) bool {
	for i := 0; i < len(b); i++ {
		if classes[b[i]]&class != 0 {
			continue
		}
		if b[i] != '%' || i+2 >= len(b) || !isHex(b[i+1]) || !isHex(b[i+2]) {
			return false
		}
		i += 2
	}
	return true
}

func all(b []byte, class byte) bool {
	for _, c := range b {
		if classes[c]&class == 0 {
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return jsonscan.Unhex(c) >= 0 }

// isEmail follows the Mailbox of RFC 5321, with its limits on length; an
// address in characters beyond ASCII is none.
func isEmail(b []byte) bool {
	at := bytes.LastIndexByte(b, '@')
	if at < 1 || at > 64 || len(b) > 254 {
		return false
	}
	local, domain := b[:at], string(b[at+1:])
	if literal, ok := strings.CutPrefix(domain, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		return ok && isLocalPart(local) && isAddressLiteral(literal)
	}
	return isLocalPart(local) && isHostname(domain)
}

func isLocalPart(b []byte) bool {
	if n := len(b); n > 1 && b[0] == '"' && b[n-1] == '"' {
		for _, c := range b[1 : n-1] {
			if c < ' ' || c > '~' || c == '"' || c == '\\' {
				return false
			}
		}
		return true
	}
	for part := range bytes.SplitSeq(b, []byte(".")) {
		if len(part) == 0 || !all(part, classAtext) {
			return false
		}
	}
	return true
}

func isAddressLiteral(s string) bool {
	if v6, ok := strings.CutPrefix(s, "IPv6:"); ok {
		return isIPv6(v6)
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is4()
}

func isHostname(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) < 1 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; c != '-' && !isAlphanumeric(c) {
				return false
			}
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

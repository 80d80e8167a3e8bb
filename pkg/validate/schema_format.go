package validate

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"

	"github.com/julianctl/julianctl/pkg/julian"
)

// schemaFormat is a format that a schema names, nil for one that is not known.
func schemaFormat(name string) *format {
	for i := range schemaFormats {
		if string(schemaFormats[i].name) == name {
			return &schemaFormats[i]
		}
	}
	switch name := julian.Format(name); name {
	case julian.DateTime, julian.Email, julian.URI:
		return formatOf(name)
	}
	return nil
}

// schemaFormats is the formats of the draft beside those that fields have.
var schemaFormats = [...]format{
	{"date", isDate, "a date such as 2025-01-20"},
	{"time", isTime, "a time with its offset such as 14:00:00Z"},
	{"duration", isDuration, "a duration such as PT1H30M"},
	{"hostname", func(b []byte) bool { return len(b) > 0 && b[len(b)-1] != '.' && isHostname(string(b)) }, "a host name such as example.com"},
	{"ipv4", isIPv4, "an IPv4 address such as 192.0.2.1"},
	{"ipv6", func(b []byte) bool { return isIPv6(string(b)) }, "an IPv6 address such as 2001:db8::1"},
	{"uuid", isUUID, "a UUID such as 2eb8aa08-aa98-11ea-b4aa-73b441d16380"},
	{"uri-reference", isURIReference, "a URI or a part of one such as /a?b"},
	{"json-pointer", isJSONPointer, "a JSON pointer such as /a/0"},
	{"relative-json-pointer", isRelativePointer, "a relative JSON pointer such as 1/a"},
	{"regex", isRegexp, "a regular expression"},
}

func isDate(b []byte) bool {
	return len(b) == len("2006-01-02") && isDateTime(append(bytes.Clone(b), "T00:00:00Z"...))
}

func isTime(b []byte) bool { return isDateTime(append([]byte("1970-01-01T"), b...)) }

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

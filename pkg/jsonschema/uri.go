package jsonschema

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

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

// isPlainLink reports whether b is as most links are: a host and a path, no more.
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

// isIPLiteral reports whether b may stand in the brackets of a host.
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
	return isIPv4([]byte(s))
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
			if c := label[i]; c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
				return false
			}
		}
	}
	return true
}

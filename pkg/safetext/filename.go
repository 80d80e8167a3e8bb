package safetext

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// maxName is the length of the longest name that [Filename] returns: with a
// number before it and an ending after it, it fits every file system.
const maxName = 120

// Filename returns a name made from s, such as a remote id, that is one part of
// a path on Linux, macOS and Windows alike: only letters, digits, dots, hyphens
// and underscores of ASCII, no hyphen or dot in front, no dot at the end, no
// name of a device, never empty, at most 120 bytes.
//
// A name that had to be changed ends in ~ and twelve hexadecimal digits of the
// SHA-256 of s, so that distinct ids keep distinct names. Capital letters stay
// but count as a change: the file systems of macOS and Windows do not tell them
// apart.
func Filename(s string) string {
	name := strings.Map(portable, s)
	if name == "" || name[0] == '-' || name[0] == '.' || isDevice(name) {
		name = "_" + strings.TrimLeft(name, "-.")
	}
	name = strings.TrimRight(name, ".")
	if name == s && len(s) <= maxName && strings.ToLower(s) == s {
		return s
	}
	suffix := fmt.Sprintf("~%x", sha256.Sum256([]byte(s)))[:13]
	if most := maxName - len(suffix); len(name) > most {
		name = name[:most]
	}
	return name + suffix
}

func portable(r rune) rune {
	if isLetter(r) || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_' {
		return r
	}
	return '_'
}

// isDevice reports whether Windows opens a device for name, whatever its case
// and ending.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	switch stem {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(stem) == 4 && (stem[:3] == "COM" || stem[:3] == "LPT") && isDigit(stem[3])
}

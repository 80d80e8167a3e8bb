package safetext

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// maxName is the longest name that [Filename] returns. With a number before it and an
// extension after it, it fits every file system.
const maxName = 120

// Filename returns a file name for s, such as a remote id, that is valid on Linux, macOS
// and Windows: only ASCII letters, digits, dots, hyphens and underscores, no hyphen or
// dot at the start, no dot at the end, not the name of a device, not empty, at most 120
// bytes.
//
// A name that had to be changed ends in ~ and twelve hexadecimal digits of the SHA-256 of
// s, so that different ids have different names. Capital letters are kept but count as a
// change, because file systems of macOS and Windows ignore case.
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

// isDevice reports whether name is a device on Windows, with any case and extension.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	switch stem {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(stem) == 4 && (stem[:3] == "COM" || stem[:3] == "LPT") && isDigit(stem[3])
}

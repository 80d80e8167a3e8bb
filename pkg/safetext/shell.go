package safetext

import (
	"fmt"
	"strings"
)

// Shell returns s as one word for a POSIX shell, quoted if necessary, and safe to show:
// what [Line] would escape becomes octal numbers for printf. A NUL and a final line feed
// are lost, as a shell cannot produce them in this way.
func Shell(s string) string {
	if Line(s) != s {
		return shellOctal(s)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plainInShell(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// plainInShell reports whether r needs no quotes anywhere in a word.
func plainInShell(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./:=@%+,", r)
}

// shellOctal also escapes : and #, so that no CI system finds a command in it.
func shellOctal(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || strings.IndexByte(`\%':#`, c) >= 0 {
			fmt.Fprintf(&b, `\%03o`, c)
			continue
		}
		b.WriteByte(c)
	}
	return `"$(printf '` + b.String() + `')"`
}

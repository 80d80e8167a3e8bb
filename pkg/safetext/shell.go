package safetext

import (
	"fmt"
	"strings"
)

// Shell returns s as one word of a POSIX shell, quoted where it needs that, and
// safe to show: what [Line] would make visible stands as octal numbers, which
// printf turns back. A NUL, and a line feed at the very end, do not survive:
// neither can be in a word that a shell makes that way.
func Shell(s string) string {
	if Line(s) != s {
		return shellOctal(s)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plainInShell(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// plainInShell reports whether r means only itself wherever it stands in a word.
func plainInShell(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./:=@%+,", r)
}

// shellOctal leaves no colon or # as they are, so that no CI system finds a
// command in it.
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

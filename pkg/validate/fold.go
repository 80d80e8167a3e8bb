package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/julian"
)

// Fold returns issues for people to read: of a payload that has none of the documented
// fields, one issue says so in place of one for each field. The issues of a payload are
// together, and those that stay are in the same order; issues is not changed.
func Fold(issues []Issue) []Issue {
	folded := issues
	for begin := 0; begin < len(issues); {
		end := begin
		for a := issues[begin]; end < len(issues); end++ {
			b := issues[end]
			missing := b.Rule == RuleRequired && strings.Count(b.Pointer, "/") == 1 // at the top of a payload
			if !missing || a.File != b.File || a.Line != b.Line || a.Column != b.Column {
				break
			}
		}
		if end == begin {
			begin++
			continue
		}
		if n := documented(); end-begin >= n {
			all := issues[begin]
			all.Pointer, all.Severity, all.Message, all.Hint = "", Error, fmt.Sprintf("not a call event: 0 of %d documented fields", n), ""
			at := begin - (len(issues) - len(folded))
			folded = slices.Concat(folded[:at], []Issue{all}, folded[at+end-begin:])
		}
		begin = end
	}
	return folded
}

// documented is how many fields at the top of a payload are always there.
func documented() (n int) {
	for _, f := range julian.Fields {
		if f.Presence != julian.Optional && strings.Count(f.Pointer, "/") == 1 {
			n++
		}
	}
	return n
}

package checklist

import (
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/check"
)

// duplicates are the checks whose calls are delivered more than once: what takes no
// duplicate for one fails them all.
var duplicates = []string{
	"together", "other-bytes", "later-content", "changed-field", "after-others", "after-pause", "after-many-others",
	"after-long-pause", secondWriter, "lost-ack", "in-flight", "late-repeat", lastCount,
}

// SameCause is the check among those before r that failed for the same reason, where
// that is certain; "" where there is none.
func SameCause(r check.Result, before []check.Result) string {
	for _, root := range before {
		switch {
		case root.Verdict != check.Fail || r.Verdict != check.Fail || root.ID == r.ID:
		case root.ID == "repeat" && slices.Contains(duplicates, r.ID) && doubledOnly(root) && doubledOnly(r):
			return root.ID
		case root.ID == "large-payload" && tooLargeOnly(root) && tooLargeOnly(r):
			return root.ID
		}
	}
	return ""
}

// doubledOnly reports whether a result failed for nothing but calls that were
// processed more than once, by checks that deliver duplicates.
func doubledOnly(r check.Result) bool {
	more := false
	for _, e := range r.Effects {
		if e.Error != "" || e.After < e.Want {
			return false
		}
		more = more || e.After > max(e.Want, 1)
	}
	if r.ID != lastCount {
		return more && len(r.Details) == 0
	}
	for _, id := range r.Related {
		if id != "repeat" && id != "no-echo" && !slices.Contains(duplicates, id) {
			return false
		}
	}
	return more && len(r.Details) == 1 // who delivered them
}

// tooLargeOnly reports whether a result says of nothing but that a body is too large.
func tooLargeOnly(r check.Result) bool {
	return !slices.ContainsFunc(append([]string{r.Message}, r.Details...), func(line string) bool { return !strings.Contains(line, ": 413 ") })
}

package checklist

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Of comparisons that are not exact, each takes one of the wrong forms for the secret.
func TestWrongForms(t *testing.T) {
	t.Parallel()
	const scheme, token = "Bearer ", "jl-9c1f.Ab72"
	n := len(token)
	for name, same := range map[string]func(given string) bool{
		"an expression": regexp.MustCompile("^" + token + "$").MatchString,
		"its length, first and last": func(s string) bool {
			return len(s) == n && s[0] == token[0] && s[n-1] == token[n-1] && s[1] != token[1]
		},
		"without case":           func(s string) bool { return strings.EqualFold(s, token) },
		"the first of its parts": func(s string) bool { return strings.HasPrefix(s, token[:4]) },
		"the same characters, any order": func(s string) bool {
			return len(s) == n && s != token && !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(token, r) })
		},
	} {
		for _, before := range []string{"", scheme} {
			if !slices.ContainsFunc(wrongForms(before+token), func(f wrongForm) bool {
				rest, found := strings.CutPrefix(f.value, before)
				return found && rest != token && same(rest)
			}) {
				t.Errorf("%s, after %q: no form shows it", name, before)
			}
		}
	}
	if forms := wrongForms(scheme + token); len(forms) > mostForms-3 {
		t.Errorf("%d forms: mostForms is too few", len(forms))
	}
}

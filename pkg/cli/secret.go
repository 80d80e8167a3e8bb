package cli

import (
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// Hide takes out of s the secrets that this run sends in headers: an endpoint
// may repeat them in what it answers.
func (a *App) Hide(s string) string {
	if a.secrets == nil {
		return s
	}
	return a.secrets.Replace(s)
}

// KeepSecret makes Hide know the values of h that are secrets: those of the
// headers that are masked everywhere, and of any whose name says so.
func (a *App) KeepSecret(h deliver.Header) {
	var values []string
	for _, f := range h {
		if !safetext.SecretHeader(f.Name, a.Config.RedactHeader...) && !SoundsSecret(f.Name) {
			continue
		}
		// Also the parts: the token of "Bearer …", each value of a cookie.
		parts := strings.FieldsFunc(f.Value, func(r rune) bool { return strings.ContainsRune(" ;,=", r) })
		for _, v := range append(parts, f.Value) {
			if len(v) >= 6 { // a shorter word would be found everywhere
				values = append(values, v)
			}
		}
	}
	if values == nil {
		return
	}
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, v := range values {
		pairs = append(pairs, v, safetext.Masked)
	}
	a.secrets = strings.NewReplacer(pairs...)
}

// SoundsSecret reports whether the name of a header says that its value is secret.
func SoundsSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"secret", "token", "key", "auth", "sign", "pass", "session"}, func(word string) bool {
		return strings.Contains(name, word)
	})
}

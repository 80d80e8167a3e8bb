package validate

import (
	"strings"
	"unicode"
)

// nearest returns the one of known that word was probably meant to be, or "":
// the same but for case, spaces, hyphens and underscores, or else at most two
// letters off.
func nearest(word string, known []string) string {
	if word == "" || len(word) > 64 {
		return ""
	}
	letters := lettersOf(word)
	best, least := "", 3
	for _, k := range known {
		other := lettersOf(k)
		if letters == other {
			return k
		}
		if d := distance(letters, other); d < least && 2*d < len(other) {
			best, least = k, d
		}
	}
	return best
}

func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '_' {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// distance is the number of single-byte edits between a and b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

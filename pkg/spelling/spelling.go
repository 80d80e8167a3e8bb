// Package spelling guesses the word that was meant by one that is not known.
package spelling

import (
	"fmt"
	"strings"
	"unicode"
)

// DidYouMean asks whether the word was meant to be another one; "" if there is
// none like it.
func DidYouMean(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// Nearest returns the one of known that word was probably meant to be, or "":
// the same but for case, spaces, hyphens and underscores, or else at most two
// letters off.
func Nearest(word string, known []string) string {
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

// distance is how many bytes of a were mistyped to get b: left out, put in,
// replaced, or swapped with the next (optimal string alignment).
func distance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, above, row = above, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(above[j]+cost, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

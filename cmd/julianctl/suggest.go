package main

import (
	"fmt"

	"github.com/julianctl/julianctl/pkg/spelling"
)

// didYouMean is the hint for a word that is none of known: the nearest one,
// or otherwise the text given.
func didYouMean(word string, known []string, otherwise string) string {
	near := spelling.Nearest(word, known)
	if near == "" {
		return otherwise
	}
	return fmt.Sprintf("did you mean %q?", near)
}

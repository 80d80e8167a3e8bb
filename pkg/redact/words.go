package redact

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
)

//go:embed words.txt
var wordFile string

// set is a set of words in small letters.
type set map[string]bool

func (s set) has(word string) bool { return s[strings.ToLower(word)] }

func setOf(list string) set {
	s := set{}
	for word := range strings.FieldsSeq(list) {
		s[word] = true
	}
	return s
}

// language is one whose common words are known.
type language struct {
	name   string
	common set
}

// languages are those of words.txt. The last block is no language: its words
// are no names in any.
var languages = sync.OnceValue(func() (all []language) {
	for line := range strings.Lines(wordFile) {
		if name, found := strings.CutPrefix(line, "= "); found {
			all = append(all, language{strings.TrimSpace(name), set{}})
		} else if !strings.HasPrefix(line, "#") {
			for word := range strings.FieldsSeq(line) {
				all[len(all)-1].common[word] = true
			}
		}
	}
	return all
})

// always are the words that are no names, even in the middle of a sentence.
func always() set { return languages()[len(languages())-1].common }

// anyCommon reports whether word is common in any language.
func anyCommon(word string) bool {
	for _, l := range languages() {
		if l.common.has(word) {
			return true
		}
	}
	return false
}

// unknownLanguage has no common words: every capitalised word may be a name.
var unknownLanguage = language{name: "unknown"}

// languageOf guesses the language of a text by its common words. Of a text with
// few of them it is otherwise.
func languageOf(s string, otherwise language) language {
	all := languages()
	counts, total := make([]int, len(all)-1), 0
	for word := range words(s) {
		total++
		for i := range counts {
			if all[i].common.has(word) {
				counts[i]++
			}
		}
	}
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	switch {
	case counts[best] < 4:
		return otherwise
	case 3*counts[best] < total:
		return unknownLanguage // a language that shares words with a known one
	}
	return all[best]
}

// titles stand before names and tell nothing.
var titles = setOf(`mr mrs ms miss mx dr prof sir madam herr frau fräulein monsieur madame mademoiselle m mme mlle
	señor señora señorita sr sra srta don doña signor signore signora signorina sig dott dottor dottoressa
	senhor senhora dona doutor doutora meneer mevrouw mijnheer dhr mw pan pani herra fru hr bay bayan`)

// particles are parts of names that are common words.
var particles = setOf("van von de da del della di du dos das der den la le ter ten zu al el bin ibn mac mc o d l y e")

// capital reports whether word begins with a capital letter.
func capital(word string) bool {
	for _, c := range word {
		return unicode.IsUpper(c) || unicode.IsTitle(c)
	}
	return false
}

// flat reports whether capitals in s say nothing: there are none, or only they.
func flat(s string) bool {
	upper, lower := 0, 0
	for _, c := range s {
		switch {
		case unicode.IsUpper(c):
			upper++
		case unicode.IsLower(c):
			lower++
		}
	}
	return upper == 0 || lower < upper
}

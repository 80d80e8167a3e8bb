package freetext

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"hash/maphash"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/julianctl/julianctl/pkg/letters"
)

// words/README.md says what the lists are made from, and under which licence.
//
//go:embed words/common.gz
var commonFile []byte

//go:embed words/rules.txt
var ruleFile string

// Languages is a set of them, a bit for each of languageNames.
type Languages uint16

const (
	anyLanguage Languages = 1<<10 - 1
	english     Languages = 1 << 0
	german      Languages = 1 << 1
)

var languageNames = []string{"en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "tr"}

func languagesOf(code string) Languages {
	if code == "*" {
		return anyLanguage
	}
	return 1 << max(slices.Index(languageNames, code), 0)
}

// word is what is known of one.
type word struct {
	common Languages // in which it is common
	core   Languages // of which it is among the 200 most common words
	name   bool      // a name as well
	noun   bool      // in German: it has a capital anywhere
	kept   bool      // one of those that the user keeps
	every  bool      // it tells nothing of the language: it is common in all, by a rule
	number Languages // in which it is a number, or counts days
	rules  uint16    // where its rules are in Lexicon.rules; the first are none
}

// rule is a line of rules.txt that a word is in.
type rule struct {
	class string
	in    Languages
}

func (l *Lexicon) is(w *word, class string, in Languages) bool {
	for _, r := range l.rules[w.rules] {
		if r.class == class {
			return r.in&in != 0
		}
	}
	return false
}

// Lexicon is what is known of words. It does not change.
type Lexicon struct {
	seed  maphash.Seed
	slots []uint64 // of the words, a power of two: a part of their hash, and their id
	texts []string // of words
	words []word   // the first stands for all that are not known
	rules [][]rule
	lists map[rule][]string
}

// idBits are those of a slot that hold an id. The other 46 are of the hash: a map
// that compares the words themselves takes three times as long.
const idBits = 18

// Load reads the lists when they are first needed: 20 ms, and 10 MB.
var Load = sync.OnceValue(func() *Lexicon {
	l := &Lexicon{seed: maphash.MakeSeed(), slots: make([]uint64, 1<<18), rules: make([][]rule, 1), lists: map[rule][]string{}}
	l.readCommon()
	for line := range strings.Lines(ruleFile) {
		if head, list, found := strings.Cut(line, ": "); found && head[0] != '#' {
			class, code, _ := strings.Cut(head, " ")
			r := rule{class, languagesOf(code)}
			l.lists[r] = append(l.lists[r], strings.Fields(letters.Fold(list))...)
			l.addRule(r, l.lists[r])
		}
	}
	l.joinNumbers()
	return l
})

// readCommon reads the file that words/generate.mjs wrote: words that share
// their beginnings, the two bytes of their bits, and the core words by language.
func (l *Lexicon) readCommon() {
	packed, err := gzip.NewReader(bytes.NewReader(commonFile))
	if err != nil {
		return // a test holds that the file is whole
	}
	data, _ := io.ReadAll(packed)
	list, bits, _ := bytes.Cut(data, []byte("\n\n"))
	n := bytes.Count(list, []byte("\n")) + 1
	l.texts, l.words = make([]string, 1, n+4096), make([]word, 1, n+4096)
	text := ""
	for line := range strings.SplitSeq(string(list), "\n") {
		i := len(l.texts) - 1
		set := Languages(bits[i]) | Languages(bits[n+i])<<8
		text = text[:line[0]-33] + line[1:]
		*l.add(text) = word{common: set & anyLanguage, name: set>>10&1 == 1, noun: set>>11&1 == 1}
	}
	for i, core := range strings.Split(string(bits[2*n:]), "\n") {
		for text := range strings.FieldsSeq(core) {
			l.add(text).core |= 1 << i
		}
	}
}

// find returns the id of a folded word; 0 if it is not known.
func (l *Lexicon) find(hash uint64) int32 {
	for i := hash; ; i++ {
		s := l.slots[i%uint64(len(l.slots))]
		if id := int32(s & (1<<idBits - 1)); id == 0 || s>>idBits == hash>>idBits {
			return id
		}
	}
}

func (l *Lexicon) hash(folded []byte) uint64 { return maphash.Bytes(l.seed, folded) }

// look returns what is known of a word as it is written.
func (l *Lexicon) look(text string) *word {
	var memory [64]byte
	return &l.words[l.find(l.hash(letters.AppendFold(memory[:0], text)))]
}

// add returns the word with that text, which may be new.
func (l *Lexicon) add(text string) *word {
	hash := l.hash([]byte(text))
	id := l.find(hash)
	if id == 0 {
		id = int32(len(l.words))
		i := hash
		for l.slots[i%uint64(len(l.slots))] != 0 {
			i++
		}
		l.slots[i%uint64(len(l.slots))] = hash>>idBits<<idBits | uint64(id)
		l.words, l.texts = append(l.words, word{}), append(l.texts, text)
	}
	return &l.words[id]
}

func (l *Lexicon) addRule(r rule, list []string) {
	for _, text := range list {
		w := l.add(text)
		if w.rules == 0 {
			w.rules = uint16(len(l.rules))
			l.rules = append(l.rules, nil)
		}
		own := &l.rules[w.rules]
		if i := slices.IndexFunc(*own, func(other rule) bool { return other.class == r.class }); i >= 0 {
			(*own)[i].in |= r.in
		} else {
			*own = append(*own, r)
		}
		switch r.class {
		case "digit", "large", "day":
			w.number |= r.in
			w.common |= r.in
		case "always":
			w.core |= r.in
			w.common |= r.in
			w.every = true
		case "speaker", "title", "unit", "born", "money", "dot", "dash":
			w.common |= r.in
			w.every = w.every || r.in == anyLanguage
		}
	}
}

// joinNumbers adds the numbers from 21 to 99 of languages that write them as
// one word: vierundzwanzig, tjugofyra, ventiquattro, ventotto.
func (l *Lexicon) joinNumbers() {
	for _, in := range []string{"de", "nl", "sv", "it"} {
		in := languagesOf(in)
		between := l.lists[rule{"joined", in}][0]
		var list []string
		for _, one := range l.lists[rule{"digit", in}] {
			for _, ten := range l.lists[rule{"large", in}] {
				if between != "-" {
					list = append(list, one+between+ten)
				} else {
					list = append(list, ten+one, ten[:len(ten)-1]+one)
				}
			}
		}
		l.addRule(rule{"large", in}, list)
	}
}

// With is the lexicon with words that the user keeps, in any language.
func (l *Lexicon) With(keep []string) *Lexicon {
	if len(keep) == 0 {
		return l
	}
	own := &Lexicon{l.seed, slices.Clone(l.slots), slices.Clone(l.texts), slices.Clone(l.words), l.rules, l.lists}
	for _, text := range keep {
		for part := range letters.Words(letters.Fold(text)) {
			w := own.add(part)
			w.common, w.core, w.noun, w.kept, w.every = anyLanguage, anyLanguage, true, true, true
		}
	}
	return own
}

// Len is how many words are known: their ids are below that.
func (l *Lexicon) Len() int { return len(l.words) }

// Text is the word with that id, folded.
func (l *Lexicon) Text(id int) string { return l.texts[id] }

// Has reports whether a folded word is known at all.
func (l *Lexicon) Has(folded []byte) bool { return l.find(l.hash(folded)) != 0 }

// IsCommon reports whether a word is common in one of the languages.
func (l *Lexicon) IsCommon(word string) bool { return l.look(word).common != 0 }

// IsTitle reports whether a word is a title, such as Dr.
func (l *Lexicon) IsTitle(word string) bool { return l.is(l.look(word), "title", anyLanguage) }

// IsParticle reports whether a word is part of names without being one: van, de.
func (l *Lexicon) IsParticle(word string) bool { return l.is(l.look(word), "particle", anyLanguage) }

// IsOrdinary reports whether a word tells nothing even in a name: it is a title
// or a particle, or one of those that hold a language together.
func (l *Lexicon) IsOrdinary(word string) bool {
	w := l.look(word)
	return w.core != 0 || l.is(w, "title", anyLanguage) || l.is(w, "particle", anyLanguage)
}

// HasRule reports whether a word tells something about those around it.
func (l *Lexicon) HasRule(word string) bool { return l.look(word).rules != 0 }

package redact

import (
	"maps"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// numberWords are the words for 0 to 9 and for larger numbers, by language.
// Words that mean more than a number, such as "a" and "for", are left out.
var numberWords = []struct{ digits, larger string }{
	{"zero oh one two three four five six seven eight nine", "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety double triple hundred"},
	{"null eins zwei zwo drei vier fünf sechs sieben acht neun", "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"},
	{"zéro un deux trois quatre cinq six sept huit neuf", "dix onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante quatre-vingt"},
	{"cero uno dos tres cuatro cinco seis siete ocho nueve", "diez once doce trece catorce quince veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"},
	{"zero uno due tre quattro cinque sei sette otto nove", "dieci undici dodici tredici quattordici quindici venti trenta quaranta cinquanta sessanta settanta ottanta novanta"},
	{"zero um dois três quatro cinco seis meia sete oito nove", "dez onze doze treze catorze quinze vinte trinta quarenta cinquenta sessenta setenta oitenta noventa"},
	{"nul een één twee drie vier vijf zes zeven acht negen", "tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien twintig dertig veertig vijftig zestig zeventig tachtig negentig"},
}

// allNumbers are the number words of all languages.
var allNumbers = sync.OnceValue(func() set {
	all := set{}
	for _, n := range numberWords {
		maps.Copy(all, setOf(strings.ReplaceAll(n.digits+" "+n.larger, "-", " ")))
	}
	return all
})

// spokenNumber matches four number words or more in a row.
func spokenNumber() *regexp.Regexp {
	var all []string
	for _, n := range numberWords {
		all = append(all, strings.Fields(n.digits)...)
		all = append(all, strings.Fields(n.larger)...)
	}
	word := `(?:` + strings.Join(all, "|") + `)`
	return regexp.MustCompile(`(?i)\b` + word + `(?:(?:[ ,-]|, | und | et | y | e | en )` + word + `\b){3,}`)
}

// spokenNumbers replaces each number word by another of its language.
func (t *text) spokenNumbers(match []int) string {
	s := t.whole(match)
	stream := t.r.stream("spoken", strings.ToLower(s))
	best, most := 0, -1
	for i, n := range numberWords {
		known, count := setOf(n.digits+" "+n.larger), 0
		for word := range words(s) {
			if known.has(word) {
				count++
			}
		}
		if count > most {
			best, most = i, count
		}
	}
	digits, larger := strings.Fields(numberWords[best].digits), strings.Fields(numberWords[best].larger)
	return eachWord(s, func(word string) string {
		switch {
		case setOf(numberWords[best].larger).has(word):
			return larger[int(stream.next())%len(larger)]
		case setOf(numberWords[best].digits).has(word):
			return digits[int(stream.next())%len(digits)]
		}
		return word
	})
}

const hanDigits = "零〇一二三四五六七八九幺"

// hanNumber replaces digits that are written as words of one character.
func (t *text) hanNumber(match []int) string {
	stream := t.r.stream("spoken", t.whole(match))
	return eachLetter(t.whole(match), func(rune) rune { return stream.pick([]rune(hanDigits)[2:11]) })
}

func eachLetter(s string, replace func(rune) rune) string {
	return strings.Map(func(c rune) rune {
		if !strings.ContainsRune(hanDigits, c) {
			return c
		}
		return replace(c)
	}, s)
}

func decimal(n int) string { return strconv.Itoa(n) }

// pad gives a day or month two digits.
func pad(s string) string {
	if len(s) < 2 {
		return "0" + s
	}
	return s
}

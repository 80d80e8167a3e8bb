package redact

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// names replaces the names in what no finder has decided on.
func (t *text) names() {
	t.cued()
	t.uncased()
	at := 0
	start := true // of a sentence
	for at < len(t.s) {
		c, size := utf8.DecodeRuneInString(t.s[at:])
		if !isLetter(c) {
			if strings.ContainsRune(".!?:;\n…¿¡\"“”«»„—–(|", c) || c == utf8.RuneError {
				start = true
			}
			at += size
			continue
		}
		end := at + strings.IndexFunc(t.s[at:], func(c rune) bool { return !isLetter(c) })
		if end < at {
			end = len(t.s)
		}
		t.word(at, end, start)
		start = false
		at = end
	}
}

// word decides on one word.
func (t *text) word(start, end int, first bool) {
	word := t.s[start:end]
	if t.taken(start, end) || !t.isName(word, first) {
		return
	}
	t.decide(span{start, end, t.r.word(word), Name})
}

func (t *text) isName(word string, first bool) bool {
	letters := utf8.RuneCountInString(word)
	switch {
	case t.known[strings.ToLower(word)] && (capital(word) && !t.flat || !anyCommon(word)):
		return true
	case letters < 2 || always().has(word) || titles.has(word):
		return false
	case t.flat:
		// Capitals say nothing: every word that is not common may be a name.
		return letters > 2 && cased(word) && !t.lang.common.has(word) && (t.lang.name != "unknown" || !anyCommon(word))
	case !capital(word):
		return false
	case speakers.has(word):
		return false
	case !t.lang.common.has(word):
		return true
	}
	// A common word has its capital from the beginning of the sentence; in
	// German, nouns have theirs everywhere.
	return !first && t.lang.name != "de"
}

// speakers label the turns of a transcript.
var speakers = setOf("user agent assistant caller speaker bot human customer representative")

func cased(word string) bool {
	return strings.ContainsFunc(word, func(c rune) bool { return unicode.IsUpper(c) || unicode.IsLower(c) })
}

// strongCues stand before a name, whatever the word that follows.
const strongCues = `my (?:full |first |last |sur|maiden )?name is|my name's|the name is|the name's|name of|i'm called|call me|surname is|first name is|last name is|family name is|` +
	`ich heiße|ich heisse|mein (?:vor|nach)?name ist|je m'appelle|je m’appelle|mon (?:nom|prénom) est|nom de famille,? c'est|me llamo|mi (?:nombre|apellido) es|se llama|mi chiamo|` +
	`(?:il )?mio (?:nome|cognome) è|si chiama|il s'appelle|elle s'appelle|er heißt|sie heißt|meu (?:nome|sobrenome|apelido) é|me chamo|eu sou o|eu sou a|chama-se|mijn (?:voor|achter)?naam is|ik heet|hij heet|zij heet|` +
	`меня зовут|моя фамилия|его зовут|её зовут|nazywam się|mam na imię|jag heter|mitt namn är|mitt navn er|jeg heter|mit navn er|jeg hedder|nimeni on|benim adım|adım|numele meu este|mă numesc|jmenuji se|με λένε|ονομάζομαι`

// weakCues stand before a name or before something else: what follows is a
// name unless it is a common word.
const weakCues = `this is|i'm|i am|speak(?:ing)? (?:with|to)|talk(?:ing)? (?:with|to)|ask for|asked for|colleague|husband|wife|son|daughter|boss|manager|` +
	`brother|sister|mother|father|partner|friend|assistant|doctor|dear|mr|mrs|ms|miss|dr|prof|` +
	`hier ist|hier spricht|ich bin|herr|herrn|frau|kollege|kollegin|mann|chef|chefin|sohn|tochter|c'est|je suis|monsieur|madame|mademoiselle|m|mme|mlle|collègue|mari|femme|fils|fille|` +
	`soy|habla|señor|señora|señorita|sr|sra|don|doña|colega|marido|esposa|esposo|hijo|hija|sono|parla|signor|signora|signorina|dottor|dottoressa|collega|marito|moglie|figlio|figlia|` +
	`sou|fala|senhor|senhora|dona|filho|filha|ik ben|u spreekt met|meneer|mevrouw|vrouw|zoon|dochter|это|господин|госпожа|pan|pani`

var cues = sync.OnceValues(func() (strong, weak *regexp.Regexp) {
	follows := `)[.:,]?\s+`
	return regexp.MustCompile(`(?i)(?:^|[^\p{L}])(?:` + strongCues + follows), regexp.MustCompile(`(?i)(?:^|[^\p{L}])(?:` + weakCues + follows)
})

// cueWords are the words that a cue begins with.
var cueWords = sync.OnceValue(func() set {
	first := set{}
	optional := regexp.MustCompile(`\([^()]*\)\??`)
	for alternative := range strings.SplitSeq(optional.ReplaceAllString(strongCues+"|il mio nome|"+weakCues, ""), "|") {
		for word := range words(alternative) {
			first[strings.ToLower(word)] = true
			break
		}
	}
	return first
})

// cued replaces the names that words before them announce.
func (t *text) cued() {
	if t.has&cue == 0 {
		return
	}
	strong, weak := cues()
	for _, match := range strong.FindAllStringIndex(t.s, -1) {
		t.follow(match[1], true)
	}
	for at := 0; at < len(t.s); {
		// Cues may follow one another: "thanks, this is".
		match := weak.FindStringIndex(t.s[at:])
		if match == nil {
			return
		}
		t.follow(at+match[1], false)
		at += match[1] - 1
	}
}

// follow replaces up to four words of a name that begins at at.
func (t *text) follow(at int, strong bool) {
	for n := range 4 {
		end := at
		for end < len(t.s) {
			c, size := utf8.DecodeRuneInString(t.s[end:])
			if !isLetter(c) {
				break
			}
			end += size
		}
		word := t.s[at:end]
		if capital(word) && !t.flat && titles.has(lastWord(t.s[:at])) {
			strong = true // Mr. Best, Frau Lange
		}
		common := t.lang.common.has(word) || always().has(word) || titles.has(word) || t.lang.name == "unknown" && anyCommon(word)
		switch {
		case word == "":
			return
		case n > 0 && particles.has(word) || titles.has(word):
		case common && !(strong && n == 0 && !notNames.has(word)) && !(n > 0 && capital(word) && !t.flat && t.lang.name != "de"):
			return
		case utf8.RuneCountInString(word) < 2:
			return
		case !t.taken(at, end):
			t.decide(span{at, end, t.r.word(word), Name})
		}
		rest := t.s[end:]
		trimmed := strings.TrimLeft(rest, " -'’")
		if len(trimmed) == len(rest) || n == 0 && len(rest)-len(trimmed) > 2 {
			return
		}
		at = len(t.s) - len(trimmed)
	}
}

// lastWord is the last run of letters in s.
func lastWord(s string) string {
	s = strings.TrimRightFunc(s, func(c rune) bool { return !isLetter(c) })
	return s[strings.LastIndexFunc(s, func(c rune) bool { return !isLetter(c) })+1:]
}

// notNames follow "my name is" and its like without being one.
var notNames = setOf("not the a on in and what nicht die das der pas le la no el il non não o niet de het spelled written")

// uncasedCues announce names in scripts without capitals.
var uncasedCues = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?:我叫|我是|名叫|名字是|我姓|叫做)(\p{Han}{2,3})`),
		regexp.MustCompile(`(\p{Han}{1,3})(?:先生|女士|小姐|太太|经理|老师)`),
		regexp.MustCompile(`([\p{Han}\p{Katakana}ー]{1,8})(?:さん|様|氏|と申し|ちゃん|くん)`),
		regexp.MustCompile(`(?:私は|名前は)([\p{Han}\p{Hiragana}\p{Katakana}ー]{2,8}?)(?:です|と)`),
		regexp.MustCompile(`(\p{Hangul}{2,4}?)(?:씨|님|입니다|이에요|예요|라고|이라고|이고)`),
		regexp.MustCompile(`(?:اسمي|السيد|السيدة|أنا|مع)\s+(\p{Arabic}+(?:\s+\p{Arabic}+)?)`),
		regexp.MustCompile(`(?:שמי|קוראים לי|אני|מר|גברת)\s+(\p{Hebrew}+(?:\s+\p{Hebrew}+)?)`),
		regexp.MustCompile(`(?:नाम|मैं|श्री|श्रीमती)\s+([\p{Devanagari}]+(?:\s+[\p{Devanagari}]+)?)`),
		regexp.MustCompile(`(?:ชื่อ|คุณ)([\p{Thai}]{2,12})`),
	}
})

func (t *text) uncased() {
	for _, cue := range uncasedCues() {
		for _, match := range cue.FindAllStringSubmatchIndex(t.s, -1) {
			start, end := match[2], match[3]
			if !t.taken(start, end) {
				t.decide(span{start, end, eachWord(t.s[start:end], t.r.word), Name})
			}
		}
	}
	// Names of the payload's fields stand within longer runs of letters.
	for _, name := range t.uncasedNames {
		for at := 0; ; {
			i := strings.Index(t.s[at:], name)
			if i < 0 {
				break
			}
			if start := at + i; !t.taken(start, start+len(name)) {
				t.decide(span{start, start + len(name), t.r.word(name), Name})
			}
			at += i + len(name)
		}
	}
}

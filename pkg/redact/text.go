package redact

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// form is what a whole string is.
type form int

const (
	nothing form = iota // known
	aTime
	aPhone
	anEmail
	aLink
)

var forms = sync.OnceValue(func() map[form]*regexp.Regexp {
	return map[form]*regexp.Regexp{
		aTime:   regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$`),
		aPhone:  regexp.MustCompile(`^\+?\(?\d[\d\s().\-/]{5,}\d$`),
		anEmail: regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`),
		aLink:   regexp.MustCompile(`^[a-z][a-z0-9+.-]*://\S+$`),
	}
})

// date is a day in figures. It has the form of a phone number, too.
var date = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:(?:19|20)\d\d[./-]\d\d?[./-]\d\d?|\d\d?[./-]\d\d?[./-](?:19|20)\d\d)$`)
})

func looksLike(s string) form {
	for f, pattern := range forms() {
		if pattern.MatchString(s) {
			return f
		}
	}
	return nothing
}

// span is a part of a text that was decided on.
type span struct {
	start, end int
	with       string
	kind       Kind // empty: it stays as it is
}

// finder looks for one kind of thing in a line.
type finder struct {
	needs   need // what a line must hold for the search to be worth it
	pattern *regexp.Regexp
	// replace is what becomes of a match; nil: it stays as it is.
	replace func(t *text, match []int) string
	kind    Kind
}

// need is what a quick look can tell of a line.
type need uint16

const (
	digit      need = 1 << iota
	wide            // a digit of another script
	sign            // an @
	scheme          // a ://
	dotted          // a full stop
	letters         // single letters
	connect         // the words for @ and . in an address that is said
	numerals        // number words
	cue             // words that may announce a name
	hanNumbers      // Chinese and Japanese digits
)

// text is the work on one line of free text.
type text struct {
	*pass
	s     string
	spans []span // in no order; none overlap
	used  []bool // the bytes of s that are in one
	has   need
	lang  language
	flat  bool // capitals say nothing
}

// free replaces what is personal in free text.
func (p *pass) free(s string, seen func(Kind)) string {
	if looksLike(s) == aPhone && !date().MatchString(s) {
		seen(Phone)
		return p.r.phone(s)
	}
	lang, flat := languageOf(s, p.lang), flat(s)
	var out strings.Builder
	for line := range strings.Lines(s) {
		t := &text{pass: p, s: line, has: look(line), lang: lang, flat: flat}
		t.ids()
		t.find()
		t.names()
		t.write(&out, seen)
	}
	return out.String()
}

// look is the quick look at a line.
func look(line string) need {
	var has need
	for _, n := range []struct {
		need need
		any  string
	}{{digit, "0123456789"}, {sign, "@"}, {dotted, "."}, {hanNumbers, hanDigits}} {
		if strings.ContainsAny(line, n.any) {
			has |= n.need
		}
	}
	if strings.Contains(line, "://") {
		has |= scheme
	}
	if strings.ContainsFunc(line, func(c rune) bool { return c >= utf8.RuneSelf && unicode.IsDigit(c) }) {
		has |= wide
	}
	numbers := 0
	for word := range words(line) {
		small := strings.ToLower(word)
		switch {
		case len(small) <= 2 && utf8.RuneCountInString(small) == 1:
			has |= letters
		case connects[small]:
			has |= connect
		}
		if allNumbers()[small] {
			if numbers++; numbers == 4 {
				has |= numerals
			}
		}
		if cueWords()[small] {
			has |= cue
		}
	}
	return has
}

// ids replaces the ids of the payload's own fields, so that they stay equal.
func (t *text) ids() {
	for _, id := range t.idsByLength {
		for at := 0; ; {
			i := strings.Index(t.s[at:], id)
			if i < 0 {
				break
			}
			start := at + i
			at = start + len(id)
			if !t.taken(start, at) {
				t.decide(span{start, at, t.pass.ids[id], ID})
			}
		}
	}
}

func (t *text) find() {
	for _, f := range finders() {
		if t.has&f.needs != f.needs {
			continue
		}
		for _, match := range f.pattern.FindAllStringSubmatchIndex(t.s, -1) {
			if t.taken(match[0], match[1]) {
				continue
			}
			if f.replace == nil {
				t.decide(span{start: match[0], end: match[1]})
				continue
			}
			if with := f.replace(t, match); with != t.s[match[0]:match[1]] {
				t.decide(span{match[0], match[1], with, f.kind})
			}
		}
	}
}

func (t *text) taken(start, end int) bool {
	return t.used != nil && slices.Contains(t.used[start:end], true)
}

// decide adds a span.
func (t *text) decide(s span) {
	if t.used == nil {
		t.used = make([]bool, len(t.s))
	}
	for i := s.start; i < s.end; i++ {
		t.used[i] = true
	}
	t.spans = append(t.spans, s)
}

func (t *text) write(out *strings.Builder, seen func(Kind)) {
	slices.SortFunc(t.spans, func(a, b span) int { return a.start - b.start })
	done := 0
	for _, s := range t.spans {
		if s.kind == "" {
			continue
		}
		seen(s.kind)
		out.WriteString(t.s[done:s.start])
		out.WriteString(s.with)
		done = s.end
	}
	out.WriteString(t.s[done:])
}

// group is the n-th group of a match, empty when it has none.
func (t *text) group(match []int, n int) string {
	if match[2*n] < 0 {
		return ""
	}
	return t.s[match[2*n]:match[2*n+1]]
}

const (
	months = `january|february|march|april|may|june|july|august|september|october|november|december|januar|februar|märz|mai|juni|juli|oktober|dezember|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro|januari|februari|maart|mei|augustus`
	dot    = `(?:dot|point|punkt|punto|ponto|punt)`
	at     = `(?:at|ät|arroba|arobase|chiocciola|apenstaartje|klammeraffe)`
	street = `street|st|road|rd|avenue|ave|lane|ln|drive|boulevard|blvd|way|court|square|place|terrace|crescent|close|gardens`
	before = `rue|avenue|boulevard|place|chemin|allée|impasse|quai|calle|avenida|plaza|paseo|carrer|camino|via|viale|piazza|corso|vicolo|rua|praça|travessa|alameda|ulica|ul\.`
	unit   = `apartment|apt|flat|suite|unit|floor|room|house|box|hausnummer|wohnung|stock|appartement|étage|piso|puerta|interno|scala|apartamento|andar|huisnummer|number|no|nr|nº|extension|ext|durchwahl|poste|ramal|toestel|pin|code|reference|ref|order|ticket|account|konto|postcode|postal|zip|plz|cap`
)

// finders are tried in their order: a place that one decided on is closed to
// those after it.
var finders = sync.OnceValue(func() []finder {
	re := func(pattern string) *regexp.Regexp {
		return regexp.MustCompile(strings.ReplaceAll(pattern, `\w`, `[\p{L}\p{M}]`))
	}
	return []finder{
		{digit, re(`\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?`), nil, ""},
		{scheme, re(`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`), (*text).links, Link},
		{sign, re(`[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`), (*text).emails, Email},
		{dotted, re(`\b(?:www\.)?[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.(?:com|org|net|io|ai|co|de|fr|es|it|pt|nl|br|uk|eu|info|biz)\b(?:/\S*)?`), (*text).hosts, Link},
		{sign, re(`@[\p{L}\p{N}_]{2,}`), (*text).mixedMatch, Name},
		{connect, re(`(?i)[\p{L}\p{N}_-]+(?:(?: ` + dot + ` |\.)[\p{L}\p{N}_-]+)* ` + at + ` [\p{L}\p{N}-]+(?: ` + dot + ` [\p{L}]{2,}|\.[\p{L}]{2,})+`), (*text).spokenEmail, Email},
		{digit, re(`(?i)(?:[$€£¥] ?\d[\d.,]*|\b\d[\d.,]* ?(?:%|[$€£¥]|euros?|dollars?|pounds?|usd|eur|gbp|percent|prozent|pour cent|por ciento|per cento|procent)(?:[^\p{L}]|$))`), nil, ""},
		{digit, re(`(?i)\b(\d{1,2})(?:st|nd|rd|th|\.|er|º|ª)?(?:\s+(?:of|de|del|di))?\s+(?:` + months + `)\b`), (*text).days, Number},
		{digit, re(`(?i)\b(?:` + months + `)\s+(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)?\b`), (*text).days, Number},
		{digit, re(`\b(\d{1,4})([./-])(\d{1,2})([./-])(\d{1,4})\b`), (*text).dates, Number},
		{digit, re(`\b\d{1,2}[:h]\d{2}(?::\d{2})?\b`), nil, ""},
		{digit, re(`(?i)\b(\d{1,5}\w?),?\s+(?:\w+\.?\s+){0,4}(?:` + street + `)\b`), (*text).addressed, Address},
		{digit, re(`(?i)(?:\b(?:` + before + `)\s+[^.,;:!?\d]{2,40}|\b\w+(?:straße|strasse|str\.|weg|platz|allee|gasse|damm|ufer|straat|laan|plein|gracht|singel|kade))\s*,?\s*(?:n[º°.o]*\s*)?(\d{1,5} ?\w?)\b`), (*text).addressed, Address},
		{digit, re(`(?i)\b(\d{1,5}(?: ?(?:bis|ter))?),?\s+(?:` + before + `)\s`), (*text).addressed, Address},
		{digit, re(`(?i)\b(?:` + unit + `)\.?\s+(?:is\s+|number\s+|ist\s+|est\s+|es\s+)?#?(\d{1,5}\w?)\b`), (*text).addressed, Address},
		{digit, re(`\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b`), (*text).mixedMatch, Address},
		{digit, re(`[+(]?\d[\d\s().\-/]{3,}\d`), (*text).numbers, Number},
		{wide, re(`[\p{Nd}](?:[\p{Nd}\s().\-/－ー]*[\p{Nd}])?`), (*text).wideNumbers, Number},
		{digit, re(`\b(?:19|20)\d\d\b`), nil, ""},
		{digit, re(`\b[\p{L}]*\d[\p{L}\d]*(?:[-_][\p{L}\d]*\d[\p{L}\d]*)*\b`), (*text).codes, Number},
		{hanNumbers, re(`[` + hanDigits + `](?:[ 、,-]?[` + hanDigits + `]){4,}`), (*text).hanNumber, Number},
		{numerals, spokenNumber(), (*text).spokenNumbers, Number},
		{letters, re(`\b[\p{L}](?:(?:-| |\. ?|, )[\p{L}]\b){2,}`), (*text).spelled, Name},
		{letters, re(`(?i)\b([\p{L}])(?:,? as in | for | like | wie | comme | come | como | als | de )(\w{3,})`), (*text).spelledBy, Name},
	}
})

func (t *text) whole(match []int) string { return t.s[match[0]:match[1]] }

func (t *text) links(match []int) string {
	return t.link(t.whole(match))
}

func (t *text) emails(match []int) string { return t.r.email(t.whole(match)) }

func (t *text) hosts(match []int) string {
	host, path, _ := strings.Cut(t.whole(match), "/")
	return t.r.host(host) + t.r.mixed(t.whole(match)[len(host):len(host)+min(1, len(path))]+path)
}

func (t *text) mixedMatch(match []int) string { return t.r.mixed(t.whole(match)) }

// spokenEmail leaves "at", "dot" and what stands behind the last one.
func (t *text) spokenEmail(match []int) string {
	s := t.whole(match)
	last := strings.LastIndexAny(s, " .") + 1
	return eachWord(t.r.digits(s[:last]), func(word string) string {
		if connects.has(word) {
			return word
		}
		return t.r.word(word)
	}) + s[last:]
}

var connects = setOf("at ät arroba arobase chiocciola apenstaartje klammeraffe dot point punkt punto ponto punt")

// inGroup replaces the first group of a match and leaves the rest of it.
func (t *text) inGroup(match []int, with string) string {
	return t.s[match[0]:match[2]] + with + t.s[match[3]:match[1]]
}

func (t *text) days(match []int) string {
	day := t.r.stream("day", t.whole(match)).next()%28 + 1
	return t.inGroup(match, decimal(int(day)))
}

// dates keeps the year, in whichever place it is.
func (t *text) dates(match []int) string {
	stream := t.r.stream("date", t.whole(match))
	for range 100 {
		// The same day again would be left for others to take for a number.
		if other := t.dateFrom(stream, match); other != t.whole(match) {
			return other
		}
	}
	return t.whole(match)
}

func (t *text) dateFrom(stream *stream, match []int) string {
	day, month := decimal(int(stream.next()%28)+1), decimal(int(stream.next()%12)+1)
	first, last := t.group(match, 1), t.group(match, 5)
	if len(first) == 4 {
		return first + t.group(match, 2) + pad(month) + t.group(match, 4) + pad(day)
	}
	if n := len(first); n > 2 || len(last) != 2 && len(last) != 4 {
		return t.r.digits(t.whole(match))
	}
	// Which is the day cannot be told: both stay within twelve.
	return decimal(int(stream.next()%12)+1) + t.group(match, 2) + month + t.group(match, 4) + last
}

func (t *text) addressed(match []int) string {
	whole := t.inGroup(match, t.r.mixed(t.group(match, 1)))
	start, end := match[2]-match[0], match[3]-match[0]
	// The words around the number are names unless they are common.
	return t.strange(whole[:start]) + whole[start:end] + t.strange(whole[end:])
}

// strange replaces the words of s that are not common.
func (t *text) strange(s string) string {
	return eachWord(s, func(word string) string {
		if streetWords.has(word) || anyCommon(word) || len(word) < 3 {
			return word
		}
		return t.r.word(word)
	})
}

var streetWords = setOf(strings.ReplaceAll(street+"|"+before+"|"+unit, "|", " "))

// numbers replaces what has five digits or more, phone numbers among them.
func (t *text) numbers(match []int) string {
	s := t.whole(match)
	if len(onlyDigits(s)) < 5 {
		return s
	}
	if strings.HasPrefix(s, "+") {
		return t.r.phone(s)
	}
	return t.r.digits(s)
}

// wideNumbers replaces what has three digits or more, in scripts with digits of
// their own.
func (t *text) wideNumbers(match []int) string {
	s := t.whole(match)
	if len(onlyDigits(s)) < 3 || len(onlyDigits(s)) < 5 && strings.IndexFunc(s, func(c rune) bool { return c >= utf8.RuneSelf }) < 0 {
		return s
	}
	return t.r.digits(s)
}

// codes replaces numbers of three digits and more, and words with digits in
// them, such as references.
func (t *text) codes(match []int) string {
	s := t.whole(match)
	digits := onlyDigits(s)
	if len(digits) == len(s) && len(s) < 3 || len(digits) < 2 && len(s) < 4 {
		return s
	}
	return t.r.mixed(s)
}

func (t *text) spelled(match []int) string {
	s := t.whole(match)
	whole := []rune(t.r.word(strings.Join(slices.Collect(words(s)), "")))
	i := 0
	return eachWord(s, func(string) string {
		i++
		return string(whole[min(i, len(whole))-1])
	})
}

func (t *text) spelledBy(match []int) string {
	letter, word := t.group(match, 1), t.group(match, 2)
	if anyCommon(word) && !capital(word) || letter == "a" || letter == "I" || letter == "i" || letter == "y" || letter == "e" || letter == "o" {
		return t.whole(match)
	}
	return t.r.word(letter) + t.s[match[3]:match[4]] + t.r.word(word)
}

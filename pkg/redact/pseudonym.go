package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/julian"
)

// stream is an endless sequence of bytes that follow from the key, a purpose
// and a value.
type stream struct {
	secret  []byte
	seed    string
	block   []byte
	counter byte
}

func (r *Redactor) stream(purpose, value string) *stream {
	seed := purpose + "\x00" + value
	if len(seed) > sha256.BlockSize {
		// Each block hashes the seed again: a long one would cost its square.
		sum := sha256.Sum256([]byte(seed))
		seed = string(sum[:])
	}
	return &stream{secret: r.secret, seed: seed}
}

func (s *stream) next() byte {
	if len(s.block) == 0 {
		mac := hmac.New(sha256.New, s.secret)
		mac.Write([]byte(s.seed))
		mac.Write([]byte{s.counter})
		s.counter++
		s.block = mac.Sum(nil)
	}
	b := s.block[0]
	s.block = s.block[1:]
	return b
}

func (s *stream) pick(from []rune) rune { return from[int(s.next())%len(from)] }

// words gives the runs of letters in s.
func words(s string) iter.Seq[string] {
	return strings.FieldsFuncSeq(s, func(c rune) bool { return !isLetter(c) })
}

func isLetter(c rune) bool { return unicode.IsLetter(c) || unicode.IsMark(c) }

// eachWord replaces the runs of letters in s.
func eachWord(s string, replace func(string) string) string {
	var out strings.Builder
	for len(s) > 0 {
		end := strings.IndexFunc(s, func(c rune) bool { return !isLetter(c) })
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			out.WriteString(replace(s[:end]))
			s = s[end:]
		}
		next := strings.IndexFunc(s, isLetter)
		if next < 0 {
			next = len(s)
		}
		out.WriteString(s[:next])
		s = s[next:]
	}
	return out.String()
}

var (
	consonants = []rune("bdfghklmnprstvz")
	vowels     = []rune("aeiou")
)

// word is a pronounceable word with as many letters as w, and capitals where w
// has them. How w is written makes no difference: Victor, VICTOR and victor
// are one name. A letter of another script gives one of that script.
func (r *Redactor) word(w string) string {
	s := r.stream("word", strings.ToLower(w))
	vowel := s.next()%2 == 0
	var out strings.Builder
	for _, c := range w {
		if unicode.IsMark(c) {
			continue
		}
		b := r.letter(s, c, vowel)
		vowel = !vowel
		if unicode.IsUpper(c) {
			b = unicode.ToUpper(b)
		}
		out.WriteRune(b)
	}
	if strings.EqualFold(out.String(), w) {
		return r.word(w + "'")
	}
	return out.String()
}

// scripts are the letters of other scripts, from which a pseudonym is drawn.
var scripts = []struct {
	table   *unicode.RangeTable
	letters []rune
}{
	{unicode.Cyrillic, []rune("абвгдежзиклмнопрстуфхэюя")},
	{unicode.Greek, []rune("αβγδεζηθικλμνοπρστυφχψω")},
	{unicode.Hebrew, []rune("אבגדהוזחטיכלמנסעפצקרשת")},
	{unicode.Arabic, []rune("ابتثجحخدذرزسشصضطظعغفقكلمنهوي")},
	{unicode.Devanagari, []rune("कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह")},
	{unicode.Hiragana, []rune("あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめも")},
	{unicode.Katakana, []rune("アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモ")},
	{unicode.Hangul, []rune("가나다라마바사아자차카타파하고노도로모보소오조초코토포호")},
	{unicode.Thai, []rune("กขคงจชซดตถทนบปพฟมยรลวสหอ")},
	{unicode.Han, []rune("山川田木林石水火土金日月星云雨雪风花草竹梅兰松柏春夏秋冬东西南北")},
}

func (r *Redactor) letter(s *stream, c rune, vowel bool) rune {
	if c >= utf8.RuneSelf && !unicode.Is(unicode.Latin, c) {
		for _, script := range scripts {
			if unicode.Is(script.table, c) {
				return s.pick(script.letters)
			}
		}
	}
	if vowel {
		return s.pick(vowels)
	}
	return s.pick(consonants)
}

// onlyDigits are the digits in s, of whichever script, as 0 to 9.
func onlyDigits(s string) string {
	return strings.Map(func(c rune) rune {
		if zero := zeroOf(c); zero > 0 {
			return '0' + c - zero
		}
		return -1
	}, s)
}

// zeroOf is the 0 of the script that the digit c is from, and 0 when c is no
// digit. Unicode has the ten digits of a script in a row, from a place that
// begins at a multiple of ten in their range.
func zeroOf(c rune) rune {
	if c < utf8.RuneSelf {
		if c >= '0' && c <= '9' {
			return '0'
		}
		return 0
	}
	if !unicode.IsDigit(c) {
		return 0
	}
	for _, r := range unicode.Nd.R16 {
		if lo := rune(r.Lo); c <= rune(r.Hi) {
			return lo + (c-lo)/10*10
		}
	}
	for _, r := range unicode.Nd.R32 {
		if lo := rune(r.Lo); c <= rune(r.Hi) {
			return lo + (c-lo)/10*10
		}
	}
	return 0
}

// tail is how many digits at the end of a number tell whose it is: with and
// without a country's code it is the same number.
const tail = 9

// digits replaces the digits of s and leaves everything between them.
func (r *Redactor) digits(s string) string {
	all := onlyDigits(s)
	lead := max(len(all)-tail, 0)
	last := r.stream("digits", all[lead:])
	first := r.stream("lead", all)
	i := 0
	return strings.Map(func(c rune) rune {
		zero := zeroOf(c)
		if zero == 0 {
			return c
		}
		i++
		if i <= lead {
			return zero + rune(first.next()%10)
		}
		return zero + rune(last.next()%10)
	}, s)
}

// numeral replaces the digits of a JSON number, except those of its exponent,
// and a 0 that it begins with: 0.123456 stays below 1.
func (r *Redactor) numeral(s string) string {
	end := len(s)
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		end = i
	}
	out := []byte(r.digits(s[:end]))
	for i, c := range out {
		if c >= '0' && c <= '9' {
			switch {
			case s[i] == '0':
				out[i] = '0'
			case c == '0':
				out[i] = '1'
			}
			break
		}
	}
	return string(out) + s[end:]
}

// twoDigitCodes are the calling codes of two digits (ITU-T E.164); 1 and 7 have
// one, all others three.
const twoDigitCodes = "20 27 28 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 83 84 86 89 90 91 92 93 94 95 98 "

// phone replaces a number in E.164 form by one of the same country that nobody
// can have: national numbers do not begin with 0 there, or in Italy with 1.
// Other forms become other digits.
func (r *Redactor) phone(s string) string {
	if strings.ContainsFunc(s, isLetter) {
		return r.mixed(s) // sip:ada@example.com
	}
	if !strings.HasPrefix(s, "+") || strings.ContainsFunc(s, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return r.digits(s)
	}
	code := 3
	switch all := onlyDigits(s); {
	case all == "":
		return s
	case len(all) < 6:
		return "+" + r.numeral(s[1:]) // does not begin with 0
	case all[0] == '1' || all[0] == '7':
		code = 1
	case strings.Contains(twoDigitCodes, all[:2]+" "):
		code = 2
	}
	never := byte('0')
	if onlyDigits(s)[:2] == "39" {
		never = '1'
	}
	out := []byte(r.digits(s))
	seen := 0
	for i, c := range out {
		if c < '0' || c > '9' {
			continue
		}
		if seen < code {
			out[i] = s[i]
		} else if seen == code {
			out[i] = never
		}
		seen++
	}
	return string(out)
}

// email replaces both sides of an address. The host ends in .test, a name that
// is reserved and leads nowhere (RFC 6761).
func (r *Redactor) email(s string) string {
	local, host, _ := strings.Cut(s, "@")
	return r.mixed(local) + "@" + r.host(host)
}

func (r *Redactor) host(host string) string {
	const end = ".test"
	name, _, _ := strings.Cut(host, ":")
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	letters := r.stream("host", strings.ToLower(name))
	var out strings.Builder
	for i := range max(utf8.RuneCountInString(host)-len(end), 3) {
		out.WriteRune(r.letter(letters, 'a', i%2 == 1))
	}
	return out.String() + end
}

// mixed replaces letters by letters and digits by digits, word by word.
func (r *Redactor) mixed(s string) string { return r.digits(eachWord(s, r.word)) }

// id replaces all after the documented prefix of an id by as many letters and
// digits.
func (r *Redactor) id(s string) string {
	prefix, rest := "", s
	for _, f := range julian.Fields {
		if after, found := strings.CutPrefix(s, f.Prefix); found && len(f.Prefix) > len(prefix) {
			prefix, rest = f.Prefix, after
		}
	}
	bytes := r.stream("id", s)
	letters := byte(26)
	if len(rest) >= 32 {
		letters = 6 // a UUID stays hexadecimal
	}
	return prefix + strings.Map(func(c rune) rune {
		switch {
		case unicode.IsDigit(c):
			return '0' + rune(bytes.next()%10)
		case unicode.IsUpper(c):
			return 'A' + rune(bytes.next()%letters)
		case unicode.IsLetter(c):
			return 'a' + rune(bytes.next()%letters)
		}
		return c
	}, rest)
}

// link keeps the scheme and the shape of a URL.
func (r *Redactor) link(s string) string {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return r.mixed(s)
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return scheme + "://" + r.host(rest[:end]) + r.path(rest[end:])
}

// path replaces what follows the host of a URL. What is written with % becomes
// other letters that are written with %: it stays a URL.
func (r *Redactor) path(s string) string {
	var out strings.Builder
	for first := true; ; first = false {
		plain, rest, found := strings.Cut(s, "%")
		if !first && len(plain) >= 2 && isHex(plain[0]) && isHex(plain[1]) {
			out.WriteString("6" + string('1'+rune(r.stream("escape", plain[:2]).next()%9)))
			plain = plain[2:]
		}
		out.WriteString(r.mixed(plain))
		if !found {
			return out.String()
		}
		out.WriteByte('%')
		s = rest
	}
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// Package pseudonym makes what stands in place of personal values: words, numbers,
// addresses and ids of the same length and form. A pseudonym follows from the
// value and a key, and nobody without the key can tell the value.
package pseudonym

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/letters"
)

// Maker makes pseudonyms from a key. It is not safe for concurrent use.
type Maker struct {
	mac    hash.Hash
	avoid  func(folded []byte) bool
	words  map[string]string // of folded words
	buffer []byte
}

// New returns a maker whose pseudonyms follow from key. What avoid reports true
// for is no pseudonym of a word, if that can be helped.
func New(key []byte, avoid func(folded []byte) bool) *Maker {
	return &Maker{mac: hmac.New(sha256.New, key), avoid: avoid, words: map[string]string{}}
}

// Stream is an endless sequence of bytes that follow from the key, a purpose
// and a value.
type Stream struct {
	m     *Maker
	block [sha256.Size]byte
	used  int
}

// Stream is the sequence of bytes for a value, which is the same under one key.
func (m *Maker) Stream(purpose, value string) *Stream {
	s := &Stream{m: m}
	m.buffer = append(append(append(m.buffer[:0], purpose...), 0), value...)
	s.fill(m.buffer)
	return s
}

func (s *Stream) fill(seed []byte) {
	s.m.mac.Reset()
	s.m.mac.Write(seed)
	s.m.mac.Sum(s.block[:0])
	s.used = 0
}

// Next is the next byte.
func (s *Stream) Next() byte {
	if s.used == len(s.block) {
		s.fill(append([]byte("more\x00"), s.block[:]...))
	}
	s.used++
	return s.block[s.used-1]
}

func (s *Stream) pick(from []rune) rune { return from[int(s.Next())%len(from)] }

// maxCached is how many pseudonyms of words are kept for the next time.
const maxCached = 1 << 14

// Word is a pronounceable word with as many letters as w, and capitals where w
// has them. How w is written makes no difference: Victor, VICTOR and victor
// are one name. A letter of another script gives one of that script.
func (m *Maker) Word(w string) string {
	var memory [64]byte
	folded := letters.AppendFold(memory[:0], w)
	small, cached := m.words[string(folded)]
	if !cached {
		if len(m.words) >= maxCached {
			clear(m.words)
		}
		small = m.newWord(string(folded))
		m.words[string(folded)] = small
	}
	return letters.LikeCase(small, w)
}

// newWord avoids words that are common somewhere: what is left and what is
// replaced can be told apart.
func (m *Maker) newWord(folded string) string {
	s := m.Stream("word", folded)
	out := make([]byte, 0, 2*len(folded))
	for range 20 {
		out = out[:0]
		vowel := s.Next()%2 == 0
		for _, c := range folded {
			out = utf8.AppendRune(out, letter(s, c, vowel))
			vowel = !vowel
		}
		if !m.avoid(out) && string(out) != folded {
			break
		}
	}
	return string(out)
}

var (
	consonants = []rune("bdfghklmnprstvz")
	vowels     = []rune("aeiou")
)

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

func letter(s *Stream, c rune, vowel bool) rune {
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

// tail is how many digits at the end of a number tell whose it is: with and
// without a country's code it is the same number.
const tail = 9

// Digits replaces the digits of s and leaves everything between them.
func (m *Maker) Digits(s string) string {
	all := letters.Digits(s)
	lead := max(len(all)-tail, 0)
	if all == "" {
		return s
	}
	last, first := m.Stream("digits", all[lead:]), (*Stream)(nil)
	if lead > 0 {
		first = m.Stream("lead", all)
	}
	i := 0
	other := strings.Map(func(c rune) rune {
		zero := letters.Zero(c)
		if zero == 0 {
			return c
		}
		if i++; i <= lead {
			return zero + rune(first.Next()%10)
		}
		return zero + rune(last.Next()%10)
	}, s)
	if other == s && len(all) < tail {
		return m.Digits(strings.Map(func(c rune) rune {
			if zero := letters.Zero(c); zero != 0 {
				return zero + (c-zero+1)%10
			}
			return c
		}, s))
	}
	return other
}

// Numeral replaces the digits of a JSON number, except those of its exponent,
// and a 0 that it begins with: 0.123456 stays below 1.
func (m *Maker) Numeral(s string) string {
	end := len(s)
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		end = i
	}
	out := []byte(m.Digits(s[:end]))
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

// Date replaces day, month and year in figures, and leaves in which order they
// stand: which one is the day cannot always be told, so both are at most 12.
func (m *Maker) Date(s string) string {
	random := m.Stream("date", s)
	for range 100 {
		parts := strings.FieldsFunc(s, func(c rune) bool { return c < '0' || c > '9' })
		for i, part := range parts {
			n := int(random.Next())
			switch {
			case len(part) == 4:
				year, _ := strconv.Atoi(part)
				n = year - 4 + n%9
			case len(part) == 1:
				n = 1 + n%9
			case len(parts[0]) != 4 && i == 2:
				n = 40 + n%60
			default:
				n = 1 + n%12
			}
			parts[i] = strconv.Itoa(n)
			if pad := len(part) - len(parts[i]); pad > 0 {
				parts[i] = strings.Repeat("0", pad) + parts[i]
			}
		}
		first := len(s) - len(strings.TrimLeft(s, "0123456789"))
		if other := parts[0] + s[first:first+1] + parts[1] + s[first:first+1] + parts[2]; other != s {
			return other
		}
	}
	return m.Digits(s)
}

// IsDate reports whether s is a day in figures: three numbers between which one
// of . / - stands, and of which the first or the last may be the year.
func IsDate(s string) bool {
	first := strings.IndexAny(s, "./-")
	if first < 1 {
		return false
	}
	parts := strings.Split(s, s[first:first+1])
	if len(parts) != 3 || len(parts[1]) > 2 || len(parts[0])+len(parts[2]) > 6 || len(parts[0]) == 3 || len(parts[2]) == 3 {
		return false
	}
	for _, part := range parts {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}

// twoDigitCodes are the calling codes of two digits (ITU-T E.164); 1 and 7 have
// one, all others three.
const twoDigitCodes = "20 27 28 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 83 84 86 89 90 91 92 93 94 95 98 "

// Phone replaces a number in E.164 form by one of the same country that nobody
// can have: national numbers do not begin with 0 there, or in Italy with 1.
// Other forms become other digits.
func (m *Maker) Phone(s string) string {
	if strings.ContainsFunc(s, letters.Is) {
		return m.Mixed(s) // sip:ada@example.com
	}
	if !strings.HasPrefix(s, "+") || strings.ContainsFunc(s, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return m.Digits(s)
	}
	code := 3
	switch all := letters.Digits(s); {
	case all == "":
		return s
	case len(all) < 6:
		return "+" + m.Numeral(s[1:]) // does not begin with 0
	case all[0] == '1' || all[0] == '7':
		code = 1
	case strings.Contains(twoDigitCodes, all[:2]+" "):
		code = 2
	}
	never := byte('0')
	if letters.Digits(s)[:2] == "39" {
		never = '1'
	}
	out := []byte(m.Digits(s))
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

// Email replaces both sides of an address. The host ends in .test, a name that
// is reserved and leads nowhere (RFC 6761).
func (m *Maker) Email(s string) string {
	local, host, _ := strings.Cut(s, "@")
	return m.Mixed(local) + "@" + m.Host(host)
}

// Host is a host name, which may have a port, in a domain that leads nowhere.
func (m *Maker) Host(host string) string {
	const end = ".test"
	name, _, _ := strings.Cut(host, ":")
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	letters := m.Stream("host", letters.Fold(name))
	out := make([]byte, 0, len(host)+len(end))
	for i := range max(utf8.RuneCountInString(host)-len(end), 1) {
		out = append(out, byte(letter(letters, 'a', i%2 == 1)))
	}
	return string(append(out, end...))
}

// Mixed replaces letters by letters and digits by digits, word by word.
func (m *Maker) Mixed(s string) string { return m.Digits(letters.EachWord(s, m.Word)) }

// prefixes are those of ids.
var prefixes = sync.OnceValue(func() (all []string) {
	for _, f := range julian.Fields {
		if f.Prefix != "" {
			all = append(all, f.Prefix)
		}
	}
	return all
})

// ID replaces all after the documented prefix of an id by as many letters and
// digits.
func (m *Maker) ID(s string) string {
	prefix := ""
	for _, p := range prefixes() {
		if strings.HasPrefix(s, p) && len(p) > len(prefix) {
			prefix = p
		}
	}
	rest := s[len(prefix):]
	bytes := m.Stream("id", s)
	letters := rune(26)
	if len(rest) >= 32 && strings.Trim(rest, "0123456789abcdefABCDEF-") == "" {
		letters = 6 // a UUID stays hexadecimal
	}
	return prefix + strings.Map(func(c rune) rune {
		switch n := rune(bytes.Next()); {
		case unicode.IsDigit(c):
			return '0' + n%10
		case unicode.IsUpper(c):
			return 'A' + n%letters
		case unicode.IsLetter(c):
			return 'a' + n%letters
		}
		return c
	}, rest)
}

// IsUUID reports whether s has that form (RFC 9562).
func IsUUID(s string) bool {
	return len(s) == 36 && strings.Trim(s, "0123456789abcdefABCDEF-") == "" && strings.Count(s, "-") == 4
}

// ownLinks is the platform that links of calls lead to.
const ownLinks = "https://julian.11x.ai/"

// Link is what becomes of a URL: its scheme and shape stay. Of one into the
// platform the path stays, but for the ids in it; what follows the path may say
// anything.
func (m *Maker) Link(s string, ids []string) string {
	if rest, own := strings.CutPrefix(s, ownLinks); own {
		end := strings.IndexAny(rest, "?#")
		if end < 0 {
			end = len(rest)
		}
		parts := strings.Split(rest[:end], "/")
		for i, part := range parts {
			if slices.Contains(ids, part) {
				parts[i] = m.ID(part)
			} else if strings.ContainsAny(part, "0123456789@%") {
				parts[i] = m.path(part)
			}
		}
		return ownLinks + strings.Join(parts, "/") + m.path(rest[end:])
	}
	scheme, rest, found := strings.Cut(s, "://")
	if !found || rest == "" {
		return m.Mixed(s)
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return scheme + "://" + m.Host(rest[:end]) + m.path(rest[end:])
}

// path replaces what follows the host of a URL. What is written with % becomes
// other letters that are written with %: it stays a URL.
func (m *Maker) path(s string) string {
	plain, rest, escaped := strings.Cut(s, "%")
	var out strings.Builder
	out.WriteString(m.Mixed(plain))
	for escaped {
		plain, rest, escaped = strings.Cut(rest, "%")
		out.WriteString("%")
		if len(plain) >= 2 && isHex(plain[0]) && isHex(plain[1]) {
			out.WriteString("6" + string('1'+rune(m.Stream("escape", plain[:2]).Next()%9)))
			plain = plain[2:]
		}
		out.WriteString(m.Mixed(plain))
	}
	return out.String()
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// Package letters tells letters and digits of all scripts, and words by their
// letters alone: capitals make no difference to it.
package letters

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Is reports whether c is a letter, or an accent of one.
func Is(c rune) bool {
	if c < utf8.RuneSelf {
		return 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	return unicode.IsLetter(c) || unicode.IsMark(c)
}

// HasCase reports whether s is in a script with capitals.
func HasCase(s string) bool {
	c, _ := utf8.DecodeRuneInString(s)
	return c < utf8.RuneSelf || strings.ToUpper(s) != strings.ToLower(s)
}

// Fold gives words that differ in capitals alone one form. The Turkish i without
// a dot counts as i: which one a capital stands for depends on the language.
func Fold(s string) string { return string(AppendFold(make([]byte, 0, len(s)+8), s)) }

// AppendFold adds [Fold] of s.
func AppendFold(dst []byte, s string) []byte {
	for i, c := range s {
		switch {
		case 'A' <= c && c <= 'Z':
			dst = append(dst, byte(c)|0x20)
		case c < utf8.RuneSelf:
			dst = append(dst, byte(c))
		case c == 'ı' || c == 'İ':
			dst = append(dst, 'i')
		case c == utf8.RuneError:
			dst = append(dst, s[i]) // one byte of none, or the first of U+FFFD
		default:
			dst = utf8.AppendRune(dst, unicode.ToLower(c))
		}
	}
	return dst
}

// LikeCase gives small, which has as many letters as w, the capitals of w.
func LikeCase(small, w string) string {
	out := make([]byte, 0, 2*len(small))
	for _, c := range w {
		b, size := utf8.DecodeRuneInString(small)
		if small = small[size:]; unicode.IsUpper(c) || unicode.IsTitle(c) {
			b = unicode.ToUpper(b)
		}
		out = utf8.AppendRune(out, b)
	}
	return string(out)
}

// Words gives the runs of letters in s.
func Words(s string) iter.Seq[string] {
	return strings.FieldsFuncSeq(s, func(c rune) bool { return !Is(c) })
}

// EachWord replaces the runs of letters in s.
func EachWord(s string, replace func(string) string) string {
	var out strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, func(c rune) bool { return !Is(c) })
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			out.WriteString(replace(s[:end]))
			s = s[end:]
		}
		next := strings.IndexFunc(s, Is)
		if next < 0 {
			next = len(s)
		}
		out.WriteString(s[:next])
		s = s[next:]
	}
	return out.String()
}

// Digits are the digits in s, of whichever script, as 0 to 9.
func Digits(s string) string {
	return strings.Map(func(c rune) rune {
		if zero := Zero(c); zero > 0 {
			return '0' + c - zero
		}
		return -1
	}, s)
}

// Zero is the 0 of the script that the digit c is from, and 0 when c is no
// digit. Unicode has the ten digits of a script in a row, from a place that
// begins at a multiple of ten in their range.
func Zero(c rune) rune {
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

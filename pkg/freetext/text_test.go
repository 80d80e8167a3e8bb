package freetext

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/letters"
	"github.com/julianctl/julianctl/pkg/pseudonym"
)

func textFor(level Level) *Text {
	l := Load()
	return &Text{
		Maker: pseudonym.New([]byte("0123456789abcdef"), l.Has), Lexicon: l, Level: level,
		Kept: make([]uint32, l.Len()), Counts: map[Kind]int{},
	}
}

// Whatever stands beside whatever, a text keeps its length, and the same text
// gives the same. The pool has every word that a rule asks for.
func TestRandomText(t *testing.T) {
	pool := strings.Fields(`victor Wembly WEMBLY o'neill Jean-Luc 12 4471 05/12/1983 1980-02-03 +14155550132 (020) 7946 0958 555-123-4567 12c 3pm 2nd SW1A 2AA DE89 06, 34 14h30
		someone@northwind.example northwind-traders.com https://crm.northwind.example/a/4471 @wembly 2025-01-20T14:00:00.000Z call.k1j2h3 m c x W-E-M 李明 ０９０ Ωmega ǅ
		. , ; : ! ? … " “ ” ( ) - / ' ’ + @ ¿ 10:30 $1,200 12% 3.5 1.2.3 ... --`)
	lists := Load().lists
	keys := slices.Collect(maps.Keys(lists))
	slices.SortFunc(keys, func(a, b rule) int { return cmp.Or(strings.Compare(a.class, b.class), int(a.in)-int(b.in)) })
	for _, key := range keys {
		pool = append(pool, lists[key]...)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, level := range []Level{Names, Words, All} {
		one, again := textFor(level), textFor(level)
		for range 5_000 {
			var line strings.Builder
			for range random.IntN(14) {
				word := pool[random.IntN(len(pool))]
				if random.IntN(5) == 0 {
					word = strings.ToUpper(word[:1]) + word[1:]
				}
				line.WriteString(word + []string{" ", " ", " ", " ", "", ", ", "\n", ". "}[random.IntN(8)])
			}
			s := line.String()
			for _, x := range []*Text{one, again} {
				x.Names, x.IDs = []string{"wembly", "victor"}, []string{"call.k1j2h3"}
				x.Recognize(s)
			}
			out := string(one.Append(nil, s))
			if utf8.RuneCountInString(out) != utf8.RuneCountInString(s) && utf8.ValidString(s) {
				t.Fatalf("%d letters became %d:\n%q\n%q", utf8.RuneCountInString(s), utf8.RuneCountInString(out), s, out)
			}
			if strings.Count(out, "\n") != strings.Count(s, "\n") {
				t.Fatalf("lines:\n%q\n%q", s, out)
			}
			if twice := string(again.Append(nil, s)); twice != out {
				t.Fatalf("the same text gave\n%q and\n%q", out, twice)
			}
			if slices.Contains(slices.Collect(letters.Words(letters.Fold(out))), "wembly") {
				t.Fatalf("a name is left:\n%q\n%q", s, out)
			}
		}
	}
}

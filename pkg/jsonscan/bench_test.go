package jsonscan_test

import (
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// BenchmarkString passes a transcript of 4 KB.
func BenchmarkString(b *testing.B) {
	for name, turn := range map[string]string{
		"English":  `Agent: Great, I will send the invitation to your address right away.\n`,
		"German":   `User: Könnten wir das auf nächste Woche verschieben?\n`,
		"Japanese": `Agent: はい、来週の火曜日はいかがでしょうか。\n`,
	} {
		text := []byte(`"` + strings.Repeat(turn, 4096/len(turn)) + `"`)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if end, _ := jsonscan.String(text, 0); end != len(text) {
					b.Fatal(end)
				}
			}
		})
	}
}

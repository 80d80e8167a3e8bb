package generate_test

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/generate"
)

// BenchmarkAppend is calls as they occur, as the command makes them.
func BenchmarkAppend(b *testing.B) {
	g := generate.New(1)
	var body []byte
	total, n := 0, 0
	for b.Loop() {
		var err error
		if body, err = g.Append(body[:0], g.Draw(generate.Spec{})); err != nil {
			b.Fatal(err)
		}
		total += len(body)
		n++
	}
	b.SetBytes(int64(total / n))
	b.ReportAllocs()
}

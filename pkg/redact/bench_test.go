package redact

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/generate"
)

func BenchmarkPayload(b *testing.B) {
	g := generate.New(1)
	var bodies [][]byte
	size := 0
	for range 100 {
		body, err := g.Payload(g.Draw(generate.Spec{}))
		if err != nil {
			b.Fatal(err)
		}
		bodies = append(bodies, body)
		size += len(body)
	}
	r := redactor(b)
	b.SetBytes(int64(size / len(bodies)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := r.Payload(bodies[i%len(bodies)]); err != nil {
			b.Fatal(err)
		}
	}
}

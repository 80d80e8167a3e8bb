package validate_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
)

// BenchmarkSchema checks payloads against the embedded schema as if it were a
// user's own: by ours, on one core, and by santhosh-tekuri's library.
func BenchmarkSchema(b *testing.B) {
	schema := loadSchema(b, string(julian.Schema()))
	v := newValidator(b, validate.Options{Schema: schema})
	for _, bb := range []struct {
		name  string
		every int
	}{{"clean", 0}, {"1% broken", 100}, {"all broken", 1}} {
		b.Run(bb.name, func(b *testing.B) {
			body := brokenCorpus(b, 2000, bb.every)
			docs := bytes.Split(bytes.TrimSpace(body), []byte("\n"))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				incorrect := 0
				for _, doc := range docs {
					if v.Issues(payload.Document{Body: doc}) != nil {
						incorrect++
					}
				}
				if want := 0; bb.every > 0 && incorrect != len(docs)/bb.every || bb.every == 0 && incorrect != want {
					b.Fatalf("%d of %d are not correct", incorrect, len(docs))
				}
			}
		})
	}
	b.Run("santhosh", func(b *testing.B) {
		other := newOracle(b).schema
		body := brokenCorpus(b, 2000, 0)
		docs := bytes.Split(bytes.TrimSpace(body), []byte("\n"))
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			for _, doc := range docs {
				value, err := santhosh.UnmarshalJSON(bytes.NewReader(doc))
				if err != nil || other.Validate(value) != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkSchemaStream uses all cores.
func BenchmarkSchemaStream(b *testing.B) {
	v := newValidator(b, validate.Options{Schema: loadSchema(b, string(julian.Schema()))})
	body := brokenCorpus(b, 20_000, 0)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		for r := range v.Stream(b.Context(), []string{"-"}, bytes.NewReader(body), runtime.GOMAXPROCS(0)) {
			if r.Err != nil || r.Incorrect > 0 {
				b.Fatal(r.Err, r.Incorrect)
			}
		}
	}
}

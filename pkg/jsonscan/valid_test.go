package jsonscan_test

import (
	"encoding/json"
	"testing"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

func FuzzValid(f *testing.F) {
	for _, text := range texts() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := jsonscan.Valid(b), json.Valid(b); got != want {
			t.Errorf("%q: %t, encoding/json says %t", b, got, want)
		}
	})
}

package leak_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/leak"
	"github.com/julianctl/julianctl/pkg/redact"
)

const original = `{"callId":"call.k1j2h3","agentName":"Zoë","name":"Zoë O'Neill","phoneNumber":"+442079460958","scheduledAt":"2025-01-20T14:00:00.000Z",
"customInputVariables":{"mail":"zoe@oneill.example","account":12345678},"callResult":{"summary":"She called back twice."}}`

func TestFind(t *testing.T) {
	search := leak.NewSearch()
	if !search.Learn([]byte(original)) || search.Learn([]byte("[]")) {
		t.Fatal("learns what is no payload, or not what is one")
	}
	at := func(pointer string, kind redact.Kind, at int) []leak.Left {
		return []leak.Left{{Pointer: pointer, Kind: kind, At: at}}
	}
	for _, tt := range []struct {
		name, redacted string
		want           []leak.Left
	}{
		{"nothing", `{"callId":"call.a1b2c3","name":"Ugo R'Mobadi","agentName":"Zoë","scheduledAt":"2025-01-20T14:00:00.000Z"}`, nil},
		{"without accents", `{"a":"is that zoe?"}`, at("/a", redact.Name, 8)},
		{"in capitals", `{"a":["O'NEILL"]}`, at("/a/*", redact.Name, 2)},
		{"with other separators", `{"a":"dial (020) 7946-09/58"}`, at("/a", redact.Number, 6)},
		{"a number", `{"a":{"b":12345678}}`, at("/a/b", redact.Number, 0)},
		{"an address", `{"a":"<ZOE@ONEILL.EXAMPLE>"}`, []leak.Left{{Pointer: "/a", Kind: redact.Name, At: 1}, {Pointer: "/a", Kind: redact.Email, At: 1}}},
		{"an id in a link", `{"a":"https://x.example/calls/CALL.K1J2H3?b"}`, at("/a", redact.ID, 24)},
		{"a key", `{"a":{"zoe 1":true}}`, at("/a", redact.Name, 0)},
		// A pseudonym is as long as what it stands for.
		{"by chance", `{"callResult":{"summary":"Zoe called back twice."}}`, nil},
		{"not by chance", `{"callResult":{"summary":"Neill called back twice."}}`, at("/callResult/summary", redact.Name, 0)},
	} {
		left, ok := search.Find([]byte(original), []byte(tt.redacted))
		if diff := cmp.Diff(tt.want, left); !ok || diff != "" {
			t.Errorf("%s: %v %s", tt.name, ok, diff)
		}
	}
	if _, ok := search.Find(nil, []byte("[]")); ok {
		t.Error("finds in what is no payload")
	}
}

// A number of another payload counts where it was left, and not where a
// pseudonym happens to be it.
func TestNumbersOfOthers(t *testing.T) {
	search := leak.NewSearch()
	search.Learn([]byte(original))
	was := []byte(`{"a":"dial 02079460958 now"}`)
	if left, _ := search.Find(was, was); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	if left, _ := search.Find([]byte(`{"a":"dial 01234567890 now"}`), was); len(left) != 0 {
		t.Errorf("by chance: %v", left)
	}
}

// What redact writes is clean, in every kind of payload.
func TestRedactedPayloads(t *testing.T) {
	r, err := redact.New([]byte("0123456789abcdef"), redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g, search := generate.New(5), leak.NewSearch()
	var originals [][]byte
	for range 500 {
		body, err := g.Payload(g.Draw(generate.Spec{}))
		if err != nil {
			t.Fatal(err)
		}
		search.Learn(body)
		originals = append(originals, body)
	}
	for i, body := range originals {
		out, err := r.Payload(body)
		if err != nil {
			t.Fatal(err)
		}
		if left, ok := search.Find(body, out); !ok || len(left) > 0 {
			t.Fatalf("%d: %v of\n%s\n%s", i, left, body, out)
		}
		if left, _ := search.Find(body, body); len(left) == 0 {
			t.Fatalf("%d: nothing of itself is found in\n%s", i, body)
		}
	}
}

package juliantest

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/sjson"
)

// Call says what a [Payload] is about. The zero Call reached its goal.
type Call struct {
	// ResultType is how the call ended; the other fields fit it. Default
	// [julian.GoalCompleted].
	ResultType julian.ResultType
	// Seed: the same seed makes the same bytes. 0: another call each time.
	Seed uint64
	// Set changes fields by their paths, such as "customInputVariables.crmId". Values
	// are encoded as JSON.
	Set map[string]any
}

// Payload returns a correct payload of a made-up call, as the provider would deliver
// it. Its contact is named Test, and its telephone number is reserved for fiction.
func Payload(t testing.TB, c Call) []byte {
	t.Helper()
	g := generate.New(c.Seed)
	if c.Seed == 0 {
		g = generate.New(rand.Uint64())
		g.Nonce = rand.Uint64()
	}
	body, err := g.Payload(generate.Spec{ResultType: c.ResultType})
	if err != nil {
		t.Fatalf("juliantest: payload: %v", err)
	}
	for _, path := range slices.Sorted(maps.Keys(c.Set)) {
		if body, err = sjson.SetBytes(body, path, c.Set[path]); err != nil {
			t.Fatalf("juliantest: set %q: %v", path, err)
		}
	}
	return body
}

// Answer is what an endpoint said to a delivery.
type Answer struct {
	Status int    // 0: there was no answer
	Body   []byte // its first 4 KiB
	Err    error  // why there was no answer; nil when there was one
}

// Deliver delivers a payload once. Nothing is tried again.
func Deliver(t testing.TB, e Endpoint, payload []byte) Answer {
	t.Helper()
	return Duplicate(t, e, payload, 1)[0]
}

// Duplicate delivers a payload as so many copies at one instant: each on its own
// connection, the last bytes released together. It returns what was said to each.
func Duplicate(t testing.TB, e Endpoint, payload []byte, copies int) []Answer {
	t.Helper()
	client, done := e.open(t)
	defer done()
	var answers []Answer
	for _, a := range client.SendCopies(t.Context(), deliver.Request{Body: payload}, copies) {
		answers = append(answers, Answer{Status: a.Status, Body: a.Body, Err: a.Err})
	}
	return answers
}

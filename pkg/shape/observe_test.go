package shape

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
)

// slowObserver is an Observer that leaves reading to encoding/json and gjson.
type slowObserver struct{ root place }

func (o *slowObserver) Add(body []byte) error {
	parsed := gjson.ParseBytes(body)
	if !json.Valid(body) || jsonscan.Deep(body) || !parsed.IsObject() {
		return ErrNotPayload
	}
	o.scan(&o.root, parsed)
	return nil
}

func (o *slowObserver) scan(p *place, v gjson.Result) {
	switch {
	case v.IsObject():
		p.kinds |= Object
		p.objects++
		seen := map[string]bool{}
		v.ForEach(func(key, value gjson.Result) bool {
			if p.free {
				return false
			}
			name := string(jsonscan.Text([]byte(key.Raw)))
			child := p.child(name)
			if !seen[name] {
				child.seen++
			}
			seen[name] = true
			o.scan(child, value)
			p.bound()
			return true
		})
	case v.IsArray():
		p.kinds |= Array
		v.ForEach(func(_, item gjson.Result) bool {
			child := p.child("*")
			child.seen++
			o.scan(child, item)
			return true
		})
	case v.Type == gjson.String:
		p.kinds |= String
		text := string(jsonscan.Text([]byte(v.Raw)))
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			p.other = true
		}
		if enumerated(p.pointer) && !p.manyValues && !slices.Contains(p.values, text) {
			p.value(text)
		}
	case v.Type == gjson.Number:
		p.kinds |= Number
	case v.Type == gjson.Null:
		p.kinds |= Null
	default:
		p.kinds |= Boolean
	}
}

func (o *slowObserver) Shape() Shape { return (&Observer{o.root}).Shape() }

// sameObserved holds Observer to slowObserver, and Merge to looking at all
// payloads: cut is how many of them the first of two has.
func sameObserved(t *testing.T, payloads [][]byte, cut int) {
	t.Helper()
	var whole, first, second Observer
	var slow slowObserver
	for i, body := range payloads {
		part := &first
		if i >= cut {
			part = &second
		}
		if got, want := whole.Add(body), slow.Add(body); got != want {
			t.Fatalf("%q: %v, want %v", body, got, want)
		}
		_ = part.Add(body) // the error is the same
	}
	want := slow.Shape()
	if diff := cmp.Diff(want, whole.Shape()); diff != "" {
		t.Errorf("%q (-slow +fast):\n%s", payloads, diff)
	}
	first.Merge(&second)
	if diff := cmp.Diff(want, first.Shape()); diff != "" || first.Payloads() != whole.Payloads() {
		t.Errorf("%q cut at %d (-slow +merged):\n%s", payloads, cut, diff)
	}
}

var unusualPayloads = []string{
	`{}`, `[]`, `1`, ` { "a" : [ ] , "b" : { } } `, `{"a":1,"a":"x","b":null}`, `{"b":true}`, `{"a":[{"x":1},[2,"3"],null]}`,
	`{"a":{"*":[{"*":1}]},"*":[]}`, `{"a":[{"*":{"x":1}}]}`, `{"\u0061":"2025-01-20T14:00:00Z"}`, `{"a\/~":"\ud83d","\ud83d\u0041":1}`,
	"{\"direction\":\"\xff\",\"\xff\":{\"\xff\\\"\":[\"\xff\"]},\"b\":1}", `{"direction":"\u0069nbound"}`, `{"direction":"in \ud83d\u0041"}`, `{"direction":7}`,
	`{"a":-0.5e-7,"b":[0,1E400],"c":false}`, `{"a":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}`, `{"a":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `}`,
	`{"callResult":{"outcomes":[{"name":"a"},{"name":"b","name":"c"},{"name":"` + strings.Repeat("x", longestValue+1) + `"}]}}`, `{"a":1}x`, `{"a":01}`, "{\"a\":\"\n\"}", "\xef\xbb\xbf{}",
}

// payloadOf is a payload with keys that collide, in any order: one of them is the
// sign for the items of an array or, with many, there are as many as are needed
// for an object to be free.
func payloadOf(r *rand.Rand, many bool) []byte {
	keys := "abcdefg*"
	if many {
		keys = "abcdefgh"
	}
	var value func(depth int) string
	value = func(depth int) string {
		kind := r.IntN(9)
		if depth == 0 {
			kind = 0
		} else if depth == 4 {
			kind = 3 + kind%6
		}
		switch kind {
		case 0, 1:
			var members []string
			n := r.IntN(5)
			large := many && r.IntN(40) == 0
			if large {
				n = r.IntN(maxKeys)
			}
			for range n {
				members = append(members, fmt.Sprintf(`"%c":%s`, keys[r.IntN(len(keys))], value(depth+1)))
				if large {
					members = append(members, fmt.Sprintf(`"%d":1`, r.IntN(2*maxKeys)))
				}
			}
			return "{" + strings.Join(members, ",") + "}"
		case 2:
			var items []string
			for range r.IntN(4) {
				items = append(items, value(depth+1))
			}
			return "[" + strings.Join(items, " , ") + "]"
		}
		return []string{`"x"`, `"2025-01-20T14:00:00Z"`, "1", "null", "true", "false"}[kind-3]
	}
	return []byte(value(0))
}

func TestObserveFastAndSlow(t *testing.T) {
	for _, a := range unusualPayloads {
		for _, b := range unusualPayloads {
			sameObserved(t, [][]byte{[]byte(a), []byte(b), []byte(a)}, 1)
		}
	}
	var bodies [][]byte
	g := generate.New(1)
	for _, v := range generate.Variants {
		more, err := v.Payloads(g, g.Draw(generate.Spec{Transcript: &generate.Range{Max: 1000}}))
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, more...)
	}
	for range 200 {
		body, err := g.Payload(g.Draw(generate.Spec{}))
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	for cut := range 10 {
		sameObserved(t, bodies, cut*len(bodies)/9)
	}
	r := rand.New(rand.NewPCG(1, 0))
	for n := range 400 {
		some := make([][]byte, 1+r.IntN(12))
		for i := range some {
			some[i] = payloadOf(r, n%4 == 0)
		}
		sameObserved(t, some, r.IntN(len(some)+1))
	}
}

// Values are many over several observers as they are over one.
func TestMergeManyValues(t *testing.T) {
	var bodies [][]byte
	for i := range 2 * maxValues {
		bodies = append(bodies, fmt.Appendf(nil, `{"direction":"d%d","ids":{"k%d":1}}`, i, i))
	}
	for _, n := range []int{maxValues, maxValues + 1, 2 * maxValues} {
		for _, cut := range []int{0, 1, maxValues / 2, maxValues, n - 1, n} {
			sameObserved(t, bodies[:n], cut)
		}
	}
}

func FuzzObserveFastAndSlow(f *testing.F) {
	f.Add(julian.Sample(), []byte(`{}`))
	for i, body := range unusualPayloads {
		f.Add([]byte(body), []byte(unusualPayloads[(i+1)%len(unusualPayloads)]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		sameObserved(t, [][]byte{a, b, a, b}, 2)
	})
}

func BenchmarkObserve(b *testing.B) {
	var bodies [][]byte
	size := 0
	g := generate.New(1)
	for range 1000 {
		body, err := g.Payload(g.Draw(generate.Spec{}))
		if err != nil {
			b.Fatal(err)
		}
		bodies = append(bodies, body)
		size += len(body)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		var o Observer
		for _, body := range bodies {
			if err := o.Add(body); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// A key that stands twice in one payload makes up for none that lacks it.
func TestObserveKeyTwice(t *testing.T) {
	s := observed(t, `{"b":1}`, `{"a":1,"a":2,"b":2}`)
	if a, _ := s.Find("/a"); a.Always {
		t.Error("the field is taken for one that is always there")
	}
}

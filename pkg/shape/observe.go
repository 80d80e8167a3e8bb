package shape

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
)

const (
	// maxKeys is how many different keys an object may show until they are
	// taken for data, such as ids, and no longer for fields.
	maxKeys = 200
	// maxValues is how many different values are remembered of a field that
	// has a fixed set of them, and longestValue how long one may be.
	maxValues    = 100
	longestValue = 200
)

// ErrNotPayload is a body that is no JSON object, or has more levels than
// [jsonscan.MaxDepth].
var ErrNotPayload = errors.New("is no JSON object")

// Observer learns a shape from payloads. Its memory follows the number of
// different fields, not of payloads. The zero value is ready. It is not safe
// for concurrent use.
type Observer struct {
	root place
}

// place is what was seen at one pointer.
type place struct {
	kinds    Kinds
	seen     int // objects that held it; of the payload as a whole, and of items, how often
	objects  int // how often it was an object
	values   []string
	manifold bool // it has more values than are remembered
	other    bool // one of its strings was no date-time
	free     bool // its keys are data
	keys     []string
	children map[string]*place
}

// Add looks at one payload. The error is [ErrNotPayload].
func (o *Observer) Add(body []byte) error {
	if !json.Valid(body) || jsonscan.Deep(body) {
		return ErrNotPayload
	}
	parsed := gjson.ParseBytes(body)
	if !parsed.IsObject() {
		return ErrNotPayload
	}
	o.root.look("", parsed)
	return nil
}

// Payloads is how many were looked at.
func (o *Observer) Payloads() int { return o.root.objects }

func (p *place) look(pointer string, v gjson.Result) {
	switch {
	case v.IsObject():
		p.kinds |= Object
		p.objects++
		p.object(pointer, v)
	case v.IsArray():
		p.kinds |= Array
		v.ForEach(func(_, item gjson.Result) bool {
			child := p.child("*")
			child.seen++
			child.look(pointer+"/*", item)
			return true
		})
	case v.Type == gjson.String:
		p.kinds |= String
		p.text(pointer, v.Str)
	case v.Type == gjson.Number:
		p.kinds |= Number
	case v.Type == gjson.Null:
		p.kinds |= Null
	default:
		p.kinds |= Boolean
	}
}

func (p *place) object(pointer string, v gjson.Result) {
	v.ForEach(func(key, value gjson.Result) bool {
		if p.free {
			return false
		}
		child := p.child(key.Str)
		// A key that stands there twice is one field.
		child.seen = min(child.seen+1, p.objects)
		child.look(within(pointer, key.Str), value)
		if len(p.keys) > maxKeys {
			p.free, p.keys, p.children = true, nil, nil
		}
		return true
	})
}

func (p *place) child(key string) *place {
	child := p.children[key]
	if child == nil {
		if p.children == nil {
			p.children = map[string]*place{}
		}
		child = &place{}
		// What v holds shares memory with the payload.
		key = strings.Clone(key)
		p.children[key] = child
		p.keys = append(p.keys, key)
	}
	return child
}

func (p *place) text(pointer, value string) {
	if !p.other {
		_, err := time.Parse(time.RFC3339, value)
		p.other = err != nil
	}
	if p.manifold || !enumerated(pointer) || slices.Contains(p.values, value) {
		return
	}
	if len(p.values) == maxValues || len(value) > longestValue {
		p.manifold, p.values = true, nil
		return
	}
	p.values = append(p.values, strings.Clone(value))
}

// enumerated reports whether the field at pointer has a fixed set of values,
// documented or each agent's own.
func enumerated(pointer string) bool {
	return pointer == OutcomeName || slices.ContainsFunc(julian.Fields, func(f julian.Field) bool {
		return f.Pointer == pointer && f.Enum != nil
	})
}

// Shape is what was seen so far.
func (o *Observer) Shape() Shape {
	s := Shape{Observed: true}
	if o.root.objects > 0 {
		o.root.seen = o.root.objects
		s.add("", &o.root, o.root.objects)
	}
	return s
}

func (s *Shape) add(pointer string, p *place, parents int) {
	f := Field{Pointer: pointer, Kinds: p.kinds, Always: p.seen == parents, Values: p.values, Free: p.free || isFree(pointer)}
	if p.kinds&String != 0 && !p.other {
		f.Format = string(julian.DateTime)
	}
	s.Fields = append(s.Fields, f)
	for _, key := range p.keys {
		child := p.children[key]
		if key == "*" && p.kinds&Array != 0 {
			s.add(pointer+"/*", child, child.seen)
			continue
		}
		s.add(within(pointer, key), child, p.objects)
	}
}

// isFree reports whether the keys of the object at pointer are documented to
// be its owner's own.
func isFree(pointer string) bool {
	return slices.ContainsFunc(julian.Fields, func(f julian.Field) bool { return f.Pointer == pointer && f.Free })
}

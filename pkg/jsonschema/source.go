package jsonschema

import "github.com/julianctl/julianctl/pkg/jsonscan"

// source is a schema document.
type source struct {
	name string // as errors name it
	// prefix stands before the # of places in it; "" for the first document.
	prefix string
	jsonscan.Index
	// keys is the values of large objects by key, once they were asked for:
	// thousands of $ref may lead into one.
	keys map[int]map[string]int
}

// find is member for an object that may be large.
func (s *source) find(object int, key string) int {
	if s.After(object)-object < 200 {
		return s.Member(object, key)
	}
	if s.keys[object] == nil {
		byKey := map[string]int{}
		for k, v := range s.Members(object) {
			byKey[string(s.Text(k))] = v
		}
		if s.keys == nil {
			s.keys = map[int]map[string]int{}
		}
		s.keys[object] = byKey
	}
	if v, ok := s.keys[object][key]; ok {
		return v
	}
	return -1
}

// errorAt is an error at an element.
func (s *source) errorAt(at int, message, hint string) *Error {
	place := jsonscan.Start.After(s.Index.Before(at))
	return &Error{File: s.name, Line: place.Line, Column: place.Column, Pointer: s.Path(at).Pointer(), Message: message, Hint: hint}
}

// parseSource reads JSON. Of what is wrong with it, the first is the error.
func parseSource(name, prefix string, body []byte) (*source, error) {
	s := &source{name: name, prefix: prefix}
	var first *Error
	at := len(body) + 1
	var r *jsonscan.Reader
	r = jsonscan.NewReader(body, "schema", &s.Index, func(p jsonscan.Problem) {
		if p.Class == jsonscan.UnpairedSurrogate || p.Offset >= at {
			return
		}
		at = p.Offset
		place := jsonscan.Start.After(body[:at])
		first = &Error{File: name, Line: place.Line, Column: place.Column, Pointer: r.Path().Pointer(), Message: p.Message, Hint: p.Hint}
	})
	r.Document(r.Any)
	if first != nil {
		return nil, first
	}
	return s, nil
}

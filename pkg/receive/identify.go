package receive

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// identify finds what the head of a delivery shows. Keys count as they are
// written: encoding/json would take "CALLID" for "callId" when it decodes into
// a struct. Of duplicate keys the last counts, as encoding/json and JavaScript
// have it. A body that is not JSON all through, or nested deeper than
// encoding/json allows (10,000), has nothing to find.
//
// It stands between a delivery and its answer, so it looks at each byte twice:
// once to prove that all is JSON, once to walk over it.
func (d *Delivery) identify(payload []byte) {
	if !utf8.Valid(payload) || !json.Valid(payload) {
		return
	}
	d.CallID = stringOf(member(payload, "callId"))
	d.ResultType = stringOf(member(member(payload, "callResult"), "resultType"))
	// What is no number fails, and stays unknown.
	_ = json.Unmarshal(member(payload, "duration"), &d.Seconds)
}

// stringOf decodes a JSON string; anything else is empty.
func stringOf(value []byte) (s string) {
	if len(value) > 0 && value[0] == '"' {
		_ = json.Unmarshal(value, &s) // it is valid
	}
	return s
}

// member returns the value of the last member of object that is called key;
// nil when there is none, or when this is no object. It relies on valid JSON.
func member(object []byte, key string) (value []byte) {
	i := skipSpace(object, 0)
	if i == len(object) || object[i] != '{' {
		return nil
	}
	for i = skipSpace(object, i+1); object[i] == '"'; i = skipSpace(object, i) {
		end := stringEnd(object, i)
		name := object[i:end]
		start := skipSpace(object, skipSpace(object, end)+1) // over the colon
		i = valueEnd(object, start)
		if called(name, key) {
			value = object[start:i]
		}
		if i = skipSpace(object, i); object[i] == ',' {
			i++
		}
	}
	return value
}

func called(name []byte, key string) bool {
	if bytes.IndexByte(name, '\\') >= 0 {
		return stringOf(name) == key
	}
	return string(name[1:len(name)-1]) == key
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') {
		i++
	}
	return i
}

// stringEnd is the place after the string that begins at i.
func stringEnd(text []byte, i int) int {
	for i++; ; i++ {
		i += bytes.IndexByte(text[i:], '"')
		slashes := 0
		for text[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
}

// valueEnd is the place after the value that begins at i.
func valueEnd(text []byte, i int) int {
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ',', ':', ' ', '\n', '\r', '\t':
			continue
		default: // a number, true, false, null
			for i+1 < len(text) && bytes.IndexByte([]byte(",}] \n\r\t"), text[i+1]) < 0 {
				i++
			}
		}
		if depth == 0 {
			return i + 1
		}
	}
	return i
}

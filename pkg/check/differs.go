package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/tidwall/gjson"
)

// facts are what is known of the payloads that were acknowledged: the kinds of
// value at each place, and the values where there are few. It is safe for
// concurrent use.
type facts struct {
	mu       sync.Mutex
	payloads int
	times    map[string]int // how many of them have something at a place
	kinds    map[string]map[string]bool
	values   map[string]map[string]bool
}

// few are the places at which values are not different in every call.
var few = []string{
	"callResult.resultType", "sequence.lifecycleStatus", "direction", "timezone", "duration", "rescheduledAt", "scheduledAt",
}

const (
	mostFacts   = 300      // payloads
	factualSize = 64 << 10 // bytes of a payload
)

// passed keeps what an acknowledged call is like.
func (l *Ledger) passed(c Call) {
	if c.Grade != whole || len(c.Body) > factualSize {
		return
	}
	f := &l.facts
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.payloads++; f.payloads > mostFacts {
		return
	}
	if f.kinds == nil {
		f.times, f.kinds, f.values = map[string]int{}, map[string]map[string]bool{}, map[string]map[string]bool{}
	}
	put := func(m map[string]map[string]bool, path, what string) {
		if m[path] == nil {
			m[path] = map[string]bool{}
		}
		m[path][what] = true
	}
	for path, kind := range kindsOf(c.Body) {
		f.times[path]++
		put(f.kinds, path, kind)
	}
	for _, path := range few {
		put(f.values, path, form(path, valueAt(c.Body, path)))
	}
}

// Differs says what a payload has that no acknowledged one has; "" when nothing
// is, or too few were acknowledged to tell.
func (l *Ledger) Differs(c Call) string {
	f := &l.facts
	f.mu.Lock()
	defer f.mu.Unlock()
	const fewest = 10
	if f.payloads < fewest {
		return ""
	}
	var said []string
	for _, path := range few {
		if v := valueAt(c.Body, path); !f.values[path][form(path, v)] {
			said = append(said, fmt.Sprintf("%s is %s", path, v))
		}
	}
	kinds := kindsOf(c.Body)
	for _, path := range slices.Sorted(maps.Keys(kinds)) {
		if f.kinds[path] == nil {
			said = append(said, path+" is there")
		} else if !f.kinds[path][kinds[path]] {
			said = append(said, fmt.Sprintf("%s is %s", path, kinds[path]))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(f.times)) {
		if kinds[path] == "" && f.times[path] == min(f.payloads, mostFacts) {
			said = append(said, path+" is not there")
		}
	}
	const most = 2
	if len(said) > most {
		said = said[:most]
	}
	return strings.Join(said, "; ")
}

// form is a value, or what it is like where it differs in every call.
func form(path, value string) string {
	const short = 6 // digits of a duration
	switch {
	case path == "duration" && len(value) < short && value != "0":
		return fmt.Sprint("a fraction: ", strings.Contains(value, "."))
	case strings.HasSuffix(path, "At"): // a time
		return strings.Map(func(r rune) rune {
			if '0' <= r && r <= '9' {
				return '0'
			}
			return r
		}, value)
	}
	return value
}

func valueAt(body []byte, path string) string {
	v := gjson.GetBytes(body, path)
	if !v.Exists() {
		return "absent"
	}
	return fmt.Sprintf("%.80s", v.Raw)
}

// kindsOf are the kinds of value at each place of a payload, lists and what is
// in them left out.
func kindsOf(body []byte) map[string]string {
	out := map[string]string{}
	var walk func(prefix string, v gjson.Result, depth int)
	walk = func(prefix string, v gjson.Result, depth int) {
		v.ForEach(func(key, value gjson.Result) bool {
			path := prefix + key.Str
			switch {
			case value.IsObject():
				out[path] = "an object"
				if depth < 3 {
					walk(path+".", value, depth+1)
				}
			case value.IsArray():
				out[path] = "a list"
			case value.Type == gjson.String && value.Str == "":
				out[path] = "an empty string"
			default:
				out[path] = map[gjson.Type]string{gjson.Null: "null", gjson.String: "a string", gjson.Number: "a number", gjson.True: "true", gjson.False: "false"}[value.Type]
			}
			return true
		})
	}
	if root := gjson.ParseBytes(body); root.IsObject() && gjson.ValidBytes(body) {
		walk("", root, 0)
	}
	return out
}

// maxRefused is how many payloads are kept for a check.
const maxRefused = 3

// keep keeps a payload that was answered with a 5xx. The caller holds t.mu.
func (t *Trial) keep(what string, c Call, a deliver.Answer) {
	known := slices.ContainsFunc(t.Result.Refused, func(r Refused) bool { return r.CallID == c.ID })
	if !known && len(t.Result.Refused) < maxRefused {
		t.Result.Refused = append(t.Result.Refused, Refused{What: what, CallID: c.ID, Status: a.Status, Payload: c.Body})
	}
}

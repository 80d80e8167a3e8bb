package checklist_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
)

// shop is a consumer of which any part may be another.
type shop struct {
	mu      sync.Mutex
	keys    map[string]bool
	effects map[string]int
	serial  int

	// kept is a callId as it is stored, and looked for by the probe; nil: as it is.
	kept func(callID string) string
	// last is the result type of the last delivery of a call.
	last map[string]string
	// key is what a delivery is known by; nil: its callId.
	key func(body []byte) string
	// drop reports that a delivery is acknowledged and forgotten; may be nil.
	drop func(r *http.Request, body []byte) bool
	// first may answer in place of the rest, and reports that it did; may be nil.
	first func(w http.ResponseWriter, r *http.Request, body []byte) bool
	// after writes an answer; nil: 204.
	after func(w http.ResponseWriter, body []byte)
	// effect makes the effect of a new call; nil: at once.
	effect func(add func())
	// authorized compares the secret; nil: as a whole.
	authorized func(given string) bool
	// threads is how many connections are served at a time; 0: any number.
	threads int
	// window is between look and insert; 0: there is none.
	window time.Duration
}

func newShop() *shop {
	return &shop{keys: map[string]bool{}, effects: map[string]int{}, last: map[string]string{}, kept: func(id string) string { return id }}
}

func (s *shop) probe(_ context.Context, callID string) (effects.Reading, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	callID = s.kept(callID)
	return effects.Reading{Count: s.effects[callID], Text: s.last[callID]}, nil
}

func (s *shop) add(callID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.effects[s.kept(callID)]++
}

// next counts from 1.
func (s *shop) next() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	return s.serial
}

// isNew marks a key as seen, and reports whether it was not. With a window, two
// may both be told so.
func (s *shop) isNew(key string) bool {
	s.mu.Lock()
	seen := s.keys[key]
	if s.window == 0 {
		s.keys[key] = true
	}
	s.mu.Unlock()
	if s.window > 0 && !seen {
		for end := time.Now().Add(s.window); time.Now().Before(end); { // shorter than a timer can be
		}
		s.mu.Lock()
		s.keys[key] = true
		s.mu.Unlock()
	}
	return !seen
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given := r.Header.Get(secretName)
	if s.authorized == nil && given != secretValue || s.authorized != nil && !s.authorized(given) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(r.Body)
	if s.first != nil && s.first(w, r, body) {
		return
	}
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	e, parseErr := parse(body)
	if err != nil || parseErr != nil || e.CallID == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	key := s.kept(e.CallID)
	if s.key != nil {
		key = s.key(body)
	}
	if (s.drop == nil || !s.drop(r, body)) && s.isNew(key) {
		add := func() { s.add(e.CallID) }
		if s.effect == nil {
			add()
		} else {
			s.effect(add)
		}
	}
	if s.after != nil {
		s.after(w, body)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func at(path string) func([]byte) string {
	return func(body []byte) string { return gjson.GetBytes(body, path).String() }
}

func idAnd(path string) func(*shop) {
	return func(s *shop) { s.key = func(b []byte) string { return at("callId")(b) + at(path)(b) } }
}

func idBy(f func(string) string) func(*shop) {
	return func(s *shop) { s.key = func(b []byte) string { return f(at("callId")(b)) } }
}

// keeps stores ids in another form, and finds them by it.
func keeps(f func(string) string) func(*shop) { return func(s *shop) { s.kept = f } }

func first(n int) func(string) string { return func(id string) string { return id[:min(n, len(id))] } }

func slowBy(f func(body []byte) time.Duration) func(*shop) {
	return func(s *shop) {
		s.after = func(w http.ResponseWriter, b []byte) { <-time.After(f(b)); w.WriteHeader(http.StatusNoContent) }
	}
}

func cut(n int) func(*shop) { return idBy(func(id string) string { return id[:min(n, len(id))] }) }

func dropsWhere(path, value string) func(*shop) {
	return func(s *shop) {
		s.drop = func(_ *http.Request, b []byte) bool { return at(path)(b) == value }
	}
}

// refusesWhere answers with a status where a pattern is in the body.
func refusesWhere(status int, pattern string) func(*shop) {
	found := regexp.MustCompile(pattern)
	return func(s *shop) {
		s.first = func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			if r.Method == http.MethodPost && found.Match(b) {
				w.WriteHeader(status)
				return true
			}
			return false
		}
	}
}

// cutsText fails where a summary that is cut is no text any more.
func cutsText(broken func(string) bool) func(*shop) {
	return func(s *shop) {
		s.first = func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
			if !broken(at("callResult.summary")(b)) {
				return false
			}
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
	}
}

func secretBy(f func(given string) bool) func(*shop) { return func(s *shop) { s.authorized = f } }

func says(f func(b []byte) string) func(*shop) {
	return func(s *shop) {
		s.after = func(w http.ResponseWriter, b []byte) { io.WriteString(w, f(b)) }
	}
}

// pool serves so many requests at a time.
func pool(n int) func(*shop) func(http.Handler) http.Handler {
	return func(*shop) func(http.Handler) http.Handler {
		turns := make(chan bool, n)
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				turns <- true
				defer func() { <-turns }()
				h.ServeHTTP(w, r)
			})
		}
	}
}

// class is one thing that consumers get wrong, and the check that says so.
type class struct {
	name string
	make func(*shop)
	wrap func(*shop) func(http.Handler) http.Handler // may be nil
	id   string
	want check.Verdict // "": FAIL
	edit func(*shop, *check.Options)
}

func classes() []class {
	alnum := regexp.MustCompile(`[^A-Za-z0-9]`)
	prefix := func(given, secret string) bool { return given != "" && strings.HasPrefix(secret, given) }
	firstWord := func(s string) string { w, _, _ := strings.Cut(s, " "); return w }
	all := []class{
		{name: "drops when its queue is full", id: "final-count", make: func(s *shop) {
			var busy atomic.Int32
			s.drop = func(*http.Request, []byte) bool {
				n := busy.Add(1)
				<-time.After(2 * time.Millisecond)
				busy.Add(-1)
				return n > 20
			}
		}, edit: func(_ *shop, o *check.Options) { o.Only = []string{"budget-burst", "burst", "final-count"} }},
		{name: "forgets Busy", id: "result-types", make: dropsWhere("callResult.resultType", "Busy")},
		{name: "forgets web calls", id: "directions", make: dropsWhere("fromPhoneNumber", "")},
		{name: "forgets what has no sequence", id: "optional-fields", make: dropsWhere("sequence", "")},
		{name: "forgets what is large", id: "large-payload", make: func(s *shop) {
			s.drop = func(_ *http.Request, b []byte) bool { return len(b) > 100<<10 }
		}},
		{name: "forgets chunks", id: "chunked", make: func(s *shop) {
			s.drop = func(r *http.Request, _ []byte) bool { return r.ContentLength < 0 }
		}},
		{name: "forgets a charset", id: "charset", make: func(s *shop) {
			s.drop = func(r *http.Request, _ []byte) bool { return strings.Contains(r.Header.Get("Content-Type"), "charset") }
		}},
		{name: "a second effect later", id: "final-count", make: func(s *shop) {
			s.effect = func(add func()) { add(); time.AfterFunc(300*time.Millisecond, add) }
		}, edit: func(_ *shop, o *check.Options) {
			o.Only, o.Pause = []string{"repeat", "after-pause", "final-count"}, time.Second
		}},
		{name: "poisons the key of a failure", id: "final-count", make: func(s *shop) {
			s.first = func(w http.ResponseWriter, r *http.Request, b []byte) bool {
				if r.Method == http.MethodPost && json.Valid(b) && s.next()%25 == 0 {
					s.isNew(at("callId")(b))
					w.WriteHeader(http.StatusInternalServerError)
					return true
				}
				return false
			}
		}, edit: func(_ *shop, o *check.Options) { o.Only = []string{"after-others", "none-lost", "final-count"} }},

		{name: "lower-cased ids", id: "near-ids", make: idBy(strings.ToLower)},
		{name: "trimmed ids", id: "near-ids", make: idBy(strings.TrimSpace)},
		{name: "letters and digits alone", id: "near-ids", make: idBy(func(id string) string { return alnum.ReplaceAllString(id, "") })},
		{name: "the last 8", id: "near-ids", make: idBy(func(id string) string { return id[max(0, len(id)-8):] })},

		{name: "separators replaced", id: "near-ids", make: idBy(strings.NewReplacer("-", "_", ".", "_").Replace)},
		{name: "what comes after the last dot", id: "near-ids", make: idBy(func(id string) string { return id[strings.LastIndex(id, ".")+1:] })},
		{name: "what comes before an underscore", id: "near-ids", make: idBy(func(id string) string { before, _, _ := strings.Cut(id, "_"); return before })},
		{name: "the second of its parts", id: "near-ids", make: idBy(func(id string) string { return strings.Split(id, ".")[1] })},
		{name: "a look-up in a text", id: "near-ids", make: func(s *shop) {
			s.drop = func(_ *http.Request, b []byte) bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				for known := range s.keys {
					if id := at("callId")(b); known != id && strings.Contains(known, id) {
						return true
					}
				}
				return false
			}
		}},
		{name: "a look-up by LIKE", id: "near-ids", make: func(s *shop) {
			s.drop = func(_ *http.Request, b []byte) bool {
				id := at("callId")(b)
				like := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(id), "_", ".") + "$")
				s.mu.Lock()
				defer s.mu.Unlock()
				for known := range s.keys {
					if known != id && like.MatchString(known) {
						return true
					}
				}
				return false
			}
		}},
		{name: "a column without case", id: "near-ids", make: keeps(strings.ToLower)},
		{name: "ids stored without blanks", id: "near-ids", make: keeps(strings.TrimSpace)},
		{name: "a column of 32 characters", id: "near-ids", make: keeps(first(32))},
		{name: "a column of 255 characters", id: "near-ids", make: keeps(first(255))},
		{name: "letters and digits stored", id: "near-ids", make: keeps(func(id string) string { return alnum.ReplaceAllString(id, "") })},

		{name: "an older delivery over a newer one", id: "later-content", make: func(s *shop) {
			s.first = func(_ http.ResponseWriter, _ *http.Request, b []byte) bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.last[at("callId")(b)] = at("callResult.resultType")(b)
				return false
			}
		}},

		{name: "numbers of one country", id: "edge-values", make: refusesWhere(500, `"phoneNumber":"\+[^1]`)},
		{name: "an integer for a duration", id: "edge-values", make: refusesWhere(500, `"duration":\d+\.\d`)},
		{name: "32 bits of milliseconds", id: "edge-values", make: refusesWhere(500, `"duration":2147484`)},
		{name: "zones with a slash", id: "edge-values", make: refusesWhere(422, `"timezone":"[^"/]*"`)},
		{name: "a variable that is null", id: "edge-values", make: refusesWhere(500, `"extractedVariables":\{[^}]*:null`)},
		{name: "names of 100 characters", id: "edge-values", make: refusesWhere(500, `"name":"[^"]{101}`)},
		{name: "a fraction wanted, with 500", id: "edge-values", make: refusesWhere(500, `"scheduledAt":"[^".]+Z"`)},
		{name: "an offset, with 500", id: "edge-values", make: refusesWhere(500, `"scheduledAt":"[^"]+\+05:45"`)},
		{name: "a few time zones", id: "edge-values", make: refusesWhere(500, `"timezone":"Pacific/Chatham"`)},

		{name: "a quote in a name", id: "meta-characters", make: refusesWhere(500, `"name":"[^"]*'`)},
		{name: "a format in a summary", id: "meta-characters", make: refusesWhere(500, `"summary":"[^"]*%s`)},
		{name: "a template in a transcript", id: "meta-characters", make: refusesWhere(500, `"transcription":"[^"]*\{\{`)},
		{name: "forgets a callId with a quote", id: "meta-characters", make: func(s *shop) {
			s.drop = func(_ *http.Request, b []byte) bool { return strings.Contains(at("callId")(b), "'") }
		}},
		{name: "a name as a replacement of an expression", id: "meta-characters", make: refusesWhere(500, `"name":"[^"]*\\[0-9]`)},
		{name: "a template that is evaluated", id: "meta-characters", make: refusesWhere(500, `\{\{\w+ \w+\}\}`)},
		{name: "a callId as an expression", id: "meta-characters", make: refusesWhere(500, `"callId":"[^"]*\(`)},
		{name: "a path in a callId", id: "meta-characters", make: refusesWhere(500, `"callId":"[^"]*/`)},
		{name: "an action without its time", id: "edge-values", make: refusesWhere(500, `"completedAt":""`)},
		{name: "a quote in an action", id: "meta-characters", make: refusesWhere(500, `"description":"[^"]*'`)},
		{name: "a text cut in UTF-8", id: "unicode", make: cutsText(func(s string) bool { return !utf8.ValidString(s[:min(50, len(s))]) })},
		{name: "a text cut in UTF-16", id: "unicode", make: cutsText(func(s string) bool {
			units := utf16.Encode([]rune(s))
			return len(units) > 25 && utf16.IsSurrogate(rune(units[24])) && utf16.IsSurrogate(rune(units[25])) && units[24] < 0xdc00
		})},
		{name: "a quote in a callId", id: "meta-characters", make: refusesWhere(500, `"callId":"[^"]*'`)},

		{name: "a prefix of the secret", id: "secret", make: secretBy(func(g string) bool { return prefix(g, secretValue) })},
		{name: "more than the secret", id: "secret", make: secretBy(func(g string) bool { return strings.HasPrefix(g, secretValue) })},
		{name: "any case of the secret", id: "secret", make: secretBy(func(g string) bool { return strings.EqualFold(g, secretValue) })},
		{name: "the secret somewhere in it", id: "secret", make: secretBy(func(g string) bool { return strings.Contains(g, secretValue) })},
		{name: "somewhere in the secret", id: "secret", make: secretBy(func(g string) bool { return strings.Contains(secretValue, g) })},
		{name: "an empty secret", id: "secret", make: secretBy(func(g string) bool { return g == "" || g == secretValue })},
		{name: "a secret without what is around it", id: "secret", make: secretBy(func(g string) bool { return strings.Trim(g, "\"' ") == secretValue })},
		{name: "a secret without white space around it", id: "secret", make: secretBy(func(g string) bool { return strings.TrimSpace(g) == secretValue })},
		{name: "the length of the secret", id: "secret", make: secretBy(func(g string) bool { return len(g) == len(secretValue) })},
		{name: "its first word", id: "secret", make: secretBy(func(g string) bool { return firstWord(g) == firstWord(secretValue) })},
		{name: "any case after the scheme", id: "secret", make: secretBy(func(g string) bool {
			scheme, rest, _ := strings.Cut(secretValue, " ")
			given, after, _ := strings.Cut(g, " ")
			return given == scheme && strings.EqualFold(after, rest)
		})},
		{name: "no secret where another header is", id: "secret", make: func(s *shop) {
			s.authorized = func(string) bool { return true }
			s.first = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if _, _, basic := r.BasicAuth(); basic || r.Header.Get(secretName) == secretValue {
					return false
				}
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
		}},
		{name: "no secret for repeats", id: "secret", make: func(s *shop) {
			s.authorized = func(string) bool { return true }
			s.first = func(w http.ResponseWriter, r *http.Request, b []byte) bool {
				s.mu.Lock()
				known := s.keys[at("callId")(b)]
				s.mu.Unlock()
				if !known && r.Header.Get(secretName) != secretValue {
					w.WriteHeader(http.StatusUnauthorized)
					return true
				}
				return false
			}
		}},

		{name: "a first name", id: "no-echo", make: says(func(b []byte) string { return "hello " + firstWord(at("name")(b)) })},
		{name: "a line of the transcript", id: "no-echo", make: says(func(b []byte) string {
			lines := strings.Split(at("callResult.transcription")(b), "\n")
			_, said, _ := strings.Cut(lines[len(lines)-1], ": ")
			return said
		})},
		{name: "variables", id: "no-echo", make: says(at("customInputVariables"))},
		{name: "extracted variables", id: "no-echo", make: says(at("callResult.extractedVariables"))},
		{name: "the beginning of a summary", id: "no-echo", make: says(func(b []byte) string { return at("callResult.summary")(b)[:30] })},
		{name: "an outcome", id: "no-echo", make: says(at("callResult.outcomes.0.reasoning"))},
		{name: "an action", id: "no-echo", make: says(at("callResult.agentActions.0.description"))},
		{name: "the host of a meeting", id: "no-echo", make: says(at("callResult.followUpMeetingDetails.hostEmail"))},
		{name: "a name in character references", id: "no-echo", make: says(func(b []byte) (out string) {
			for _, c := range at("name")(b) {
				out += fmt.Sprintf("&#%d;", c)
			}
			return out
		})},
		{name: "a name in hex", id: "no-echo", make: says(func(b []byte) string { return fmt.Sprintf("%x", at("name")(b)) })},
		{name: "a number as people write it", id: "no-echo", make: says(func(b []byte) string {
			n := at("phoneNumber")(b)
			return "(" + n[2:5] + ") " + n[5:8] + "-" + n[8:]
		})},
		{name: "what is before a syntax error", id: "no-echo", make: func(s *shop) {
			s.first = func(w http.ResponseWriter, r *http.Request, b []byte) bool {
				if r.Method != http.MethodPost || json.Valid(b) {
					return false
				}
				w.WriteHeader(http.StatusBadRequest)
				w.Write(b[max(0, len(b)-40):])
				return true
			}
		}},
		{name: "base64 of all", id: "no-echo", make: says(func(b []byte) string { return base64.StdEncoding.EncodeToString(b) })},
		{name: "past 4 KiB", id: "no-echo", make: says(func(b []byte) string { return strings.Repeat(" ", 5<<10) + at("name")(b) })},
		{name: "a trace of what it did not expect", id: "no-echo", make: func(s *shop) {
			s.first = func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
				odd := json.Valid(b) && gjson.GetBytes(b, "scheduledAt").Type == gjson.Number
				if odd {
					w.WriteHeader(http.StatusBadRequest)
					io.WriteString(w, "Traceback (most recent call last)")
				}
				return odd
			}
		}},
		{name: "a header", id: "no-echo", make: func(s *shop) {
			s.after = func(w http.ResponseWriter, b []byte) { w.Header().Set("X-Contact", at("phoneNumber")(b)) }
		}},

		{name: "leaks with each body that breaks off", id: "endurance", make: func(*shop) {}, wrap: func(*shop) func(http.Handler) http.Handler {
			left := atomic.Int32{}
			left.Store(20)
			return func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if left.Load() <= 0 {
						w.WriteHeader(http.StatusServiceUnavailable)
						return
					}
					body, err := io.ReadAll(r.Body)
					if err != nil {
						left.Add(-1)
						return
					}
					r.Body = io.NopCloser(strings.NewReader(string(body)))
					h.ServeHTTP(w, r)
				})
			}
		}},
		{name: "leaks with each body that is no JSON", id: "endurance", make: func(s *shop) {
			left := atomic.Int32{}
			left.Store(80)
			s.first = func(w http.ResponseWriter, r *http.Request, b []byte) bool {
				if r.Method == http.MethodPost && !json.Valid(b) {
					left.Add(-1)
				}
				if left.Load() > 0 {
					return false
				}
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
		}},
		{name: "leaks with each value of a wrong type", id: "endurance", make: func(s *shop) {
			left := atomic.Int32{}
			left.Store(60)
			s.first = func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
				if json.Valid(b) && strings.Contains(string(b), `"outcomes":7`) {
					left.Add(-1)
				}
				if left.Load() > 0 {
					return false
				}
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
		}},
		{name: "leaks with each date that is none", id: "endurance", make: func(s *shop) {
			left := atomic.Int32{}
			left.Store(10) // as many as a pool of connections has
			s.first = func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
				if at("scheduledAt")(b) == "soon" {
					left.Add(-1)
				}
				if left.Load() > 0 {
					return false
				}
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
		}},
		{name: "a list that is searched from its beginning", id: "endurance", make: func(s *shop) {
			s.effect = func(add func()) { add(); <-time.After(time.Duration(s.next()) * time.Millisecond) }
		}, edit: func(_ *shop, o *check.Options) { o.Only = []string{"after-others", "endurance"} }},
		{name: "quadratic over short lines", id: "size-slope", make: slowBy(func(b []byte) time.Duration {
			n := strings.Count(at("callResult.transcription")(b), "\n")
			return time.Duration(n) * time.Duration(n) / 3
		})},
		{name: "quadratic over one line", id: "size-slope", make: slowBy(func(b []byte) time.Duration {
			text := at("callResult.transcription")(b)
			n := max(0, len(text)-strings.Count(text, "\n")*1000)
			return time.Duration(n/1024) * time.Duration(n/1024) * 1200
		})},
		{name: "quadratic over variables", id: "size-slope", make: slowBy(func(b []byte) time.Duration {
			n := strings.Count(at("customInputVariables")(b), ":")
			return time.Duration(n) * time.Duration(n) * 60
		})},
		{name: "quadratic over outcomes", id: "size-slope", make: slowBy(func(b []byte) time.Duration {
			n := strings.Count(at("callResult.outcomes")(b), "reasoning")
			return time.Duration(n) * time.Duration(n) * 15
		})},
		{name: "becomes slower", id: "endurance", make: func(s *shop) {
			s.effect = func(add func()) { add(); <-time.After(time.Duration(s.next()/24) * 400 * time.Millisecond) }
		}},
		{name: "two threads", id: "slow-sender", make: func(*shop) {}, wrap: pool(2)},
		{name: "becomes slower by 58 ms", id: "endurance", make: func(s *shop) {
			s.effect = func(add func()) { add(); <-time.After(time.Duration(min(1, s.next()/24)) * 58 * time.Millisecond) }
		}},
		{name: "four threads", id: "slow-sender", make: func(*shop) {}, wrap: pool(4)},
		{name: "two workers of gunicorn", id: "slow-sender", make: func(s *shop) {
			s.after = func(w http.ResponseWriter, _ []byte) { w.Header().Set("Server", "gunicorn") }
		}, wrap: pool(2), want: warn},
		{name: "takes half a payload", id: "malformed-json", make: func(s *shop) {
			s.first = func(_ http.ResponseWriter, _ *http.Request, b []byte) bool { return !json.Valid(b) }
		}, want: warn},
		{name: "forgets what is not application/json", id: "content-type", make: func(s *shop) {
			s.drop = func(r *http.Request, _ []byte) bool { return r.Header.Get("Content-Type") != "application/json" }
		}},
		{name: "keeps a call with an empty id", id: "missing-call-id", make: func(s *shop) {
			s.first = func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
				id := gjson.GetBytes(b, "callId")
				empty := id.Type == gjson.String && id.Str == ""
				if empty && s.isNew("") {
					s.add("")
				}
				return empty
			}
		}, want: warn},
		{name: "fails at HEAD", id: "methods", make: func(s *shop) {
			s.first = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.Method == http.MethodHead {
					w.WriteHeader(http.StatusInternalServerError)
				}
				return r.Method == http.MethodHead
			}
		}},
		{name: "ids for a while", id: "late-repeat", make: func(s *shop) {
			s.effect = func(add func()) {
				add()
				time.AfterFunc(500*time.Millisecond, func() {
					s.mu.Lock()
					defer s.mu.Unlock()
					clear(s.keys)
				})
			}
		}, edit: func(_ *shop, o *check.Options) {
			o.Only, o.Skip, o.Pause = nil, []string{"accepts", "idempotency", "speed", "security", "endurance"}, 200*time.Millisecond
		}},
		{name: "six threads", id: "slow-sender", make: func(*shop) {}, wrap: pool(6), want: warn},
		{name: "the last 1,000", id: "after-many-others", make: func(s *shop) {
			var recent []string
			s.effect = func(add func()) {
				add()
				s.mu.Lock()
				defer s.mu.Unlock()
				recent = append(recent, fmt.Sprint(len(recent)))
				if len(recent)%1000 == 0 {
					clear(s.keys)
				}
			}
		}},
		{name: "ids for a few hundred calls", id: "late-repeat", make: func(s *shop) {
			s.effect = func(add func()) {
				add()
				if s.next()%150 == 0 {
					s.mu.Lock()
					defer s.mu.Unlock()
					clear(s.keys)
				}
			}
		}, edit: func(_ *shop, o *check.Options) { o.Only = []string{"after-others", "none-lost", "late-repeat"} }},
		{name: "a second writer", id: "second-writer", make: func(*shop) {}, edit: func(s *shop, o *check.Options) {
			o.Also = func(_ context.Context, id string, _ []byte) error { s.add(id); return nil }
		}},
	}
	all = append(all, class{name: "a key with whether there is a sequence", id: "changed-field", make: func(s *shop) {
		s.key = func(b []byte) string { return at("callId")(b) + fmt.Sprint(at("sequence")(b) == "") }
	}})
	for _, path := range []string{
		"callResult.resultType", "sequence.lifecycleStatus", "scheduledAt", "duration", "rescheduledAt",
		"callResult.agentActions", "callResult.followUpMeetingDetails", "crmSchedulingDetails", "phoneNumber",
		"direction", "fromPhoneNumber", "callResult.summary", "sequence.sequenceId",
	} {
		all = append(all, class{name: "a key with " + path, id: "changed-field", make: idAnd(path)})
	}
	for _, n := range []int{20, 30, 32, 40, 64, 255} {
		all = append(all, class{name: fmt.Sprintf("ids cut at %d", n), id: "near-ids", make: cut(n)})
	}
	return all
}

// fewConnections accepts a connection when one of a few before it is closed.
type fewConnections struct {
	net.Listener
	turns chan bool
}

func (l *fewConnections) Accept() (net.Conn, error) {
	l.turns <- true
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.turns
		return nil, err
	}
	return &oneOfFew{Conn: c, leave: sync.OnceFunc(func() { <-l.turns })}, nil
}

type oneOfFew struct {
	net.Conn
	leave func()
}

func (c *oneOfFew) Close() error { defer c.leave(); return c.Conn.Close() }

// served checks a shop.
func served(t *testing.T, s *shop, wrap func(*shop) func(http.Handler) http.Handler, edit func(*shop, *check.Options)) outcome {
	t.Helper()
	var h http.Handler = s
	if wrap != nil {
		h = wrap(s)(h)
	}
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	if s.threads > 0 {
		srv.Listener = &fewConnections{srv.Listener, make(chan bool, s.threads)}
	}
	srv.Start()
	defer srv.Close()
	o := options(t, srv.URL, "")
	o.Probe = s.probe
	edit(s, &o)
	return checked(t.Context(), o)
}

// Every class of fault is named by the check that is made for it.
func TestEveryClassOfFaultIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range classes() {
		t.Run(c.name, func(t *testing.T) {
			if raced && (c.id == "endurance" || c.id == "size-slope") {
				t.Skip("the race detector changes the times that this check compares")
			}
			t.Parallel()
			s := newShop()
			c.make(s)
			got := served(t, s, c.wrap, func(s *shop, o *check.Options) {
				o.Only = []string{c.id}
				if c.edit != nil {
					c.edit(s, o)
				}
			})
			want := c.want
			if want == "" {
				want = fail
			}
			if v := got.verdicts()[c.id]; v != want || got.err != nil {
				t.Errorf("%s: %s, want %s (%v)\n%s%s%s", c.id, v, want, got.err, got.said(fail), got.said(warn), got.said(pass))
			}
		})
	}
}

// Where every answer is over the budget, checks end soon: they would take half an hour.
func TestSlowAnswersEndARunSoon(t *testing.T) {
	t.Parallel()
	s := newShop()
	slowBy(func([]byte) time.Duration { return 60 * time.Millisecond })(s)
	got := served(t, s, nil, func(_ *shop, o *check.Options) {
		o.Budget[0].Max, o.Slow = 50*time.Millisecond, 10*time.Millisecond
	})
	v := got.verdicts()
	if v["budget"] != fail || v["endurance"] != skip || v["final-count"] != pass || !strings.Contains(got.said(skip), "ms, over the budget: mend that first") {
		t.Errorf("%v\n%s", v, got.said(skip))
	}
}

// A good call that is refused on a connection with a body that nobody read is
// right on a new one, and said to be.
func TestUndrainedConnectionIsNamed(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	bad := map[string]bool{} // by the address of the client
	s := newShop()
	s.first = func(w http.ResponseWriter, r *http.Request, b []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		if !json.Valid(b) {
			bad[r.RemoteAddr] = true
		}
		if bad[r.RemoteAddr] {
			w.WriteHeader(http.StatusBadRequest)
		}
		return bad[r.RemoteAddr]
	}
	got := served(t, s, nil, func(_ *shop, o *check.Options) { o.Only = []string{"malformed-json"} })
	if said := got.said(fail); !strings.Contains(said, "on the same connection: 400 Bad Request; on a new one it is right") {
		t.Errorf("%s%s", said, got.said(pass))
	}
}

// Look-then-insert with a narrow window is found.
func TestNarrowRacesAreFound(t *testing.T) {
	windows, seeds := []time.Duration{50 * time.Microsecond, 200 * time.Microsecond}, 5
	if long() { // a window this narrow is chance: 19 of 20
		windows, seeds = append(windows, 20*time.Microsecond), 20
	}
	for _, window := range windows {
		found := 0
		for seed := range seeds {
			s := newShop()
			s.window = window
			got := served(t, s, nil, func(_ *shop, o *check.Options) { o.Only, o.Seed = []string{"together"}, uint64(seed) })
			if got.verdicts()["together"] == fail {
				found++
			}
		}
		t.Logf("%s: found in %d of %d runs", window, found, seeds)
		if found < seeds-seeds/20 {
			t.Errorf("%s: found in %d of %d runs", window, found, seeds)
		}
	}
}

// Nobody who is right is blamed, however they go about it.
func TestRightConsumersAreNotBlamed(t *testing.T) {
	t.Parallel()
	for _, c := range []class{
		{name: "plain", make: func(*shop) {}},
		{name: "effects after 150 ms", make: func(s *shop) {
			s.effect = func(add func()) { time.AfterFunc(150*time.Millisecond, add) }
		}, edit: func(_ *shop, o *check.Options) { o.Settle = 0 }},
		{name: "ten threads", make: func(*shop) {}, wrap: pool(10)},
		{name: "ten threads that stay with their connections", make: func(s *shop) { s.threads = 10 }, edit: func(_ *shop, o *check.Options) { o.Skip = nil }},
		{name: "a queue with one worker", make: func(s *shop) {
			s.queue(40 * time.Millisecond)
		}, edit: func(_ *shop, o *check.Options) { o.Settle = 0 }},
		{name: "a queue that is far behind", make: func(s *shop) {
			s.queue(25 * time.Millisecond)
		}, edit: func(_ *shop, o *check.Options) {
			o.Settle, o.Skip, o.Only = 0, nil, []string{"budget-burst", "burst", "poison"}
		}},
		{name: "409 to copies while it works on", make: func(s *shop) {
			var mu sync.Mutex
			until := map[string]time.Time{}
			s.first = func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
				mu.Lock()
				defer mu.Unlock()
				id := at("callId")(b)
				if time.Now().Before(until[id]) {
					w.Header().Set("Retry-After", "0")
					w.WriteHeader(http.StatusConflict)
					return true
				}
				until[id] = time.Now().Add(30 * time.Millisecond)
				return false
			}
		}},
		{name: "no dates but the documented ones", make: refusesWhere(400, `"scheduledAt":"[^"]*([^.\d]\d\dZ|:\d\dZ|\+\d\d:\d\d)"`)},
		{name: "ids of 64 characters", make: refusesWhere(400, `"callId":"[^"]{65}`)},
		{name: "ids of letters and digits", make: refusesWhere(422, `"callId":"[^"]*[^A-Za-z0-9._"-]`)},
		{name: "wants a length", make: func(s *shop) {
			s.first = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.ContentLength >= 0 {
					return false
				}
				w.WriteHeader(http.StatusLengthRequired)
				return true
			}
		}},
		{name: "limits its rate", make: func(s *shop) {
			var mu sync.Mutex
			var began time.Time
			n := 0
			s.first = func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
				mu.Lock()
				defer mu.Unlock()
				if time.Since(began) > 100*time.Millisecond {
					began, n = time.Now(), 0
				}
				if n++; n <= 60 {
					return false
				}
				w.WriteHeader(http.StatusTooManyRequests)
				return true
			}
		}},
		{name: "409 while it is at work", make: func(*shop) {}, wrap: func(*shop) func(http.Handler) http.Handler {
			var mu sync.Mutex
			busy := map[string]bool{}
			return func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					id := at("callId")(body)
					mu.Lock()
					again := err == nil && id != "" && busy[id]
					busy[id] = true
					mu.Unlock()
					if again {
						w.Header().Set("Retry-After", "0")
						w.WriteHeader(http.StatusConflict)
						return
					}
					defer func() {
						mu.Lock()
						delete(busy, id)
						mu.Unlock()
					}()
					r.Body = io.NopCloser(strings.NewReader(string(body)))
					if err != nil {
						w.WriteHeader(http.StatusBadRequest)
						return
					}
					h.ServeHTTP(w, r)
				})
			}
		}},
		{name: "a secret without its scheme is taken, too", make: secretBy(func(g string) bool {
			_, rest, _ := strings.Cut(secretValue, " ")
			return g == secretValue || g == rest
		})},
		{name: "answers 503 when many are there", make: func(*shop) {}, wrap: func(*shop) func(http.Handler) http.Handler {
			turns := make(chan bool, 20)
			return func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					select {
					case turns <- true:
						defer func() { <-turns }()
						<-time.After(5 * time.Millisecond)
						h.ServeHTTP(w, r)
					default:
						w.WriteHeader(http.StatusServiceUnavailable)
					}
				})
			}
		}, edit: func(_ *shop, o *check.Options) {
			o.Skip, o.Only = nil, []string{"together", "none-lost", "budget-burst", "burst"}
		}},
		{name: "limits its rate while senders are slow", make: func(*shop) {}, wrap: func(*shop) func(http.Handler) http.Handler {
			var open atomic.Int32
			var limited atomic.Bool
			return func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					open.Add(1)
					defer func() {
						if open.Add(-1) == 0 {
							limited.Store(false)
						}
					}()
					body, err := io.ReadAll(r.Body)
					if err == nil && open.Load() > 4 && limited.CompareAndSwap(false, true) {
						w.Header().Set("Retry-After", "4") // longer than a call is waited for
						w.WriteHeader(http.StatusTooManyRequests)
						return
					}
					r.Body = io.NopCloser(strings.NewReader(string(body)))
					h.ServeHTTP(w, r)
				})
			}
		}, edit: func(_ *shop, o *check.Options) { o.Only = []string{"slow-sender"} }},
		{name: "refuses as FastAPI does", make: func(s *shop) {
			s.first = func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
				if gjson.GetBytes(b, "callResult").IsObject() || !json.Valid(b) {
					return false
				}
				w.WriteHeader(http.StatusUnprocessableEntity)
				fmt.Fprintf(w, `{"detail":[{"type":"missing","loc":["body"],"input":%s}]}`, b)
				return true
			}
		}},
		{name: "refuses as Express does", make: func(s *shop) {
			s.first = func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
				if json.Valid(b) {
					return false
				}
				w.WriteHeader(http.StatusBadRequest)
				io.WriteString(w, "<pre>SyntaxError<br> &nbsp; &nbsp;at parse (/app/node_modules/body-parser/lib/types/json.js:92:19)</pre>")
				return true
			}
		}},
		{name: "Busy has no effect", make: dropsWhere("callResult.resultType", "Busy"), edit: func(_ *shop, o *check.Options) {
			o.Expect = map[julian.ResultType]int{julian.Busy: 0}
		}},
		{name: "a flaky probe", make: func(*shop) {}, edit: func(s *shop, o *check.Options) {
			o.Probe = func(ctx context.Context, id string) (effects.Reading, error) {
				if s.next()%20 == 0 {
					return effects.Reading{}, fmt.Errorf("connection lost")
				}
				return s.probe(ctx, id)
			}
		}},
		{name: "a probe that chokes on quotes", make: func(*shop) {}, edit: func(s *shop, o *check.Options) {
			o.Probe = func(ctx context.Context, id string) (effects.Reading, error) {
				if strings.Contains(id, "'") {
					return effects.Reading{}, fmt.Errorf("unterminated quoted string")
				}
				return s.probe(ctx, id)
			}
		}},
		{name: "a probe whose URL is not decoded", make: func(*shop) {}, edit: func(s *shop, o *check.Options) {
			o.Probe = func(ctx context.Context, id string) (effects.Reading, error) { return s.probe(ctx, url.PathEscape(id)) }
			o.Only = []string{"meta-characters"}
		}},
		{name: "a probe without case", make: func(*shop) {}, edit: func(s *shop, o *check.Options) {
			o.Probe = func(_ context.Context, id string) (r effects.Reading, _ error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				for other, n := range s.effects {
					if strings.EqualFold(id, other) {
						r.Count += n
					}
				}
				return r, nil
			}
		}},
		{name: "a batch probe", make: func(*shop) {}, edit: func(s *shop, o *check.Options) {
			o.Probe, o.Batch = nil, func(_ context.Context, ids []string) (map[string]int, error) {
				counts := map[string]int{}
				for _, id := range ids {
					r, _ := s.probe(t.Context(), id)
					counts[id] = r.Count
				}
				return counts, nil
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop()
			c.make(s)
			got := served(t, s, c.wrap, func(s *shop, o *check.Options) {
				o.Skip = []string{"speed"}
				if c.edit != nil {
					c.edit(s, o)
				}
			})
			if said := got.said(fail) + got.said(undecided); said != "" || got.err != nil {
				t.Errorf("%v\n%s", got.err, said)
			}
		})
	}
}

// queue has effects come one after the other, each after so long.
func (s *shop) queue(each time.Duration) {
	jobs := make(chan func(), 10_000)
	go func() {
		for add := range jobs {
			<-time.After(each)
			add()
		}
	}()
	s.effect = func(add func()) { jobs <- add }
}

// What a queue has still to do is waited for, unusual forms too.
func TestQueueIsWaitedForAtTheEnd(t *testing.T) {
	t.Parallel()
	s := newShop()
	s.queue(25 * time.Millisecond)
	got := served(t, s, nil, func(_ *shop, o *check.Options) {
		o.Settle, o.Only = 0, []string{"after-others", "endurance", "final-count"}
		o.Probe = func(ctx context.Context, id string) (effects.Reading, error) {
			<-time.After(30 * time.Millisecond) // so that readings are saved
			return s.probe(ctx, id)
		}
	})
	if got.verdicts()["final-count"] != pass {
		t.Error(got.said(warn) + got.said(fail) + got.said(undecided))
	}
}

// One that reads every number as a float64 is not warned: no call has numbers that are
// more than it holds.
func TestFloatsAreEnough(t *testing.T) {
	t.Parallel()
	s := newShop()
	s.first = func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
		var all any
		if err := json.Unmarshal(b, &all); err == nil || !json.Valid(b) {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		return true
	}
	got := served(t, s, nil, func(_ *shop, o *check.Options) { o.Only = []string{"edge-values"} })
	if got.verdicts()["edge-values"] != pass {
		t.Error(got.said(warn) + got.said(fail))
	}
}

// A payload that is answered with a 5xx is kept, with what is its own.
func TestRefusedPayloadIsKept(t *testing.T) {
	t.Parallel()
	s := newShop()
	refusesWhere(500, `"resultType":"Busy"`)(s)
	got := served(t, s, nil, func(_ *shop, o *check.Options) { o.Only = []string{"result-types"} })
	if r := got.results[0]; r.Verdict != fail || len(r.Refused) != 1 || at("callResult.resultType")(r.Refused[0].Payload) != "Busy" ||
		!strings.HasPrefix(r.Refused[0].Differs, `callResult.resultType is "Busy"`) {
		t.Errorf("%s: %+v", r.Verdict, r.Refused)
	}
}

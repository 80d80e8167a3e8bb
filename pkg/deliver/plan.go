package deliver

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/payload"
)

// Mode says when the duplicates of a document are sent.
type Mode string

// The modes.
const (
	After    Mode = "after"    // each after the answer to the previous one
	AtOnce   Mode = "together" // all copies, including the first, at the same moment
	Shuffled Mode = "shuffled" // at random places in the run
)

// Plan says what is sent, and how. The zero value sends each document once, one
// after the other, and expects a 2xx status.
type Plan struct {
	Duplicates int  // of each document, beside the first copy
	Mode       Mode // default After
	// Delay is the time between a copy's answer and the next copy, in mode After.
	Delay time.Duration
	// Concurrency is the most documents in flight at a time; default 1, which
	// keeps their order. In mode AtOnce every copy has its own connection.
	Concurrency int
	// Rate is in deliveries per second; 0 means as fast as answers come. Each copy
	// counts as one delivery. See [Pace].
	Rate float64
	// Count ends the run after so many documents; 0 means all.
	Count int
	// Loop starts again with the first document after the last one, forever if
	// Count is 0. Up to 8 MiB of documents are kept in memory; more are read
	// again in each round.
	Loop bool
	// Shuffle sends the documents in random order. Copies of a document stay
	// together unless Mode is Shuffled.
	Shuffle bool
	// NewIDs replaces callId and sequenceId and changes no other byte. Within a
	// round of a Loop, equal ids stay equal. A document without these ids is sent
	// unchanged.
	NewIDs bool
	// Retries is how often a delivery is retried if nothing was sent (class
	// [Unreachable]); not in mode AtOnce. Latency counts from when the first try
	// was due. Other failures are never retried.
	Retries  int
	Expect   Statuses // default 2xx
	Seed     uint64   // of Shuffle, mode Shuffled and NewIDs: the same seed, the same run
	FailFast bool     // start nothing more after the first failure
	// Stop, if not nil, is called when [Client.Run] stops before the last
	// document, so that reading can stop too. It may be called more than once.
	Stop func()
	// File records the run and what is done; nil: no record.
	File *RunFile
	// Unconfirmed, if not nil, is called by [Client.Run] for each delivery that
	// File has as unconfirmed. It is never called at the same time as observe.
	Unconfirmed func(Unconfirmed)
	// Cut, if not nil, is called at the end of [Client.Run] for each document of
	// which only some copies were sent.
	Cut func(Group)
}

// Step is a unit of work for one sender: some copies of one document.
type Step struct {
	Document payload.Document
	Number   int // of the document in the run, from 1
	// First and Last are numbers of copies, from 1: copy 1 is the delivery, the
	// others are its duplicates.
	First, Last int
	skip        []int // copies between them that are not sent, in order
}

// Deliveries is the number of deliveries of the step.
func (s Step) Deliveries() int { return s.Last - s.First + 1 - len(s.skip) }

// Copies are the numbers of the copies that the step sends.
func (s Step) Copies() iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := s.First; n <= s.Last; n++ {
			if !slices.Contains(s.skip, n) && !yield(n) {
				return
			}
		}
	}
}

// Steps returns the steps for docs, in the order of the plan. Errors of docs are
// passed on and do not end it. With Loop, docs is read more than once, and the
// same error is passed on only once.
func (p Plan) Steps(docs iter.Seq2[payload.Document, error]) iter.Seq2[Step, error] {
	whole := func(yield func(Step, error) bool) {
		n := 0
		for t, err := range rounds(docs, p.Loop, keptBytes) {
			step := Step{}
			if err == nil {
				n++
				step = Step{Document: t.Document, Number: n, First: 1, Last: p.Duplicates + 1}
				if p.NewIDs {
					step.Document.Body = payload.NewIDs(t.Body, p.Seed, t.round)
				}
			}
			if !yield(step, err) || err == nil && n == p.Count {
				return
			}
		}
	}
	apart := p.Mode == Shuffled && p.Duplicates > 0
	if !apart && !p.Shuffle {
		return whole
	}
	return shuffle(whole, apart, p.Seed, windowDeliveries, windowBytes)
}

// roundDocument is a document in one round of a loop.
type roundDocument struct {
	payload.Document
	round int // from 0
}

// keptBytes is how many bytes of a loop's documents are kept in memory. Reading
// more of them again costs little compared to sending them.
const keptBytes = 8 << 20

// rounds yields docs once, or forever with again, until a round is empty. If docs
// have no more than keep bytes, they are read only once.
func rounds(docs iter.Seq2[payload.Document, error], again bool, keep int) iter.Seq2[roundDocument, error] {
	return func(yield func(roundDocument, error) bool) {
		var kept []payload.Document
		size := 0
		seen := map[string]bool{} // errors, by text
		for round := 0; ; round++ {
			none := true
			for doc, err := range docs {
				if err != nil {
					if seen[err.Error()] {
						continue
					}
					seen[err.Error()] = true
				} else {
					none = false
					switch size += len(doc.Body); {
					case size > keep:
						kept = nil
					case again:
						kept = append(kept, doc)
					}
				}
				if !yield(roundDocument{doc, round}, err) {
					return
				}
			}
			if none || !again {
				return
			}
			for size <= keep {
				round++
				for _, doc := range kept {
					if !yield(roundDocument{doc, round}, nil) {
						return
					}
				}
			}
			kept = nil
		}
	}
}

// The window of a shuffle, which limits memory. A run that fits in it is shuffled
// evenly. In a longer run, each delivery is mixed with those within the window.
const (
	windowDeliveries = 20_000
	windowBytes      = 32 << 20
)

// shuffle yields steps in random order; with apart, each copy on its own.
func shuffle(steps iter.Seq2[Step, error], apart bool, seed uint64, maxCount, maxBytes int) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		random := rand.New(rand.NewPCG(seed, 0))
		var window []*Step // with apart, one entry for each copy, sharing the step
		size := 0
		draw := func() bool {
			i, end := random.IntN(len(window)), len(window)-1
			step := window[i]
			window[i], window[end] = window[end], nil
			window = window[:end]
			size -= len(step.Document.Body)
			if !apart {
				return yield(*step, nil)
			}
			// Copies are equal, so they are numbered in the order drawn.
			one := Step{Document: step.Document, Number: step.Number, First: step.First, Last: step.First}
			step.First++
			return yield(one, nil)
		}
		for step, err := range steps {
			if err != nil {
				if !yield(Step{}, err) {
					return
				}
				continue
			}
			// The body may share a large buffer with others; the window keeps it longer.
			step.Document.Body = bytes.Clone(step.Document.Body)
			entries := 1
			if apart {
				entries = step.Deliveries()
			}
			for range entries {
				window = append(window, &step)
				size += len(step.Document.Body)
			}
			for len(window) > maxCount || size > maxBytes && len(window) > 0 {
				if !draw() {
					return
				}
			}
		}
		for len(window) > 0 {
			if !draw() {
				return
			}
		}
	}
}

// Statuses is a set of HTTP statuses, such as 2xx and 409. Nil means 2xx.
type Statuses []statusRange

type statusRange struct{ low, high int }

// ParseStatuses reads a list like "2xx", "200,204" or "2xx,409".
func ParseStatuses(s string) (Statuses, error) {
	var out Statuses
	for word := range strings.SplitSeq(s, ",") {
		word = strings.TrimSpace(word)
		digits, class := strings.CutSuffix(strings.ToLower(word), "xx")
		n, err := strconv.Atoi(digits)
		switch {
		case err != nil || len(digits) != len(strconv.Itoa(n)):
			return nil, fmt.Errorf("%q is not a status", word)
		case class && 2 <= n && n <= 5:
			out = append(out, statusRange{n * 100, n*100 + 99})
		case !class && 200 <= n && n <= 599:
			out = append(out, statusRange{n, n})
		default:
			return nil, fmt.Errorf("%q is not a final status; use 200 to 599, or 2xx to 5xx", word)
		}
	}
	return out, nil
}

// Has reports whether the set holds status.
func (s Statuses) Has(status int) bool {
	for _, r := range s.orDefault() {
		if r.low <= status && status <= r.high {
			return true
		}
	}
	return false
}

func (s Statuses) orDefault() Statuses {
	if s == nil {
		return Statuses{{200, 299}}
	}
	return s
}

// String is the set in the form that [ParseStatuses] reads.
func (s Statuses) String() string {
	var words []string
	for _, r := range s.orDefault() {
		if r.low == r.high {
			words = append(words, strconv.Itoa(r.low))
		} else {
			words = append(words, strconv.Itoa(r.low/100)+"xx")
		}
	}
	return strings.Join(words, ",")
}

// Evaluate returns nil for a complete answer whose status is in the set,
// otherwise an *[Error]. A 3xx that is not in the set is a [Redirect].
func (s Statuses) Evaluate(a Answer) error {
	switch {
	case a.Err != nil:
		return a.Err
	case s.Has(a.Status):
		return nil
	case a.Status/100 == 3:
		location := a.Header.Get("Location")
		text := fmt.Sprintf("status %d without a location", a.Status)
		if location != "" {
			text = fmt.Sprintf("redirect (%d) to %.200q, not followed", a.Status, location)
		}
		return &Error{Class: Redirect, Text: text, Location: location}
	}
	text := strings.TrimSpace(fmt.Sprintf("status %d %s", a.Status, http.StatusText(a.Status)))
	if s.String() != "2xx" {
		text += ", not " + s.String()
	}
	return &Error{Class: Status, Text: text}
}

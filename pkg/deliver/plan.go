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

// Mode is when the duplicates of a document are sent.
type Mode string

// The modes.
const (
	After    Mode = "after"    // each after the answer to the one before
	AtOnce   Mode = "together" // all copies, the first included, at one instant
	Shuffled Mode = "shuffled" // mixed into the whole run
)

// Plan is what is sent, and how. The zero value sends each document once, one
// after the other, and expects a 2xx.
type Plan struct {
	Duplicates int  // of each document, beside the first copy
	Mode       Mode // default After
	// Delay is waited between a copy's answer and the next copy, in mode After.
	Delay time.Duration
	// Concurrency is how many documents are on the way at a time, at most;
	// default 1, which keeps their order. A document sent together uses a
	// connection for every copy.
	Concurrency int
	// Rate is how many deliveries are due in a second; 0 means as fast as
	// answers come. A document's copies take the time of as many deliveries,
	// whenever they are sent. See [Pace].
	Rate float64
	// Count ends the run after so many documents; 0 means with the last one.
	Count int
	// Loop begins again with the first document after the last one, for ever
	// where there is no Count. Documents of up to 8 MiB together are kept in
	// memory; beyond that, they are read again.
	Loop bool
	// Shuffle mixes the documents; a document's copies stay together where Mode
	// keeps them together.
	Shuffle bool
	// NewIDs gives every document a callId and a sequenceId of its own, and
	// leaves every other byte as it is. Equal ids stay equal, but for those of
	// another round of a Loop. What has no such id is sent as it is.
	NewIDs bool
	// Retries is how often a delivery is tried again of which nothing was sent,
	// as its class [Unreachable] proves; not in mode AtOnce. Latency counts from
	// when the first try was due. Any other delivery is never repeated.
	Retries  int
	Expect   Statuses // default 2xx
	Seed     uint64   // of Shuffle, mode Shuffled and NewIDs: the same seed, the same run
	FailFast bool     // begin nothing more after the first failure
	// Stop, if not nil, is called when [Client.Run] ends by itself before the
	// documents do, so that reading them can be ended too. Perhaps more than once.
	Stop func()
	// File records the run and says what of it is done; nil: neither.
	File *RunFile
	// Doubt, if not nil, is told by [Client.Run] of what File leaves in doubt,
	// in turns with the results.
	Doubt func(Doubt)
	// Cut, if not nil, is called by [Client.Run] at its end for each document of
	// which copies were sent, and others not any more.
	Cut func(Group)
}

// Step is what one sender does in one go: some copies of one document.
type Step struct {
	Document payload.Document
	Number   int // of the document in the run, from 1
	// First and Last are copies, counted from 1: copy 1 is the delivery, the
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

// Steps puts documents into the order of the plan. An error of docs is passed
// on, and the rest follows. With Loop, docs is gone through more than once, and
// an error that comes again is passed on once.
func (p Plan) Steps(docs iter.Seq2[payload.Document, error]) iter.Seq2[Step, error] {
	whole := func(yield func(Step, error) bool) {
		n := 0
		for t, err := range rounds(docs, p.Loop, keptBytes) {
			step := Step{}
			if err == nil {
				n++
				step = Step{Document: t.Document, Number: n, First: 1, Last: p.Duplicates + 1}
				if p.NewIDs {
					step.Document.Body = newIDs(t.Body, p.Seed, t.round)
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

// turn is a document in a round of a loop.
type turn struct {
	payload.Document
	round int // from 0
}

// keptBytes is how much of a loop's documents is kept in memory. To read more
// again costs little beside sending it.
const keptBytes = 8 << 20

// rounds gives docs once, or with again for ever, until a round has none. Up to
// so many bytes of them are kept, and docs gone through once.
func rounds(docs iter.Seq2[payload.Document, error], again bool, keep int) iter.Seq2[turn, error] {
	return func(yield func(turn, error) bool) {
		var kept []payload.Document
		size := 0
		told := map[string]bool{} // errors, by their text
		for round := 0; ; round++ {
			none := true
			for doc, err := range docs {
				if err != nil {
					if told[err.Error()] {
						continue
					}
					told[err.Error()] = true
				} else {
					none = false
					switch size += len(doc.Body); {
					case size > keep:
						kept = nil
					case again:
						kept = append(kept, doc)
					}
				}
				if !yield(turn{doc, round}, err) {
					return
				}
			}
			if none || !again {
				return
			}
			for size <= keep {
				round++
				for _, doc := range kept {
					if !yield(turn{doc, round}, nil) {
						return
					}
				}
			}
			kept = nil
		}
	}
}

// The window of a shuffle. What fits in it is shuffled evenly; of a larger run,
// each is mixed with those that follow within a window's length, and memory
// stays flat.
const (
	windowDeliveries = 20_000
	windowBytes      = 32 << 20
)

// shuffle gives steps in random order, split into single copies where they are
// to come apart.
func shuffle(steps iter.Seq2[Step, error], apart bool, seed uint64, maxCount, maxBytes int) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		random := rand.New(rand.NewPCG(seed, 0))
		var window []*Step // copies that come apart have an entry each and share the step
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
			// Copies are alike, so they are numbered as they come.
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
			// In the window it outlives those that were read together with it.
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
			return nil, fmt.Errorf("%q is no status; write it like 2xx or 200,204", word)
		case class && 2 <= n && n <= 5:
			out = append(out, statusRange{n * 100, n*100 + 99})
		case !class && 200 <= n && n <= 599:
			out = append(out, statusRange{n, n})
		default:
			return nil, fmt.Errorf("%q is no final status; they are 200 to 599, or 2xx to 5xx", word)
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

// Judge returns nil for a whole answer whose status is in the set, otherwise
// an *[Error]. A 3xx is a [Redirect] unless it was asked for.
func (s Statuses) Judge(a Answer) error {
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

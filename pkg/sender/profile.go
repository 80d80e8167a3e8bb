// Package sender imitates how voice platforms deliver their webhooks: when a delivery
// is tried again and what ends that ([Profiles]), and the order and number in which
// calls arrive ([Sender]), on a clock that may pass faster than the real one
// ([Clock]).
//
// It knows neither HTTP nor payloads: what a try is, its user says.
package sender

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Profile is how a platform delivers.
type Profile struct {
	Name   string
	Doc    string // one line, lower case
	Source string // where the row comes from; "…" in it says what it leaves open
	// Timeout is for one try, in real time; 0: not documented.
	Timeout time.Duration
	// Waits are before the second try of a delivery, before the third, and so on,
	// counted from the end of the try before. The last one stands for all that follow if
	// Endless is set; otherwise the delivery is given up after it.
	Waits   []time.Duration
	Endless bool
	// NoAnswer takes the place of Waits after a try that got no answer; nil: Waits.
	NoAnswer []time.Duration
	// Jitter is the largest share of a wait that comes on top of it.
	Jitter float64
	// Retried reports whether a delivery that got this status is tried again; nil: any
	// status. It is not asked about 2xx.
	Retried func(status int) bool
	// Deliveries are made of each call; nil: one.
	Deliveries []Delivery
	// Spread is the longest time that a delivery comes late, drawn for each: calls
	// overtake each other.
	Spread time.Duration
	// Disable is how many tries in a row may fail before the endpoint gets nothing more,
	// unless one succeeded within Recent; 0: any number.
	Disable int
	Recent  time.Duration
}

// Delivery is one of the deliveries that a profile makes of a call.
type Delivery struct {
	After  time.Duration // the call's end
	Copies int           // at the same instant; 0: 1
	Older  bool          // with what was known of the call before its analysis
}

// Profiles are the rows. They are read, never changed. The provider documents no
// schedule of its own: these are what other platforms do, or could.
var Profiles = []Profile{
	{
		Name: "once", Doc: "one try, whatever comes of it",
		Source: "what a sender does that documents nothing",
	},
	{
		Name: "retell", Doc: "10s for an answer, up to 3 more tries at once",
		Source:  "Retell AI, docs.retellai.com/features/webhook-overview; the pauses are not documented",
		Timeout: 10 * time.Second,
		Waits:   []time.Duration{0, 0, 0},
	},
	{
		Name: "elevenlabs", Doc: "more tries at once, and after 30s, 2m, 8m and 30m; only after 5xx, 429 and 408; disabled after 10 failures in a row",
		Source:   "ElevenLabs, elevenlabs.io/docs/eleven-api/resources/webhooks, with retries enabled; disabled if nothing was acknowledged within 7 days; the time-out is not documented",
		Waits:    []time.Duration{0, 30 * time.Second, 2 * time.Minute, 8 * time.Minute, 30 * time.Minute},
		NoAnswer: []time.Duration{},
		Jitter:   0.1,
		Retried:  func(status int) bool { return status >= 500 || status == 429 || status == 408 },
		Disable:  10, Recent: 7 * 24 * time.Hour,
	},
	{
		Name: "dialpad", Doc: "5s for an answer; more tries 2s, 4s and 8s after a 5xx; 4xx and 429 never again",
		Source:   "Dialpad, developers.dialpad.com/docs/webhook-delivery-failures, call events; without an answer up to two more tries at once",
		Timeout:  5 * time.Second,
		Waits:    []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second},
		NoAnswer: []time.Duration{0, 0},
		Retried:  func(status int) bool { return status >= 500 },
	},
	{
		Name: "telnyx", Doc: "out of order, at once and doubled",
		Source:     "Telnyx, developers.telnyx.com/docs/voice/programmable-voice/receiving-webhooks; number and time of the tries are not documented",
		Waits:      []time.Duration{0, 0},
		Deliveries: []Delivery{{Older: true}, {Copies: 2}},
		Spread:     30 * time.Second,
	},
	{
		Name: "worst", Doc: "1s for an answer, two copies at one instant, an older content after the newer, all again a day later",
		Source:     "made up: all of the above, and what at-least-once delivery allows",
		Timeout:    time.Second,
		Waits:      []time.Duration{0, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour},
		Deliveries: []Delivery{{Copies: 2}, {After: time.Minute, Older: true}, {After: 24 * time.Hour}, {After: 24 * time.Hour, Older: true}},
		Spread:     30 * time.Second,
	},
}

// Find returns the profile called name.
func Find(name string) (Profile, error) {
	i := slices.IndexFunc(Profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, fmt.Errorf("sender %q is not one of %s", name, strings.Join(Names(), ", "))
	}
	return Profiles[i], nil
}

// Names are those of Profiles.
func Names() []string {
	names := make([]string, len(Profiles))
	for i, p := range Profiles {
		names[i] = p.Name
	}
	return names
}

// SendsOlder reports whether the profile delivers what was known of a call before its
// analysis.
func (p *Profile) SendsOlder() bool {
	return slices.ContainsFunc(p.Deliveries, func(d Delivery) bool { return d.Older })
}

// deliveries are those of each call, at least one.
func (p *Profile) deliveries() []Delivery {
	if p.Deliveries == nil {
		return []Delivery{{}}
	}
	return p.Deliveries
}

// next returns how long to wait after so many tries, from 1, of which the last one got
// status, 0 for no answer; or that the delivery is given up.
func (p *Profile) next(tries, status int, random *rand.Rand) (wait time.Duration, again bool) {
	waits := p.Waits
	switch {
	case status == 0 && p.NoAnswer != nil:
		waits = p.NoAnswer
	case status != 0 && p.Retried != nil && !p.Retried(status):
		return 0, false
	}
	switch {
	case tries <= len(waits):
		wait = waits[tries-1]
	case p.Endless && len(waits) > 0:
		wait = waits[len(waits)-1]
	default:
		return 0, false
	}
	return wait + time.Duration(p.Jitter*random.Float64()*float64(wait)), true
}

package check

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
)

// pace is how fast an endpoint is asked that limits its rate. It is safe for
// concurrent use.
type pace struct {
	mu      sync.Mutex
	between time.Duration // two deliveries
	next    time.Time
	refused int // redeliveries in a row that were limited too
	right   int // deliveries since the last one that was limited
}

const (
	leastBetween = 20 * time.Millisecond
	mostBetween  = time.Second
	mostWait     = 5 * time.Second // for one Retry-After
	mostRefusals = 2
)

// wait waits for the turn of the next delivery.
func (p *pace) wait(t *Trial) {
	p.mu.Lock()
	if p.between == 0 {
		p.mu.Unlock()
		return
	}
	now := time.Now()
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(p.between)
	if p.right++; p.right > 50 {
		p.right, p.between = 0, p.between/2
		if p.between < leastBetween {
			p.between = 0
		}
	}
	p.mu.Unlock()
	t.Rest(time.Until(at))
}

// limited slows down.
func (p *pace) limited() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.between = min(max(leastBetween, 2*p.between), mostBetween)
	p.right = 0
}

// patientWith reports whether to try again is of any use.
func (p *pace) patientWith(taken bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if taken {
		p.refused = 0
	}
	return p.refused < mostRefusals
}

// refuse notes that to wait was of no use. An endpoint that refuses whatever the
// pace is not waited for any more.
func (p *pace) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused++; p.refused >= mostRefusals {
		p.between = 0
	}
}

// retryable reports that a sender would deliver again.
func retryable(a deliver.Answer) bool {
	if a.Err != nil {
		return errors.Is(a.Err, deliver.Unknown)
	}
	return a.Status/100 == 5 || AsksToWait(a)
}

// AsksToWait reports that an answer refuses for now, and says so. A 503 does: it is
// what a full queue answers.
func AsksToWait(a deliver.Answer) bool {
	return a.Err == nil && (Limited(a) || a.Status == 503 || a.Status == 409 && a.Header.Get("Retry-After") != "")
}

// retryAfter is what an answer says of the next try, within reason.
func retryAfter(a deliver.Answer, otherwise time.Duration) time.Duration {
	if s, err := strconv.Atoi(a.Header.Get("Retry-After")); err == nil && s >= 0 {
		return min(max(time.Duration(s)*time.Second, otherwise), mostWait)
	}
	return otherwise
}

// redelivered delivers a call again that was answered with a, as a sender does,
// and returns the answer that counts: the later one where the first asked to wait,
// and otherwise the first, since a 5xx is what it is. What came of it is noted
// among the acknowledged calls, whose effects are counted.
func (t *Trial) redelivered(what string, c Call, a deliver.Answer) deliver.Answer {
	const (
		tries   = 3
		useless = 4 // in one trial
	)
	if c.Grade != whole || c.ID == "" || !retryable(a) || t.Options.MaxRequests > 0 || t.hopeless >= useless {
		return a
	}
	waits := AsksToWait(a)
	// One copy that is taken is enough.
	taken := func() bool { return waits && a.Status == http.StatusConflict && t.acked(c.ID) }
	if Limited(a) {
		if !t.pace.patientWith(false) {
			return a
		}
		t.pace.limited()
	}
	wait := 50 * time.Millisecond
	for range tries {
		if !taken() {
			t.Rest(time.Until(a.Answered.Add(retryAfter(a, wait))))
		}
		if taken() {
			t.worthALook("%s: %s, while another copy of the call is taken", what, a.Describe())
			a.Status = http.StatusAccepted
			return a
		}
		wait *= 3
		t.pace.wait(t)
		again := t.Options.Client.Send(t.Ctx, deliver.Request{Body: c.Body})
		t.mu.Lock()
		t.Result.Requests-- // note counts it
		t.Result.Redelivered++
		t.mu.Unlock()
		t.note(what+", delivered again", c, again)
		switch {
		case Acknowledged(again) && waits:
			t.pace.patientWith(true)
			if !Limited(a) {
				t.worthALook("%s: %s, and taken when it was delivered again", what, a.Describe())
			}
			return again
		case Acknowledged(again):
			return a
		case Unreachable(again), t.Ctx.Err() != nil:
			return a
		case Limited(again):
			t.pace.limited()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hopeless++
	if Limited(a) {
		t.pace.refuse()
	}
	return a
}

// acked reports whether a delivery of the call was acknowledged.
func (t *Trial) acked(callID string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Acked[callID]
}

// worthALook notes what is worth a look, whatever else is found.
func (t *Trial) worthALook(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Warned = append(t.Warned, fmt.Sprintf(format, args...))
}

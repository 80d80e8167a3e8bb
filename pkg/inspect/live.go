package inspect

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/julianctl/julianctl/pkg/journal"
)

const (
	// pollEvery is how often the log is read: another process may write it.
	pollEvery = 40 * time.Millisecond
	// With so many new deliveries at once, not every one is reported.
	manyAtOnce = 200
	lookSeldom = 500 * time.Millisecond
	// An empty comment shows both sides that the connection is alive.
	quietFor     = 15 * time.Second
	writeTimeout = 10 * time.Second
	maxPending   = 500 // deliveries whose outcome is waited for
)

// liveEvent is one event: the state of the log, and which deliveries have an outcome
// since the last event.
type liveEvent struct {
	First   int64   `json:"first"`
	Last    int64   `json:"last"`
	Changed []int64 `json:"changed,omitempty"`
}

// live sends the deliveries after the one in the query as server-sent events, until the
// browser or the server ends.
func (h *Handler) live(w http.ResponseWriter, r *http.Request) {
	after, err := number(r.URL.Query(), "after")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	write := func(text string) error {
		if err := control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return err
		}
		return control.Flush()
	}
	// It is listened to for as long as it lasts.
	if control.SetReadDeadline(time.Time{}) != nil || write(": hello\n\n") != nil {
		return
	}
	l := poller{h: h, seen: after}
	tick := time.NewTimer(0)
	defer tick.Stop()
	for quiet := time.Duration(0); ; {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		event, wait, err := l.poll(r)
		switch {
		case err != nil:
			_ = write("event: problem\ndata: {}\n\n") // the browser asks again
			return
		case event != nil:
			data, _ := json.Marshal(event) // numbers
			err, quiet = write(fmt.Sprintf("data: %s\n\n", data)), 0
		case quiet >= quietFor:
			err, quiet = write(": quiet\n\n"), 0
		}
		if err != nil {
			return
		}
		quiet += wait
		tick.Reset(wait)
	}
}

// poller is the state of one browser.
type poller struct {
	h       *Handler
	at      journal.Position
	seen    int64 // the last id that was sent to it
	pending []int64
}

// poll returns the next event, nil if there is none, and when to poll again.
func (l *poller) poll(r *http.Request) (*liveEvent, time.Duration, error) {
	deliveries, ctx := l.h.opts.Log, r.Context()
	at, err := deliveries.Position(ctx)
	if err != nil || at == l.at {
		return nil, pollEvery, err
	}
	event := &liveEvent{First: at.First, Last: at.Last}
	if len(l.pending) > 0 {
		if err := deliveries.CatchUp(ctx); err != nil {
			return nil, 0, err
		}
		entries, err := deliveries.Some(ctx, l.pending)
		if err != nil {
			return nil, 0, err
		}
		l.pending = l.pending[:0]
		for _, e := range entries {
			if e.Outcome == nil {
				l.pending = append(l.pending, e.ID)
			} else {
				event.Changed = append(event.Changed, e.ID)
			}
		}
	}
	wait := pollEvery
	if at.Last > l.seen {
		if at.Last-l.seen > manyAtOnce {
			wait = lookSeldom
		}
		unanswered, err := deliveries.IDs(ctx, journal.Filter{After: l.seen, Unanswered: true, Newest: true, Limit: maxPending - min(maxPending-1, len(l.pending))})
		if err != nil {
			return nil, 0, err
		}
		l.pending = append(l.pending, unanswered...)
		if len(l.pending) > maxPending {
			l.pending = l.pending[len(l.pending)-maxPending:]
		}
	}
	unchanged := at.Last == l.seen && at.First == l.at.First && event.Changed == nil && l.at != (journal.Position{})
	l.seen, l.at = at.Last, at
	if unchanged {
		return nil, wait, nil
	}
	return event, wait, nil
}

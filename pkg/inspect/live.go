package inspect

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/julianctl/julianctl/pkg/journal"
)

const (
	// lookEvery is how often the log is asked whether something came: it may be
	// another process that writes it.
	lookEvery = 40 * time.Millisecond
	// After so many at once there is more important work than to tell of each.
	manyAtOnce = 200
	lookSeldom = 500 * time.Millisecond
	// A line that says nothing shows both ends that the other is there.
	quietFor     = 15 * time.Second
	writeTimeout = 10 * time.Second
	maxPending   = 500 // deliveries whose outcome is waited for
)

// news is one event: what the log holds now, and which deliveries that were told
// of before have their outcome now.
type news struct {
	First   int64   `json:"first"`
	Last    int64   `json:"last"`
	Changed []int64 `json:"changed,omitempty"`
}

// live tells of what comes after the delivery that the query names, as
// server-sent events, until the browser or the server goes.
func (h *Handler) live(w http.ResponseWriter, r *http.Request) {
	after, err := number(r.URL.Query(), "after")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	say := func(text string) error {
		if err := control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return err
		}
		return control.Flush()
	}
	// It is listened to for as long as it lasts.
	if control.SetReadDeadline(time.Time{}) != nil || say(": hello\n\n") != nil {
		return
	}
	l := looker{h: h, seen: after}
	tick := time.NewTimer(0)
	defer tick.Stop()
	for quiet := time.Duration(0); ; {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		event, wait, err := l.look(r)
		switch {
		case err != nil:
			_ = say("event: problem\ndata: {}\n\n") // the browser asks again
			return
		case event != nil:
			data, _ := json.Marshal(event) // numbers
			err, quiet = say(fmt.Sprintf("data: %s\n\n", data)), 0
		case quiet >= quietFor:
			err, quiet = say(": quiet\n\n"), 0
		}
		if err != nil {
			return
		}
		quiet += wait
		tick.Reset(wait)
	}
}

// looker is what one browser was told.
type looker struct {
	h       *Handler
	at      journal.Position
	seen    int64 // the last id that it was told of
	pending []int64
}

// look returns what there is to tell, if anything, and when to look again.
func (l *looker) look(r *http.Request) (*news, time.Duration, error) {
	deliveries, ctx := l.h.opts.Log, r.Context()
	at, err := deliveries.Position(ctx)
	if err != nil || at == l.at {
		return nil, lookEvery, err
	}
	event := &news{First: at.First, Last: at.Last}
	if len(l.pending) > 0 {
		if err := deliveries.Index(ctx); err != nil {
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
	wait := lookEvery
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
	told := at.Last == l.seen && at.First == l.at.First && event.Changed == nil && l.at != (journal.Position{})
	l.seen, l.at = at.Last, at
	if told {
		return nil, wait, nil
	}
	return event, wait, nil
}

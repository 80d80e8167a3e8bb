package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/units"
)

const (
	firstRows = 100 // that come with the page
	maxRows   = 300 // of one answer
	maxSpans  = 60  // of a time line
)

// answer writes what f returns as JSON.
func answer(w http.ResponseWriter, r *http.Request, f func(*http.Request) (any, error)) {
	value, err := f(r)
	status := http.StatusOK
	if err != nil {
		status = http.StatusInternalServerError
		var badRequestf badRequest
		switch {
		case errors.As(err, &badRequestf):
			status = http.StatusBadRequest
		case errors.Is(err, journal.ErrNotFound):
			status = http.StatusNotFound
		}
		value = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // who is gone does not miss it
}

// badRequest is an error in the request.
type badRequest struct{ error }

func badRequestf(format string, args ...any) error { return badRequest{fmt.Errorf(format, args...)} }

// filterOf reads a filter, newest first, from the query of a request.
func (h *Handler) filterOf(r *http.Request) (f journal.Filter, err error) {
	q := r.URL.Query()
	if f, err = plainFilter(q); err != nil || f.Text == "" || h.opts.Filter == nil {
		return f, err
	}
	find, err := h.opts.Filter(f.Text)
	if err != nil {
		return f, badRequestf("%w", err)
	}
	if find == nil {
		return f, nil
	}
	f.IDs, err = h.find(r.Context(), found{text: f.Text, after: f.After}, find)
	f.Text = ""
	return f, err
}

// found is what was found last: several requests ask for the same.
type found struct {
	text  string
	after int64
	at    journal.Position
	ids   []journal.IDs
}

// find calls find, unless the last result for the same query is still valid.
func (h *Handler) find(ctx context.Context, what found, find func(context.Context, int64) ([]journal.IDs, error)) ([]journal.IDs, error) {
	var err error
	if what.at, err = h.opts.Log.Position(ctx); err != nil {
		return nil, err
	}
	h.mu.Lock()
	last := h.found
	h.mu.Unlock()
	if last.text == what.text && last.after == what.after && last.at == what.at {
		return last.ids, nil
	}
	if what.ids, err = find(ctx, what.after); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.found = what
	return what.ids, nil
}

func plainFilter(q url.Values) (f journal.Filter, err error) {
	f = journal.Filter{Newest: true, Text: q.Get("text"), ResultTypes: q["type"]}
	if call := q.Get("call"); call != "" {
		f.CallIDs = []string{call}
	}
	for _, word := range q["only"] {
		on := map[string]*bool{
			"acknowledged": &f.Acknowledged, "failed": &f.Failed, "unanswered": &f.Unanswered,
			"duplicates": &f.Dups, "findings": &f.Findings,
		}[word]
		if on == nil {
			return f, badRequestf("only %q is not known", word)
		}
		*on = true
	}
	for name, into := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		ms, err := number(q, name)
		if err != nil {
			return f, err
		}
		if ms != 0 {
			*into = time.UnixMilli(ms)
		}
	}
	if f.After, err = number(q, "after"); err != nil {
		return f, err
	}
	limit, err := number(q, "limit")
	f.Limit = int(min(max(limit, 0), maxRows))
	return f, err
}

// number is 0 where there is none.
func number(q url.Values, name string) (int64, error) {
	text := q.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, badRequestf("%s %q is not a number", name, text)
	}
	return n, nil
}

// row is a delivery in the list.
type row struct {
	ID        int64    `json:"id"`
	At        int64    `json:"at"` // in milliseconds since 1970
	Verdict   string   `json:"verdict"`
	Type      string   `json:"type"`
	Call      string   `json:"call"`
	Name      string   `json:"name"`
	Phone     string   `json:"phone"`
	Direction string   `json:"direction"`
	Seconds   *float64 `json:"seconds"`
	Size      int64    `json:"size"`
	Status    int      `json:"status"` // 0: none
	TookMS    *float64 `json:"took"`
	Copy      int      `json:"copy"`
	First     int64    `json:"first"`
	Errors    int      `json:"errors"`
	Warnings  int      `json:"warnings"`
	Refusal   string   `json:"refusal,omitempty"`
	Fault     string   `json:"fault,omitempty"`
	Method    string   `json:"method"`
}

func rowOf(e *journal.Entry) row {
	r := row{
		ID: e.ID, At: e.Received.UnixMilli(), Verdict: e.Verdict(), Type: e.ResultType, Call: e.CallID,
		Name: e.Name, Phone: e.Phone, Direction: e.Direction, Seconds: e.Seconds, Size: e.Size,
		Copy: e.Copy, First: e.First, Refusal: string(e.Refusal), Method: e.Method,
	}
	if o := e.Outcome; o != nil {
		took := units.Milliseconds(o.Took)
		r.Status, r.TookMS, r.Errors, r.Warnings, r.Fault = o.Status, &took, o.Errors, o.Warnings, o.Fault
	}
	return r
}

func rowsOf(entries []*journal.Entry) []row {
	rows := make([]row, len(entries))
	for i, e := range entries {
		rows[i] = rowOf(e)
	}
	return rows
}

// list is the first rows that a filter chooses.
func (h *Handler) list(r *http.Request) (any, error) {
	f, err := h.filterOf(r)
	if err != nil {
		return nil, err
	}
	if f.Limit == 0 {
		f.Limit = maxRows
	}
	return h.firstRows(r.Context(), f)
}

// beginning is the first rows of a list.
type beginning struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"` // what comes after it is not looked at
	Rows  []row `json:"rows"`
	Whole bool  `json:"whole"` // there are no more
}

func (h *Handler) firstRows(ctx context.Context, f journal.Filter) (b beginning, err error) {
	at, err := h.opts.Log.Position(ctx)
	if err != nil {
		return b, err
	}
	ids, err := h.opts.Log.IDs(ctx, f)
	if err != nil {
		return b, err
	}
	entries, err := h.opts.Log.Some(ctx, ids)
	return beginning{at.First, at.Last, rowsOf(entries), len(ids) < f.Limit}, err
}

// ids are those of all deliveries that a filter chooses, newest first, as runs:
// [30, 3] are 30, 29 and 28.
func (h *Handler) ids(r *http.Request) (any, error) {
	f, err := h.filterOf(r)
	if err != nil {
		return nil, err
	}
	at, err := h.opts.Log.Position(r.Context())
	if err != nil {
		return nil, err
	}
	ids, err := h.opts.Log.IDs(r.Context(), f)
	return struct {
		First int64      `json:"first"`
		Last  int64      `json:"last"`
		Runs  [][2]int64 `json:"runs"`
	}{at.First, at.Last, runs(ids)}, err
}

func runs(ids []int64) [][2]int64 {
	all := [][2]int64{}
	for _, id := range ids {
		if n := len(all); n > 0 && all[n-1][0]-all[n-1][1] == id {
			all[n-1][1]++
			continue
		}
		all = append(all, [2]int64{id, 1})
	}
	return all
}

// rows are those with the ids that are asked for, as far as they are there.
func (h *Handler) rows(r *http.Request) (any, error) {
	var ids []int64
	for word := range strings.SplitSeq(r.URL.Query().Get("ids"), ",") {
		id, err := strconv.ParseInt(word, 10, 64)
		if err != nil || len(ids) == maxRows {
			return nil, badRequestf("ids want up to %d numbers", maxRows)
		}
		ids = append(ids, id)
	}
	if err := h.opts.Log.CatchUp(r.Context()); err != nil && !errors.Is(err, journal.ErrReadOnly) {
		return nil, err
	}
	entries, err := h.opts.Log.Some(r.Context(), ids)
	return struct {
		Rows []row `json:"rows"`
	}{rowsOf(entries)}, err
}

// timeline is what the charts show.
func (h *Handler) timeline(r *http.Request) (any, error) {
	f, err := h.filterOf(r)
	if err != nil {
		return nil, err
	}
	t, err := h.opts.Log.Timeline(r.Context(), f, maxSpans)
	if err != nil {
		return nil, err
	}
	type took [4]float64 // p50, p95, p99, longest, in milliseconds; 0: none
	tookOf := func(p journal.Percentiles) took {
		return took{units.Milliseconds(p.P50), units.Milliseconds(p.P95), units.Milliseconds(p.P99), units.Milliseconds(p.Max)}
	}
	type span struct {
		At         int64 `json:"at"` // in seconds since 1970
		First      int64 `json:"first"`
		Duplicates int64 `json:"duplicates"`
		Failed     int64 `json:"failed"`
		Took       took  `json:"took"`
	}
	spans := make([]span, len(t.Spans))
	for i, s := range t.Spans {
		spans[i] = span{s.From.Unix(), s.First, s.Duplicates, s.Failed, tookOf(s.Took)}
	}
	return struct {
		Step  float64         `json:"step"` // in seconds
		Spans []span          `json:"spans"`
		Took  took            `json:"took"`
		Types []journal.Count `json:"types"`
	}{t.Step.Seconds(), spans, tookOf(t.Took), append([]journal.Count{}, t.ResultTypes...)}, nil
}

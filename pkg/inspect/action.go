package inspect

import (
	"encoding/json"
	"net/http"
	"strconv"
)

const (
	maxSent    = 50  // copies sent at once
	maxDeleted = 500 // deliveries deleted at once
)

// decodeRequest decodes the body of a request.
func decodeRequest(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return badRequestf("the request cannot be read: %w", err)
	}
	return nil
}

// send delivers one delivery again.
func (h *Handler) send(r *http.Request) (any, error) {
	var ask struct {
		ID       int64   `json:"id"`
		To       string  `json:"to"`
		Copies   int     `json:"copies"`
		Together bool    `json:"together"`
		Body     *string `json:"body"` // null: the exact bytes of the log
	}
	if err := decodeRequest(r, &ask); err != nil {
		return nil, err
	}
	switch {
	case h.opts.Send == nil:
		return nil, errNotOffered
	case ask.Copies < 1 || ask.Copies > maxSent:
		return nil, badRequestf("copies are 1 to %d", maxSent)
	case ask.To == "":
		return nil, badRequestf("the target is missing")
	}
	e, err := h.get(r, strconv.FormatInt(ask.ID, 10))
	if err != nil {
		return nil, err
	}
	edited := ask.Body != nil
	if edited { // it is sent as it was typed
		e.Body, e.Header = []byte(*ask.Body), e.Header.Clone()
		e.Header.Del("Content-Encoding")
	}
	answers, err := h.opts.Send(r.Context(), Sending{To: ask.To, Entry: e, Copies: ask.Copies, Together: ask.Together, Edited: edited})
	if err != nil {
		return nil, badRequest{err}
	}
	return struct {
		Answers []Answer `json:"answers"`
	}{answers}, nil
}

// fixture writes one delivery without personal data.
func (h *Handler) fixture(r *http.Request) (any, error) {
	var ask struct {
		ID int64 `json:"id"`
	}
	if err := decodeRequest(r, &ask); err != nil {
		return nil, err
	}
	if h.opts.Fixture == nil {
		return nil, errNotOffered
	}
	e, err := h.get(r, strconv.FormatInt(ask.ID, 10))
	if err != nil {
		return nil, err
	}
	path, err := h.opts.Fixture(r.Context(), e)
	if err != nil {
		return nil, badRequest{err}
	}
	return map[string]string{"path": path}, nil
}

// delete deletes deliveries from the log.
func (h *Handler) delete(r *http.Request) (any, error) {
	var ask struct {
		IDs []int64 `json:"ids"`
	}
	if err := decodeRequest(r, &ask); err != nil {
		return nil, err
	}
	switch {
	case !h.opts.Delete:
		return nil, errNotOffered
	case len(ask.IDs) == 0 || len(ask.IDs) > maxDeleted:
		return nil, badRequestf("ids are 1 to %d", maxDeleted)
	}
	n, err := h.opts.Log.Delete(r.Context(), ask.IDs...)
	return map[string]int{"deleted": n}, err
}

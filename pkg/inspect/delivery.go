package inspect

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
)

// maxCopies is how many copies of a call a delivery lists.
const maxCopies = 200

// whole is everything about one delivery.
type whole struct {
	row
	Remote  string      `json:"remote"`
	URI     string      `json:"uri"`
	Proto   string      `json:"proto"`
	Host    string      `json:"host"`
	Reason  string      `json:"reason,omitempty"`
	Header  [][2]string `json:"header"` // name and value, secrets masked
	SHA256  []byte      `json:"sha256"`
	Payload *string     `json:"payload"`           // inflated; null when it is not UTF-8 or cannot be inflated
	Base64  string      `json:"base64,omitempty"`  // the beginning of what is not UTF-8
	Problem string      `json:"problem,omitempty"` // why it cannot be inflated
	// Findings are as pkg/validate has them.
	Findings json.RawMessage `json:"findings,omitempty"`
	Forward  *forward        `json:"forward,omitempty"`
	Scheme   string          `json:"scheme,omitempty"`
	Attempts []redelivery    `json:"attempts"` // oldest first
	Copies   []row           `json:"copies"`   // of the call, oldest first, this one included; more than one, or none
}

type forward struct {
	To       string    `json:"to,omitempty"`
	Status   int       `json:"status"` // 0: none
	TookMS   float64   `json:"took"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error,omitempty"`
	Answer   *response `json:"answer,omitempty"`
}

// redelivery is one more delivery of what is in the log.
type redelivery struct {
	At     int64     `json:"at"` // in milliseconds since 1970
	By     string    `json:"by"`
	To     string    `json:"to"`
	Status int       `json:"status"` // 0: none
	TookMS float64   `json:"took"`
	Error  string    `json:"error,omitempty"`
	Answer *response `json:"answer,omitempty"`
}

// response is what an endpoint answered beside its status.
type response struct {
	Header [][2]string `json:"header"` // name and value, secrets masked
	Body   *string     `json:"body"`   // its beginning; null when it is not UTF-8
	Base64 string      `json:"base64,omitempty"`
	Size   int64       `json:"size"` // of the whole body
}

func (h *Handler) response(a *journal.Answer) *response {
	if a == nil {
		return nil
	}
	r := &response{Header: h.fields(a.Header), Size: a.Size}
	if text, ok := a.Text(); ok {
		r.Body = &text
	} else {
		r.Base64 = base64.StdEncoding.EncodeToString(a.Body[:min(len(a.Body), 4<<10)])
	}
	return r
}

// fields are those of a header, sorted, its secrets masked.
func (h *Handler) fields(header http.Header) [][2]string {
	all := [][2]string{}
	header = safetext.MaskHeader(header, h.opts.Secrets...)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			all = append(all, [2]string{name, value})
		}
	}
	return all
}

// entry is the delivery that the path of a request names.
func (h *Handler) entry(r *http.Request) (*journal.Entry, error) {
	return h.get(r, r.PathValue("id"))
}

func (h *Handler) get(r *http.Request, word string) (*journal.Entry, error) {
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil || id < 1 {
		return nil, badRequestf("%q is not the number of a delivery", word)
	}
	return h.opts.Log.Get(r.Context(), id)
}

func (h *Handler) delivery(r *http.Request) (any, error) {
	e, err := h.entry(r)
	if err != nil {
		return nil, err
	}
	w := whole{
		row: rowOf(e), Remote: e.Remote, URI: e.URI, Proto: e.Proto, Host: e.Host, Reason: e.Reason,
		Scheme: e.Scheme, Header: h.fields(e.Header), SHA256: e.Hash, Attempts: []redelivery{}, Copies: []row{},
	}
	for _, a := range e.Attempts {
		w.Attempts = append(w.Attempts, redelivery{a.At.UnixMilli(), a.By, a.To, a.Status, units.Milliseconds(a.Took), a.Err, h.response(a.Answer)})
	}
	payload, err := e.Payload()
	switch {
	case err != nil:
		w.Problem = err.Error()
	case utf8.Valid(payload):
		text := string(payload)
		w.Payload = &text
	}
	if w.Payload == nil {
		w.Base64 = base64.StdEncoding.EncodeToString(e.Body[:min(len(e.Body), 4<<10)])
	}
	if o := e.Outcome; o != nil {
		if json.Valid(o.Findings) {
			w.Findings = o.Findings
		}
		if f := o.Forward; f != nil {
			w.Forward = &forward{f.To, f.Status, units.Milliseconds(f.Took), f.Attempts, f.Err, h.response(f.Answer)}
		}
	}
	if e.CallID != "" && e.Copy > 0 {
		w.Copies, err = h.copies(r, e.CallID)
	} else {
		err = nil
	}
	return w, err
}

// copies are the deliveries of a call, if there are several.
func (h *Handler) copies(r *http.Request, call string) ([]row, error) {
	copies := []row{}
	for c, err := range h.opts.Log.Entries(r.Context(), journal.Filter{CallIDs: []string{call}, Accepted: true, Limit: maxCopies}) {
		if err != nil {
			return nil, err
		}
		copies = append(copies, rowOf(c))
	}
	if len(copies) == 1 {
		copies = copies[:0]
	}
	return copies, nil
}

// compare says what differs between the payloads of two deliveries.
func (h *Handler) compare(r *http.Request) (any, error) {
	var payloads [2][]byte
	for i, name := range []string{"a", "b"} {
		e, err := h.get(r, r.URL.Query().Get(name))
		if err != nil {
			return nil, err
		}
		if payloads[i], err = e.Payload(); err != nil {
			return nil, badRequestf("delivery %d: %w", e.ID, err)
		}
	}
	type field struct {
		Pointer string `json:"pointer"`
		Old     string `json:"old"` // JSON; empty: added
		New     string `json:"new"` // JSON; empty: removed
	}
	change := copies.Compare(payloads[0], payloads[1])
	fields := []field{}
	for _, f := range change.Fields {
		fields = append(fields, field(f))
	}
	return struct {
		Kind   copies.Kind `json:"kind"`
		Fields []field     `json:"fields"`
		More   int         `json:"more"`
	}{change.Kind, fields, change.More}, nil
}

// body is a payload to save: exactly what was received.
func (h *Handler) body(w http.ResponseWriter, r *http.Request) {
	e, err := h.entry(r)
	if err != nil {
		answer(w, r, func(*http.Request) (any, error) { return nil, err })
		return
	}
	name := "delivery-" + strconv.FormatInt(e.ID, 10)
	if e.CallID != "" {
		name += "-" + safetext.Filename(e.CallID)
	}
	name += ".json"
	if e.Header.Get("Content-Encoding") == "gzip" {
		name += ".gz"
	}
	// As bytes, so that no browser looks into them.
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(e.Body)))
	_, _ = w.Write(e.Body) // who is gone does not miss it
}

func (h *Handler) curl(r *http.Request) (any, error) {
	if h.opts.Curl == nil {
		return nil, errNotOffered
	}
	e, err := h.entry(r)
	if err != nil {
		return nil, err
	}
	return map[string]string{"command": h.opts.Curl(e)}, nil
}

var errNotOffered = badRequest{errors.New("not available here")}

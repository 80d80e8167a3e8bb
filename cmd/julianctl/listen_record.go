package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsontext"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/validate"
)

// listenRecord is one line of --format json.
type listenRecord struct {
	Seq        int64            `json:"seq"`
	Received   time.Time        `json:"received"`
	Verdict    string           `json:"verdict"` // ok, warning, invalid, refused
	Status     int              `json:"status"`  // answered; 0: not
	Refusal    receive.Refusal  `json:"refusal,omitempty"`
	Reason     string           `json:"reason,omitempty"` // of the refusal "malformed"
	Fault      string           `json:"fault,omitempty"`  // done on purpose: failed, dropped, delayed 1.2s
	Method     string           `json:"method"`
	URI        string           `json:"uri"`
	Proto      string           `json:"proto"`
	Host       string           `json:"host"`
	Remote     string           `json:"remote"`
	Header     http.Header      `json:"header"` // secrets masked
	CallID     string           `json:"callId"` // empty when there is none
	ResultType string           `json:"resultType"`
	Copy       int              `json:"copy"` // 1, 2, …; 0 without a callId
	Change     *listenChange    `json:"change,omitempty"`
	Size       int64            `json:"size"`                 // bytes of the body
	Body       *bodyText        `json:"body,omitempty"`       // when it is UTF-8
	BodyBase64 []byte           `json:"bodyBase64,omitempty"` // when it is not
	TookMS     float64          `json:"tookMs"`
	Forward    *listenForward   `json:"forward,omitempty"`
	Issues     []validate.Issue `json:"issues"`
}

// bodyText is a JSON string, of bytes of which nobody makes a copy first.
type bodyText []byte

// MarshalText implements encoding.TextMarshaler.
func (b bodyText) MarshalText() ([]byte, error) { return b, nil }

type listenChange struct {
	Kind   receive.Kind        `json:"kind"` // same, layout, values, unknown
	Fields []listenFieldChange `json:"fields,omitempty"`
	More   int                 `json:"more,omitempty"`
}

type listenFieldChange struct {
	Pointer string          `json:"pointer"`
	Old     json.RawMessage `json:"old,omitempty"` // absent: added
	New     json.RawMessage `json:"new,omitempty"` // absent: removed
}

type listenForward struct {
	Status   int     `json:"status,omitempty"`
	TookMS   float64 `json:"tookMs"`
	Error    string  `json:"error,omitempty"`
	Attempts int     `json:"attempts"`
}

func (p *listenPrinter) record(s *shownDelivery) error {
	r := recordOf(s, safetext.MaskHeader(s.Header, p.a.cfg.RedactHeader...))
	return p.records.Append("delivery", r.appendJSON)
}

// recordOf is s as a record, with header in place of its own.
func recordOf(s *shownDelivery, header http.Header) listenRecord {
	r := listenRecord{
		Seq: s.Seq, Received: s.Received, Verdict: s.verdict(), Status: s.Status, Refusal: s.Refusal,
		Reason: s.Reason, Fault: s.Fault.String(),
		Method: s.Method, URI: s.URI, Proto: s.Proto, Host: s.Host, Remote: s.Remote,
		Header: header,
		CallID: s.CallID, ResultType: s.ResultType, Copy: s.Copy, Size: s.Size, TookMS: milliseconds(s.Took),
		Issues: append([]validate.Issue{}, s.issues...),
	}
	if utf8.Valid(s.Body) {
		r.Body = (*bodyText)(&s.Body)
	} else {
		r.BodyBase64 = s.Body
	}
	if s.Change.Kind != receive.NoCopy {
		r.Change = &listenChange{Kind: s.Change.Kind, More: s.Change.More}
		for _, f := range s.Change.Fields {
			r.Change.Fields = append(r.Change.Fields, listenFieldChange{f.Pointer, json.RawMessage(f.Old), json.RawMessage(f.New)})
		}
	}
	if f := s.Forward; f != nil {
		r.Forward = &listenForward{Status: f.Status, TookMS: milliseconds(f.Took), Attempts: f.Attempts}
		if f.Err != nil {
			r.Forward.Error = f.Err.Error()
		}
	}
	return r
}

// appendJSON adds what encoding/json would, without its escapes for HTML: of all
// that is done for a delivery, this would take the most time.
func (r *listenRecord) appendJSON(b []byte) ([]byte, error) {
	w := recordWriter{b: b}
	w.integer(`{"seq":`, r.Seq)
	w.time(`,"received":`, r.Received)
	w.text(`,"verdict":`, r.Verdict)
	w.integer(`,"status":`, int64(r.Status))
	w.some(`,"refusal":`, string(r.Refusal))
	w.some(`,"reason":`, r.Reason)
	w.some(`,"fault":`, r.Fault)
	w.text(`,"method":`, r.Method)
	w.text(`,"uri":`, r.URI)
	w.text(`,"proto":`, r.Proto)
	w.text(`,"host":`, r.Host)
	w.text(`,"remote":`, r.Remote)
	w.header(`,"header":`, r.Header)
	w.text(`,"callId":`, r.CallID)
	w.text(`,"resultType":`, r.ResultType)
	w.integer(`,"copy":`, int64(r.Copy))
	if r.Change != nil {
		w.standard(`,"change":`, r.Change)
	}
	w.integer(`,"size":`, r.Size)
	if r.Body != nil {
		w.raw(`,"body":`)
		w.b = jsontext.AppendString(w.b, []byte(*r.Body))
	}
	if len(r.BodyBase64) > 0 {
		w.standard(`,"bodyBase64":`, r.BodyBase64)
	}
	w.number(`,"tookMs":`, r.TookMS)
	if r.Forward != nil {
		w.standard(`,"forward":`, r.Forward)
	}
	if r.Issues != nil && len(r.Issues) == 0 {
		w.raw(`,"issues":[]`)
	} else {
		w.standard(`,"issues":`, r.Issues)
	}
	w.raw(`}`)
	return w.b, w.err
}

// recordWriter appends the members of a record, each with what stands before its
// value, and keeps its first error.
type recordWriter struct {
	b   []byte
	err error
}

func (w *recordWriter) raw(s string) { w.b = append(w.b, s...) }

func (w *recordWriter) text(before, s string) {
	w.raw(before)
	w.b = jsontext.AppendString(w.b, s)
}

// some is text that is left out when it is empty.
func (w *recordWriter) some(before, s string) {
	if s != "" {
		w.text(before, s)
	}
}

func (w *recordWriter) integer(before string, n int64) {
	w.raw(before)
	w.b = strconv.AppendInt(w.b, n, 10)
}

// number leaves what is written with an exponent to encoding/json.
func (w *recordWriter) number(before string, f float64) {
	if size := math.Abs(f); size < 1e-6 && f != 0 || !(size < 1e21) {
		w.standard(before, f)
		return
	}
	w.raw(before)
	w.b = strconv.AppendFloat(w.b, f, 'f', -1, 64)
}

func (w *recordWriter) time(before string, t time.Time) {
	w.raw(before + `"`)
	b, err := t.AppendText(w.b)
	w.b, w.err = b, cmp.Or(w.err, err)
	w.raw(`"`)
}

func (w *recordWriter) header(before string, h http.Header) {
	w.raw(before)
	if h == nil {
		w.raw(`null`)
		return
	}
	w.raw(`{`)
	var few [16]string
	names := slices.AppendSeq(few[:0], maps.Keys(h))
	slices.Sort(names)
	for i, name := range names {
		if i > 0 {
			w.raw(`,`)
		}
		w.text("", name)
		w.list(`:`, h[name])
	}
	w.raw(`}`)
}

func (w *recordWriter) list(before string, all []string) {
	w.raw(before)
	if all == nil {
		w.raw(`null`)
		return
	}
	w.raw(`[`)
	for i, s := range all {
		if i > 0 {
			w.raw(`,`)
		}
		w.text("", s)
	}
	w.raw(`]`)
}

// standard is for what most records do without.
func (w *recordWriter) standard(before string, v any) {
	w.raw(before)
	b, err := jsontext.Append(w.b, v)
	w.b, w.err = b, cmp.Or(w.err, err)
}

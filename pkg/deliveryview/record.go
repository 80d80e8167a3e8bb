package deliveryview

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
)

// Record is one line of --format json.
type Record struct {
	Seq        int64            `json:"seq"`
	Received   time.Time        `json:"received"`
	Verdict    string           `json:"verdict"` // ok, warning, invalid, refused, failed; out of the log also redelivered, unanswered
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
	Change     *Change          `json:"change,omitempty"`
	Earlier    *Earlier         `json:"earlierSession,omitempty"` // the first of the call, when that came before this session
	Size       int64            `json:"size"`                     // bytes of the body
	Body       *bodyText        `json:"body,omitempty"`           // when it is UTF-8
	BodyBase64 []byte           `json:"bodyBase64,omitempty"`     // when it is not
	TookMS     float64          `json:"tookMs"`
	Forward    *Forward         `json:"forward,omitempty"`
	Issues     []validate.Issue `json:"issues"`
}

// bodyText is a JSON string of bytes, without a copy.
type bodyText []byte

// MarshalText implements encoding.TextMarshaler.
func (b bodyText) MarshalText() ([]byte, error) { return b, nil }

// Change is what differs from the first delivery of a call.
type Change struct {
	Kind   copies.Kind   `json:"kind"` // same, layout, values, unknown
	Fields []FieldChange `json:"fields,omitempty"`
	More   int           `json:"more,omitempty"`
}

// FieldChange is one value that differs.
type FieldChange struct {
	Pointer string          `json:"pointer"`
	Old     json.RawMessage `json:"old,omitempty"` // absent: added
	New     json.RawMessage `json:"new,omitempty"` // absent: removed
}

// Forward is what came of passing a delivery on.
type Forward struct {
	Status   int     `json:"status,omitempty"`
	TookMS   float64 `json:"tookMs"`
	Error    string  `json:"error,omitempty"`
	Attempts int     `json:"attempts"`
	To       string  `json:"to,omitempty"`
	Answer   *Answer `json:"answer,omitempty"`
}

// Answer is what an endpoint answered beside its status.
type Answer struct {
	Header     http.Header `json:"header"`               // secrets masked
	Body       *string     `json:"body,omitempty"`       // its beginning, when it is UTF-8
	BodyBase64 []byte      `json:"bodyBase64,omitempty"` // when it is not
	Size       int64       `json:"size"`                 // of the whole body
}

// AnswerOf is nil where there is none.
func AnswerOf(a *cli.App, answer *journal.Answer) *Answer {
	if answer == nil {
		return nil
	}
	r := &Answer{Header: safetext.MaskHeader(answer.Header, a.Config.RedactHeader...), Size: answer.Size}
	if text, ok := answer.Text(); ok {
		text = a.Hide(text)
		r.Body = &text
	} else {
		r.BodyBase64 = answer.Body
	}
	return r
}

// Attempt is one redelivery.
type Attempt struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	To     string    `json:"to"`
	Status int       `json:"status,omitempty"`
	TookMS float64   `json:"tookMs"`
	Error  string    `json:"error,omitempty"`
	Answer *Answer   `json:"answer,omitempty"`
}

// AttemptOf is t as a record.
func AttemptOf(a *cli.App, t *journal.Attempt) Attempt {
	return Attempt{t.At, t.By, t.To, t.Status, units.Milliseconds(t.Took), t.Err, AnswerOf(a, t.Answer)}
}

func (p *Printer) record(s *Shown) error {
	r := RecordOf(p.a, s, safetext.MaskHeader(s.Header, p.a.Config.RedactHeader...))
	return p.records.Append("delivery", r.AppendJSON)
}

// RecordOf is s as a record, with header in place of its own.
func RecordOf(a *cli.App, s *Shown, header http.Header) Record {
	o := s.Result()
	r := Record{
		Seq: s.Seq, Received: s.Received, Verdict: s.Verdict(), Status: o.Status, Refusal: s.Refusal,
		Reason: s.Reason, Fault: o.Fault,
		Method: s.Method, URI: s.URI, Proto: s.Proto, Host: s.Host, Remote: s.Remote,
		Header: header,
		CallID: s.CallID, ResultType: s.ResultType, Copy: s.Copy, Size: s.Size, TookMS: units.Milliseconds(o.Took),
		Issues: append([]validate.Issue{}, s.Issues...),
	}
	if utf8.Valid(s.Body) {
		r.Body = (*bodyText)(&s.Body)
	} else {
		r.BodyBase64 = s.Body
	}
	r.Earlier = s.Earlier
	if s.Change.Kind != copies.NoCopy {
		r.Change = &Change{Kind: s.Change.Kind, More: s.Change.More}
		for _, f := range s.Change.Fields {
			r.Change.Fields = append(r.Change.Fields, FieldChange{f.Pointer, json.RawMessage(f.Old), json.RawMessage(f.New)})
		}
	}
	if f := o.Forward; f != nil {
		r.Forward = &Forward{To: f.To, Status: f.Status, TookMS: units.Milliseconds(f.Took), Attempts: f.Attempts, Error: f.Err}
		if f.Err == "" {
			r.Forward.Answer = AnswerOf(a, f.Answer)
		}
	}
	return r
}

// AppendJSON adds what encoding/json would, without its escapes for HTML: of all
// that is done for a delivery, this would take the most time.
func (r *Record) AppendJSON(b []byte) ([]byte, error) {
	w := jsonscan.Writer{B: b}
	w.Integer(`{"seq":`, r.Seq)
	w.Time(`,"received":`, r.Received)
	w.Text(`,"verdict":`, r.Verdict)
	w.Integer(`,"status":`, int64(r.Status))
	w.SomeText(`,"refusal":`, string(r.Refusal))
	w.SomeText(`,"reason":`, r.Reason)
	w.SomeText(`,"fault":`, r.Fault)
	w.Text(`,"method":`, r.Method)
	w.Text(`,"uri":`, r.URI)
	w.Text(`,"proto":`, r.Proto)
	w.Text(`,"host":`, r.Host)
	w.Text(`,"remote":`, r.Remote)
	writeHeader(&w, `,"header":`, r.Header)
	w.Text(`,"callId":`, r.CallID)
	w.Text(`,"resultType":`, r.ResultType)
	w.Integer(`,"copy":`, int64(r.Copy))
	if r.Change != nil {
		w.Value(`,"change":`, r.Change)
	}
	if r.Earlier != nil {
		w.Value(`,"earlierSession":`, r.Earlier)
	}
	w.Integer(`,"size":`, r.Size)
	if r.Body != nil {
		w.Raw(`,"body":`)
		w.B = jsonscan.AppendString(w.B, []byte(*r.Body))
	}
	if len(r.BodyBase64) > 0 {
		w.Value(`,"bodyBase64":`, r.BodyBase64)
	}
	w.Number(`,"tookMs":`, r.TookMS)
	if r.Forward != nil {
		w.Value(`,"forward":`, r.Forward)
	}
	if r.Issues != nil && len(r.Issues) == 0 {
		w.Raw(`,"issues":[]`)
	} else {
		w.Value(`,"issues":`, r.Issues)
	}
	w.Raw(`}`)
	return w.B, w.Err
}

func writeHeader(w *jsonscan.Writer, before string, h http.Header) {
	w.Raw(before)
	if h == nil {
		w.Raw(`null`)
		return
	}
	w.Raw(`{`)
	var few [16]string
	names := slices.AppendSeq(few[:0], maps.Keys(h))
	slices.Sort(names)
	for i, name := range names {
		if i > 0 {
			w.Raw(`,`)
		}
		w.Text("", name)
		w.Texts(`:`, h[name])
	}
	w.Raw(`}`)
}

package replay

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/units"
)

// record is one delivery. Times are RFC 3339; latencyMs is from due to
// answered.
type record struct {
	File      string       `json:"file"`
	Line      int          `json:"line"`
	Number    int          `json:"number"` // of the payload, from 1
	Copy      int          `json:"copy"`   // 1 is the delivery, the others duplicates
	CallID    string       `json:"callId"`
	OK        bool         `json:"ok"`
	Status    int          `json:"status"` // 0: no answer
	Due       time.Time    `json:"due"`
	Sent      *time.Time   `json:"sent"` // null: nothing was
	Answered  *time.Time   `json:"answered"`
	LatencyMS float64      `json:"latencyMs"`
	Retries   int          `json:"retries,omitempty"`
	BodySize  int64        `json:"bodySize"`   // of the answer
	BodyHash  string       `json:"bodySha256"` // empty for an empty one
	Error     *replayError `json:"error"`
}

type replayError struct {
	Class    string `json:"class"`
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
	Answer   string `json:"answer,omitempty"` // beginning of the answer's body
}

// appendJSON appends the same as encoding/json without HTML escapes, in a sixth of the
// time. The run waits while a record is encoded.
func (r *record) appendJSON(b []byte) ([]byte, error) {
	w := jsonscan.Writer{B: b}
	w.Text(`{"file":`, r.File)
	w.Integer(`,"line":`, int64(r.Line))
	w.Integer(`,"number":`, int64(r.Number))
	w.Integer(`,"copy":`, int64(r.Copy))
	w.Text(`,"callId":`, r.CallID)
	w.Bool(`,"ok":`, r.OK)
	w.Integer(`,"status":`, int64(r.Status))
	w.Time(`,"due":`, r.Due)
	writeTime(&w, `,"sent":`, r.Sent)
	writeTime(&w, `,"answered":`, r.Answered)
	w.Number(`,"latencyMs":`, r.LatencyMS)
	if r.Retries != 0 {
		w.Integer(`,"retries":`, int64(r.Retries))
	}
	w.Integer(`,"bodySize":`, r.BodySize)
	w.Text(`,"bodySha256":`, r.BodyHash)
	if e := r.Error; e == nil {
		w.Raw(`,"error":null`)
	} else {
		w.Text(`,"error":{"class":`, e.Class)
		w.Text(`,"message":`, e.Message)
		w.SomeText(`,"location":`, e.Location)
		w.SomeText(`,"answer":`, e.Answer)
		w.Raw(`}`)
	}
	w.Raw(`}`)
	return w.B, w.Err
}

func writeTime(w *jsonscan.Writer, before string, t *time.Time) {
	if t == nil {
		w.Raw(before)
		w.Raw(`null`)
		return
	}
	w.Time(before, *t)
}

func (p *printer) recordOf(r deliver.Result) record {
	a := r.Answer
	out := record{
		File: r.Document.Source, Line: r.Document.Line, Number: r.Number, Copy: r.Copy, CallID: r.CallID(),
		OK: r.Err == nil, Status: a.Status, Due: a.Due, LatencyMS: units.Milliseconds(a.Latency()), Retries: r.Retries, BodySize: a.BodySize,
	}
	if !a.Sent.IsZero() {
		out.Sent = &a.Sent
	}
	if a.Status != 0 {
		out.Answered = &a.Answered
	}
	if a.BodySize > 0 {
		out.BodyHash = hex.EncodeToString(a.BodyHash[:])
	}
	if r.Err != nil {
		out.Error = &replayError{Class: string(deliver.ClassOf(r.Err)), Message: p.a.Hide(r.Err.Error()), Answer: p.a.Hide(string(a.Body))}
		if e, ok := errors.AsType[*deliver.Error](r.Err); ok {
			out.Error.Location = p.a.Hide(e.Location)
		}
	}
	return out
}

// groupRecord is one payload that was sent more than once, written after its last copy.
// Each copy has its own record, too.
type groupRecord struct {
	File         string  `json:"file"`
	Line         int     `json:"line"`
	Number       int     `json:"number"`
	CallID       string  `json:"callId"`
	Copies       int     `json:"copies"` // that were sent
	First        int     `json:"first"`  // the copy that was answered first; 0: none was
	Acknowledged bool    `json:"acknowledged"`
	DifferStatus bool    `json:"differStatus"`
	DifferBody   bool    `json:"differBody"`
	SkewMS       float64 `json:"skewMs,omitempty"` // from the first copy's release to the last's, where they were sent together
	Unsent       int     `json:"unsent,omitempty"` // copies that were not sent, since the run had ended
}

func (r *groupRecord) appendJSON(b []byte) ([]byte, error) {
	w := jsonscan.Writer{B: b}
	w.Text(`{"file":`, r.File)
	w.Integer(`,"line":`, int64(r.Line))
	w.Integer(`,"number":`, int64(r.Number))
	w.Text(`,"callId":`, r.CallID)
	w.Integer(`,"copies":`, int64(r.Copies))
	w.Integer(`,"first":`, int64(r.First))
	w.Bool(`,"acknowledged":`, r.Acknowledged)
	w.Bool(`,"differStatus":`, r.DifferStatus)
	w.Bool(`,"differBody":`, r.DifferBody)
	if r.SkewMS != 0 {
		w.Number(`,"skewMs":`, r.SkewMS)
	}
	if r.Unsent != 0 {
		w.Integer(`,"unsent":`, int64(r.Unsent))
	}
	w.Raw(`}`)
	return w.B, w.Err
}

func groupRecordOf(g *deliver.Group) groupRecord {
	return groupRecord{
		g.Source, g.Line, g.Number, g.CallID, len(g.Copies), g.First,
		g.Acknowledged, g.DifferStatus, g.DifferBody, units.Milliseconds(g.Skew), len(g.Unsent),
	}
}

// summary is the last record. Times are in milliseconds.
type summary struct {
	Target     string                `json:"target"`
	Documents  int                   `json:"documents"`
	Unreadable int                   `json:"unreadable"`
	Planned    int                   `json:"planned"`
	Sent       int                   `json:"sent"`
	Answered   int                   `json:"answered"`
	OK         int                   `json:"ok"`
	Failed     int                   `json:"failed"`
	Retried    int                   `json:"retried,omitempty"`
	Expect     string                `json:"expect"`
	Seed       *uint64               `json:"seed,omitempty"` // of what was left to chance
	Statuses   map[int]int           `json:"statuses"`
	Errors     map[deliver.Class]int `json:"errors"`
	Duplicates *groupsJSON           `json:"duplicates,omitempty"`
	BytesSent  int64                 `json:"bytesSent"`
	ElapsedMS  float64               `json:"elapsedMs"`
	Rate       float64               `json:"rate"` // deliveries sent a second
	Pace       *paceJSON             `json:"pace,omitempty"`
	Latency    *latencyJSON          `json:"latencyMs,omitempty"`
	Limits     []limitJSON           `json:"limits,omitempty"` // of --max-latency
	Resume     *resumeJSON           `json:"resume,omitempty"`
	Interrupt  bool                  `json:"interrupted"`
}

type limitJSON struct {
	Name  string  `json:"name"` // p99, max
	MaxMS float64 `json:"maxMs"`
	GotMS float64 `json:"gotMs"`
	OK    bool    `json:"ok"`
}

// paceJSON is of a run with a rate; rates are deliveries a second.
type paceJSON struct {
	Asked    float64      `json:"asked"`
	Reached  float64      `json:"reached"`
	Late     int          `json:"late"`   // begun over 10 ms after they were due
	Missed   int          `json:"missed"` // due when the run was ended, and not begun
	Lateness *latencyJSON `json:"latenessMs,omitempty"`
}

type groupsJSON struct {
	Copies       int          `json:"copies"` // of each payload, the first included
	Mode         string       `json:"mode"`
	Seed         uint64       `json:"seed,omitempty"`
	Groups       int          `json:"groups"`
	Acknowledged int          `json:"acknowledged"`
	Partial      int          `json:"partial"`          // not every copy that was sent was answered
	Unsent       int          `json:"unsent,omitempty"` // copies that were not sent, since the run had ended
	Differ       int          `json:"differ"`
	DifferStatus int          `json:"differStatus"`
	DifferBody   int          `json:"differBody"`
	Skew         *latencyJSON `json:"skewMs,omitempty"`
}

type latencyJSON struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func latencyOf(l deliver.Latency) *latencyJSON {
	if l.Count() == 0 {
		return nil
	}
	return &latencyJSON{units.Milliseconds(l.At(50)), units.Milliseconds(l.At(90)), units.Milliseconds(l.At(95)), units.Milliseconds(l.At(99)), units.Milliseconds(l.Max())}
}

func (p *printer) summaryRecord(ctx context.Context, s deliver.Summary) summary {
	out := summary{
		Target: p.client.Target().String(), Documents: s.Documents, Unreadable: s.Unreadable,
		Planned: s.Planned, Sent: s.Sent, Answered: s.Answered, OK: s.OK, Failed: s.Failed, Retried: s.Retried,
		Expect: p.plan.Expect.String(), Statuses: s.Statuses, Errors: s.Errors,
		BytesSent: s.BytesSent, ElapsedMS: units.Milliseconds(s.Elapsed), Rate: s.Rate(),
		Latency: latencyOf(s.Latency), Resume: p.resumeRecord(), Interrupt: ctx.Err() != nil,
	}
	if p.o.Shuffle || p.o.NewIDs {
		out.Seed = &p.plan.Seed
	}
	if pace := s.Pace; pace != nil {
		out.Pace = &paceJSON{pace.Asked, pace.Reached(), pace.Late, pace.Missed, latencyOf(pace.Lateness)}
	}
	for _, limit := range p.o.limits {
		got, missed := limit.Missed(s.Latency)
		out.Limits = append(out.Limits, limitJSON{limit.Name, units.Milliseconds(limit.Max), units.Milliseconds(got), !missed})
	}
	if p.plan.Duplicates > 0 {
		g := s.Groups
		out.Duplicates = &groupsJSON{
			Copies: p.plan.Duplicates + 1, Mode: string(p.plan.Mode), Groups: g.Total, Acknowledged: g.Acknowledged,
			Partial: g.Partial, Unsent: g.Unsent, Differ: g.Differ, DifferStatus: g.DifferStatus, DifferBody: g.DifferBody, Skew: latencyOf(s.Skew),
		}
		if p.plan.Mode == deliver.Shuffled {
			out.Duplicates.Seed = p.plan.Seed
		}
	}
	return out
}

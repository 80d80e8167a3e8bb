package mock

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/mockapi"
	"github.com/julianctl/julianctl/pkg/record"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/sender"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
)

// givenUpShown is how many calls that were given up are listed in text.
const givenUpShown = 5

// printer shows requests, deliveries and calls as they come. It is safe for concurrent
// use.
type printer struct {
	a       *cli.App
	records *report.Records // nil: text
	stop    func()          // called when nothing more can be shown

	mu      sync.Mutex
	out     *bufio.Writer
	flush   *time.Timer // of out; nil: nothing waits
	givenUp []sender.Result
	err     error // the first
}

func newPrinter(a *cli.App, format string, stop func()) *printer {
	p := &printer{a: a, stop: stop, out: bufio.NewWriterSize(a.Out, 64<<10)}
	if format == "json" {
		p.records = report.NewRecords(p.out, "mock")
	}
	return p
}

// show writes one record or line. Lines leave within 50 ms, many at once: a write for
// each is a third of the time of a mock at full speed.
func (p *printer) show(kind string, record any, line func() string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if p.records != nil {
		err = p.records.Write(kind, record)
	} else if text := line(); text != "" {
		_, err = p.out.WriteString(text + "\n")
	}
	if p.err == nil {
		p.err = err
	}
	if p.flush == nil {
		p.flush = time.AfterFunc(50*time.Millisecond, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.flush = nil
			if p.out.Flush() != nil { // the stream keeps its error
				p.stop()
			}
		})
	}
}

// requestRecord is a request to the API.
type requestRecord struct {
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	URI    string    `json:"uri"`
	Status int       `json:"status"`
}

func (p *printer) request(r *http.Request, status int) {
	now := p.a.Now()
	p.show("request", requestRecord{now, r.Method, r.RequestURI, status}, func() string {
		return fmt.Sprintf("%s %s %s %s", now.Format(time.TimeOnly), p.statusColour(status), r.Method, safetext.Line(r.RequestURI))
	})
}

// deliveryRecord is one try of one delivery.
type deliveryRecord struct {
	At         time.Time `json:"at"` // on the provider's clock
	CallID     string    `json:"callId"`
	ResultType string    `json:"resultType"`
	Older      bool      `json:"older,omitempty"` // not the newest content
	Try        int       `json:"try"`             // of the call, from 1
	Status     int       `json:"status"`          // 0: no answer
	TookMS     float64   `json:"tookMs"`
	Error      string    `json:"error,omitempty"`
}

func (p *printer) delivery(d *mockapi.Delivery) {
	var found record.Delivery
	found.Identify(d.Body)
	r := deliveryRecord{
		At: d.At, CallID: d.Call.ID, ResultType: found.ResultType, Older: d.Older, Try: d.Number,
		Status: d.Answer.CompleteStatus(), TookMS: units.Milliseconds(d.Answer.Answered.Sub(d.Began)),
	}
	if d.Answer.Err != nil {
		r.Error = p.a.Hide(d.Answer.Err.Error())
	}
	p.show("delivery", r, func() string {
		more := safetext.Line(r.ResultType)
		if r.Older {
			more += " (older content)"
		}
		if r.Try > 1 {
			more += fmt.Sprintf("  delivery %d", r.Try)
		}
		if r.Error != "" {
			more += "  " + safetext.Line(r.Error)
		}
		return fmt.Sprintf("%s %s webhook %s  %s", p.a.Now().Format(time.TimeOnly), p.statusColour(r.Status), safetext.Line(r.CallID), more)
	})
}

// callRecord is what became of a call.
type callRecord struct {
	CallID     string  `json:"callId"`
	Delivered  bool    `json:"delivered"`
	First      bool    `json:"first"`      // on the first try
	Deliveries int     `json:"deliveries"` // tries
	LateMS     float64 `json:"lateMs"`     // from its end to its acknowledgement, on the provider's clock
	Status     int     `json:"status"`     // of the last try that failed; 0: no answer, or none failed
}

func (p *printer) done(r sender.Result) {
	record := callRecord{r.Call.ID, r.Delivered, r.First, r.Tries, units.Milliseconds(r.Late), r.Status}
	p.show("call", record, func() string {
		if !r.Delivered && len(p.givenUp) < givenUpShown {
			p.givenUp = append(p.givenUp, r)
		}
		return ""
	})
}

// summaryRecord is the last record.
type summaryRecord struct {
	mockapi.Summary
	LatestMS float64 `json:"latestMs"` // of all acknowledgements, on the provider's clock
}

// end writes the summary; text has none of a mock that does not call.
func (p *printer) end(s mockapi.Summary, calls bool) error {
	p.show("summary", summaryRecord{s, units.Milliseconds(s.Latest)}, func() string {
		if !calls {
			return ""
		}
		return p.text(s)
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.out.Flush() // the stream keeps its error
	return p.err
}

// text accounts for every call.
func (p *printer) text(s mockapi.Summary) string {
	style := p.a.Style
	rows := []string{""}
	row := func(name string, n int, paint terminal.Paint, says string) {
		name = terminal.Pad(name, 10)
		if n > 0 && paint != nil {
			name = paint(name)
		}
		rows = append(rows, strings.TrimRight(fmt.Sprintf("%s %6s  %s", name, units.Number(n), says), " "))
	}
	row("calls", s.Calls, nil, units.Count(s.Deliveries, "delivery")+fmt.Sprintf(", %s not acknowledged", units.Number(s.Failed)))
	late := ""
	if s.Delivered > 0 {
		late = units.Number(s.First) + " on the first try"
	}
	if s.Latest > 0 && s.First < s.Delivered {
		late += "; the latest " + units.Time(s.Latest) + " after its call"
	}
	row("delivered", s.Delivered, style.Good, late)
	why := ""
	if s.GivenUp > 0 {
		why = "after the last try"
	}
	if s.Disabled {
		why += "; the sender has disabled the endpoint"
	}
	row("given up", s.GivenUp, style.Bad, why)
	for _, r := range p.givenUp {
		says := fmt.Sprintf("answered %d", r.Status)
		switch {
		case r.Unsent:
			says = "not sent"
		case r.Status == 0:
			says = "no answer"
		}
		rows = append(rows, fmt.Sprintf("%19s%s", "", style.Faint(fmt.Sprintf("%s  %s, %s", safetext.Line(r.Call.ID), says, units.Count(r.Tries, "delivery")))))
	}
	if more := s.GivenUp - len(p.givenUp); more > 0 {
		rows = append(rows, fmt.Sprintf("%19s%s", "", style.Faint(fmt.Sprintf("and %s more; --format json has all", units.Number(more)))))
	}
	if s.Pending > 0 {
		row("pending", s.Pending, style.Warn, "not delivered and not given up, when it ended")
	}
	if s.Contacts > 0 {
		says := fmt.Sprintf("%s done, %s failed, %s cancelled", units.Number(s.Done), units.Number(s.Failures), units.Number(s.Cancelled))
		if s.NotCalled > 0 {
			says += fmt.Sprintf(", %s not called: another of the group was reached", units.Number(s.NotCalled))
		}
		if s.Active > 0 {
			says += fmt.Sprintf(", %s in progress", units.Number(s.Active))
		}
		row("contacts", s.Contacts, nil, says)
	}
	return strings.Join(rows, "\n")
}

func (p *printer) statusColour(status int) string {
	style := p.a.Style
	switch {
	case status == 0:
		return style.Bad("---")
	case status >= 500:
		return style.Bad(fmt.Sprint(status))
	case status >= 300:
		return style.Warn(fmt.Sprint(status))
	}
	return style.Good(fmt.Sprint(status))
}

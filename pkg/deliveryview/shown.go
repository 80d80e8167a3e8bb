package deliveryview

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/validate"
)

// Shown is a delivery with all that is known of its payload, for
// everything that prints one: as it comes, and out of the log.
type Shown struct {
	*receive.Delivery
	Inflated []byte           // inflated; nil when it cannot be, or was refused
	Issues   []validate.Issue // empty for what was refused
	Invalid  bool
	Hidden   bool // by --filter

	// Earlier is the first delivery of the call where that came in an earlier
	// session, and nothing of the call was shown in this one; nil otherwise.
	Earlier *Earlier
}

// Earlier is a delivery of an earlier session.
type Earlier struct {
	ID       int64     `json:"id"`                // in the log
	Received time.Time `json:"received,omitzero"` // zero when it was pruned
}

// received is d as it has just come, and was answered.
func (p *Printer) received(d *receive.Delivery, earlier *Earlier) *Shown {
	s := &Shown{Delivery: d, Earlier: earlier}
	s.examine(p.validator)
	d.Outcome.Errors, d.Outcome.Warnings = 0, 0
	for _, i := range s.Issues {
		if i.Severity == validate.Error {
			d.Outcome.Errors++
		} else {
			d.Outcome.Warnings++
		}
	}
	return s
}

// Logged is e as it was shown when it came.
func (p *Printer) Logged(e *journal.Entry) (*Shown, error) {
	return LoggedDelivery(e, p.validator)
}

// LoggedDelivery is e as it was shown when it came.
func LoggedDelivery(e *journal.Entry, v *validate.Validator) (*Shown, error) {
	s := &Shown{Delivery: &receive.Delivery{Entry: *e, Seq: e.ID}}
	if e.Outcome == nil {
		s.examine(v)
		return s, nil
	}
	if body, err := s.Payload(); err == nil && s.Refusal == "" {
		s.Inflated = body
	}
	if e.Outcome.Findings != nil {
		if err := json.Unmarshal(e.Outcome.Findings, &s.Issues); err != nil {
			return nil, fmt.Errorf("delivery %d: its findings: %w", e.ID, err)
		}
	}
	s.Invalid = e.Outcome.Errors > 0
	return s, nil
}

// examine inflates the payload and finds what is wrong with it.
func (s *Shown) examine(v *validate.Validator) {
	body, err := s.Payload()
	switch {
	case err != nil:
		s.Issues = []validate.Issue{{Rule: validate.RuleEncoding, Severity: validate.Error, Message: err.Error()}}
	case s.Refusal == "":
		s.Inflated = body
		s.Issues = v.Issues(payload.Document{Source: "delivery " + strconv.FormatInt(s.Seq, 10), Line: 1, Column: 1, Body: body})
	}
	s.Invalid = slices.ContainsFunc(s.Issues, func(i validate.Issue) bool { return i.Severity == validate.Error })
}

// MarkOf is a verdict as one character, and its colour.
func MarkOf(verdict string, st terminal.Style) (string, terminal.Paint) {
	switch verdict {
	case "ok":
		return "✓", st.Good
	case journal.Redelivered:
		return "✓", st.Warn
	case "warning":
		return "!", st.Warn
	case "invalid": // it was acknowledged
		return "!", st.Bad
	case "unanswered":
		return "?", st.Warn
	}
	return "✗", st.Bad
}

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/validate"
)

// shownDelivery is a delivery with all that is known of its payload, for
// everything that prints one: as it comes, and out of the log.
type shownDelivery struct {
	*receive.Delivery
	// outcome is what became of it; nil when the listener ended before that was
	// known.
	outcome *journal.Outcome
	payload []byte           // inflated; nil when it cannot be, or was refused
	issues  []validate.Issue // empty for what was refused
	invalid bool
	hidden  bool // by --filter
}

// received is d as it has just come, and was answered.
func (p *listenPrinter) received(d *receive.Delivery) *shownDelivery {
	s := &shownDelivery{Delivery: d}
	s.examine(p.validator)
	s.outcome = outcomeOf(d, s.issues)
	return s
}

// logged is e as it was shown when it came.
func (p *listenPrinter) logged(e *journal.Entry) (*shownDelivery, error) {
	return loggedDelivery(e, p.validator)
}

// loggedDelivery is e as it was shown when it came.
func loggedDelivery(e *journal.Entry, v *validate.Validator) (*shownDelivery, error) {
	s := &shownDelivery{Delivery: receivedOf(e), outcome: e.Outcome}
	if e.Outcome == nil {
		s.examine(v)
		return s, nil
	}
	if body, err := s.Payload(); err == nil && s.Refusal == "" {
		s.payload = body
	}
	if e.Outcome.Findings != nil {
		if err := json.Unmarshal(e.Outcome.Findings, &s.issues); err != nil {
			return nil, fmt.Errorf("delivery %d: its findings: %w", e.ID, err)
		}
	}
	s.invalid = e.Outcome.Errors > 0
	return s, nil
}

// examine inflates the payload and finds what is wrong with it.
func (s *shownDelivery) examine(v *validate.Validator) {
	body, err := s.Payload()
	switch {
	case err != nil:
		s.issues = []validate.Issue{{Rule: validate.RuleEncoding, Severity: validate.Error, Message: err.Error()}}
	case s.Refusal == "":
		s.payload = body
		s.issues = v.Issues(payload.Document{Source: "delivery " + strconv.FormatInt(s.Seq, 10), Line: 1, Column: 1, Body: body})
	}
	s.invalid = slices.ContainsFunc(s.issues, func(i validate.Issue) bool { return i.Severity == validate.Error })
}

// outcomeOf is what became of d, but for what its issues are: that takes time,
// and only the log keeps it.
func outcomeOf(d *receive.Delivery, issues []validate.Issue) *journal.Outcome {
	o := &journal.Outcome{Status: d.Status, Took: d.Took, Fault: d.Fault.String()}
	if f := d.Forward; f != nil {
		o.Forward = &journal.Forward{Status: f.Status, Took: f.Took, Attempts: f.Attempts}
		if f.Err != nil {
			o.Forward.Err = f.Err.Error()
		}
	}
	for _, i := range issues {
		if i.Severity == validate.Error {
			o.Errors++
		} else {
			o.Warnings++
		}
	}
	return o
}

// verdict is one word for a delivery.
func (s *shownDelivery) verdict() string { return journal.Verdict(string(s.Refusal), s.outcome) }

// fault is what was done wrong on purpose.
func (s *shownDelivery) fault() string {
	if s.outcome == nil {
		return ""
	}
	return s.outcome.Fault
}

// markOf is a verdict as one character, and its colour.
func markOf(verdict string, st style) (string, paint) {
	switch verdict {
	case "ok":
		return "✓", st.good
	case "warning":
		return "!", st.warn
	case "unanswered":
		return "?", st.warn
	}
	return "✗", st.bad
}

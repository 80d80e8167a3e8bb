package sample

import (
	"fmt"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
)

// drift is one difference between a sample and the documentation.
type drift struct {
	Agent   string `json:"agent"`
	Drift   string `json:"drift"` // new, missing, retyped, new-value or other
	Pointer string `json:"pointer"`
	Rule    string `json:"rule"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// driftOf is what it means that the provider's own sample breaks a rule.
func driftOf(rule string) string {
	switch rule {
	case validate.RuleUnknownField:
		return "new"
	case validate.RuleRequired:
		return "missing"
	case validate.RuleType:
		return "retyped"
	case validate.RuleEnum:
		return "new-value"
	}
	return "other"
}

// driftReport holds samples to the letter of the documentation: warnings
// count, and so do fields that are not documented.
type driftReport struct {
	a       *cli.App
	records *report.Records // nil: text on stderr
	sum     struct {
		Samples     int `json:"samples"`
		Drifted     int `json:"drifted"`
		Differences int `json:"differences"`
	}
}

// look reports how a sample as it came differs. The error is the verdict.
func (r *driftReport) look(s sample) error {
	v, err := validate.New(validate.Options{Strict: true, Rules: map[string]validate.Severity{validate.RuleUnknownField: validate.Error}})
	if err != nil {
		return err
	}
	var drifts []drift
	for _, i := range v.Issues(payload.Document{Source: s.agent, Line: 1, Column: 1, Body: s.body}) {
		drifts = append(drifts, drift{s.agent, driftOf(i.Rule), i.Pointer, i.Rule, i.Line, i.Column, i.Message, i.Hint})
	}
	r.sum.Samples++
	r.sum.Differences += len(drifts)
	if r.records != nil {
		for _, d := range drifts {
			if err := r.records.Write("drift", d); err != nil {
				return err
			}
		}
	} else {
		r.print(drifts)
	}
	if len(drifts) == 0 {
		r.a.Note("sample of agent %q is as documented", s.agent)
		return nil
	}
	r.sum.Drifted++
	return &cli.ExitError{Code: cli.ExitNo, Err: fmt.Errorf("sample of agent %q is not as documented: %s", s.agent, units.Count(len(drifts), "difference"))}
}

func (r *driftReport) print(drifts []drift) {
	widest := 0
	for _, d := range drifts {
		widest = max(widest, terminal.Cells(safetext.Line(d.Pointer)))
	}
	for _, d := range drifts {
		place := fmt.Sprintf("%d:%d", d.Line, d.Column)
		r.a.Note("%s  %s  %-6s  %s", r.a.ErrStyle.Bad(terminal.Pad(d.Drift, 9)), terminal.Pad(safetext.Line(d.Pointer), min(widest, 50)), place, safetext.Line(d.Message))
		if d.Hint != "" {
			r.a.Hint("%s", d.Hint)
		}
	}
}

package generate

import (
	"fmt"
	"strings"

	"github.com/julianctl/julianctl/pkg/julian"
)

// AgentShape has the variables and outcomes of one agent, which a generator uses
// instead of its own.
type AgentShape struct {
	Inputs    []Variable // of customInputVariables
	Extracted []Variable // of callResult.extractedVariables
	Outcomes  []string   // names; empty: those of the generator
}

// Variable is one that an agent knows.
type Variable struct {
	Name   string
	Kind   string   // object, array, string, number, boolean or null; empty: string
	Format string   // of a string: "date-time", or empty for any
	Values []string // the only values of a string; nil: any
	Always bool     // present even if nothing was said
}

// shaped sets the variables and outcomes of the agent.
func (g *Generator) shaped(e *julian.CallEvent, s *AgentShape, c contact) {
	if s == nil {
		return
	}
	r := &e.CallResult
	if s.Inputs != nil {
		e.CustomInputVariables = g.variables(s.Inputs, true, c, e)
	}
	if s.Extracted != nil {
		r.ExtractedVariables = g.variables(s.Extracted, len(r.ExtractedVariables) > 0, c, e)
	}
	for i := range r.Outcomes {
		if len(s.Outcomes) > 0 {
			r.Outcomes[i].Name = s.Outcomes[g.rng.IntN(len(s.Outcomes))]
		}
	}
}

// variables returns all of list, or only those that are always present.
func (g *Generator) variables(list []Variable, all bool, c contact, e *julian.CallEvent) map[string]any {
	out := map[string]any{}
	for _, v := range list {
		if all || v.Always {
			out[v.Name] = g.variable(v, c, e)
		}
	}
	return out
}

func (g *Generator) variable(v Variable, c contact, e *julian.CallEvent) any {
	switch v.Kind {
	case "number":
		return g.rng.IntN(100)
	case "boolean":
		return g.rng.IntN(2) == 1
	case "null":
		return nil
	case "array":
		return []any{}
	case "object":
		return map[string]any{}
	}
	name := strings.ToLower(v.Name)
	for _, word := range []struct{ part, value string }{
		{"surname", Surname}, {"last", Surname}, {"company", c.company}, {"phone", c.phone},
		{"mail", fmt.Sprintf("%s@example.com", strings.ToLower(Surname))}, {"summary", e.CallResult.Summary}, {"name", c.first},
	} {
		if v.Values == nil && v.Format == "" && strings.Contains(name, word.part) {
			return word.value
		}
	}
	switch {
	case len(v.Values) > 0:
		return v.Values[g.rng.IntN(len(v.Values))]
	case v.Format == string(julian.DateTime):
		return stamp(e.ScheduledAt.AddDate(0, 0, 1+g.rng.IntN(14)))
	}
	words := []string{"yes", "no", "maybe", "later", "not said"}
	return words[g.rng.IntN(len(words))]
}

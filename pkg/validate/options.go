package validate

import (
	"fmt"
	"slices"

	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/julianctl/julianctl/pkg/julian"
)

// Options change what a [Validator] finds.
type Options struct {
	// Strict makes errors of warnings.
	Strict bool
	// Rules gives rules another severity, by id. It wins over Strict.
	Rules map[string]Severity
	// Schema is what documents have to fit in place of the documented fields:
	// of the other rules, those on syntax, encoding, depth and keys apply.
	Schema *jsonschema.Schema
	// Both keeps all rules on the documented fields beside Schema.
	Both bool
}

// ruleSet is what is checked, by options.
type ruleSet struct {
	Options
	root  *node // nil if the documented fields are not checked
	nodes int   // below and with root
}

func newRuleSet(o Options) (*ruleSet, error) {
	for id, severity := range o.Rules {
		rule, err := RuleByID(id)
		switch {
		case err != nil:
			return nil, err
		case !slices.Contains([]Severity{Error, Warning, Off}, severity):
			return nil, fmt.Errorf("rule %q: severity %q is not one of error, warning, off", id, severity)
		case rule.Fixed && severity != Error:
			return nil, fmt.Errorf("rule %q is always an error: a body that breaks it cannot be read", id)
		}
	}
	s := &ruleSet{Options: o}
	if o.Schema != nil && !o.Both {
		return s, nil
	}
	t := newFieldTree(julian.Fields)
	for _, r := range relations() {
		rule, err := RuleByID(r.rule)
		if err != nil {
			return nil, err
		}
		if s.severity(r.rule, rule.Severity) != Off {
			t.addRelation(r, rule.Severity)
		}
	}
	s.root, s.nodes = t.nodes[""], len(t.nodes)
	return s, nil
}

// severity is that of a rule in which a break is as bad as usual.
func (s *ruleSet) severity(rule string, usual Severity) Severity {
	if s, ok := s.Rules[rule]; ok {
		return s
	}
	if s.Strict && usual == Warning {
		return Error
	}
	return usual
}

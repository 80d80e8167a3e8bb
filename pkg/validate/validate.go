// Package validate says whether a body is a correct payload, and where not.
//
// It owns the rules, the places of what breaks them and the words for it. The
// rules on fields follow [julian.Fields]: a field added there is checked here.
// It neither finds documents, which is package payload's work, nor prints.
//
// Text in an [Issue] may quote the document and is as untrusted as it: make it
// safe before a person sees it.
package validate

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/julianctl/julianctl/pkg/jsonschema"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
)

// Severity is how bad it is to break a rule.
type Severity string

// The severities. Only an Error makes a payload incorrect.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Off     Severity = "off" // not reported
)

// Issue is one place that breaks one rule.
type Issue struct {
	File   string `json:"file"`   // the document's Source
	Line   int    `json:"line"`   // 1-based
	Column int    `json:"column"` // 1-based, in characters (code points; an invalid byte is one)
	Offset int64  `json:"-"`      // in the source, 0-based, in bytes
	// Pointer is the place as a JSON pointer (RFC 6901); "" is the payload as
	// a whole. A missing field has the pointer it should have had, and the
	// line and column of the object that lacks it. Keys of over 100
	// characters are shortened.
	Pointer  string   `json:"pointer"`
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"` // Error or Warning
	Message  string   `json:"message"`  // one line, such as: is "abc", want a number
	Hint     string   `json:"hint"`     // what to do about it; may be empty
	// Excerpt is what stands at the place.
	Excerpt Excerpt `json:"-"`
}

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

// Validator checks documents. It is safe for concurrent use.
type Validator struct {
	options   Options
	root      *node
	nodes     int       // below and with root
	fastPaths sync.Pool // of *fastPath
	slowPaths sync.Pool // of *slowPath
}

// New returns a validator. It fails on an unknown rule, and on another
// severity for a rule without which nothing is checked.
func New(o Options) (*Validator, error) {
	for id, severity := range o.Rules {
		rule, err := RuleByID(id)
		switch {
		case err != nil:
			return nil, err
		case !slices.Contains([]Severity{Error, Warning, Off}, severity):
			return nil, fmt.Errorf("rule %q: severity %q is none of error, warning, off", id, severity)
		case rule.Fixed && severity != Error:
			return nil, fmt.Errorf("rule %q is always an error: a body that breaks it cannot be read", id)
		}
	}
	v := &Validator{options: o}
	if o.Schema != nil && !o.Both {
		return v, nil
	}
	t := newFieldTree(julian.Fields)
	for _, r := range relations() {
		rule, err := RuleByID(r.rule)
		if err != nil {
			return nil, err
		}
		if v.severity(r.rule, rule.Severity) != Off {
			t.addRelation(r, rule.Severity)
		}
	}
	v.root, v.nodes = t.nodes[""], len(t.nodes)
	return v, nil
}

// severity is that of a rule in which a break is as bad as usual.
func (v *Validator) severity(rule string, usual Severity) Severity {
	if s, ok := v.options.Rules[rule]; ok {
		return s
	}
	if v.options.Strict && usual == Warning {
		return Error
	}
	return usual
}

// Issues returns what is wrong with a document, in the order of its bytes; nil
// when nothing is. After a fault in the syntax nothing more is looked for. Of
// one rule and severity at most 100 issues are returned.
func (v *Validator) Issues(doc payload.Document) []Issue {
	fast, _ := v.fastPaths.Get().(*fastPath)
	if fast == nil {
		fast = newFastPath(v)
	}
	ok := fast.accepts(doc.Body)
	fast.reset(nil, false) // the body is the caller's
	v.fastPaths.Put(fast)
	if ok {
		return nil
	}
	return v.slowIssues(doc)
}

// FromError is the issue that a source has, when it gave an error in place of
// a document: it is empty, or the array that holds the payloads is malformed.
// It reports false for an error that says nothing about payloads, such as a
// missing file.
func FromError(err error) (Issue, bool) {
	var e *payload.Error
	if !errors.As(err, &e) {
		return Issue{}, false
	}
	issue := Issue{File: e.Source, Line: max(e.Line, 1), Column: max(e.Column, 1), Offset: e.Offset, Severity: Error, Message: e.Err.Error()}
	switch {
	case errors.Is(err, payload.ErrEmpty), errors.Is(err, payload.ErrNoFiles):
		issue.Rule = RuleEmpty
	case errors.Is(err, payload.ErrArray):
		issue.Rule = RuleSyntax
	default:
		return Issue{}, false
	}
	return issue, true
}

// Package validate says whether a body is a correct payload, and where not.
//
// It owns the rules, the places of what breaks them and the words for it. The
// rules on fields follow [julian.Fields]: a field added there is checked here.
// It neither finds documents, which is package payload's work, nor prints.
//
// Text in an [Issue] may quote the document and is as untrusted as it: make it
// safe before it is shown.
package validate

import (
	"errors"
	"sync"

	"github.com/julianctl/julianctl/pkg/payload"
)

// Validator checks documents. It is safe for concurrent use.
type Validator struct {
	rules     *ruleSet
	fastPaths sync.Pool // of *fastPath
	slowPaths sync.Pool // of *slowPath
}

// New returns a validator. It fails on an unknown rule, and on another
// severity for a rule without which nothing is checked.
func New(o Options) (*Validator, error) {
	rules, err := newRuleSet(o)
	if err != nil {
		return nil, err
	}
	return &Validator{rules: rules}, nil
}

// Issues returns what is wrong with a document, in the order of its bytes; nil
// when nothing is. After a fault in the syntax nothing more is looked for. Of
// one rule and severity at most 100 issues are returned.
func (v *Validator) Issues(doc payload.Document) []Issue {
	fast, _ := v.fastPaths.Get().(*fastPath)
	if fast == nil {
		fast = newFastPath(v.rules)
	}
	ok := fast.accepts(doc.Body)
	fast.reset(nil, false) // the body is the caller's
	v.fastPaths.Put(fast)
	if ok {
		return nil
	}
	return v.slowIssues(doc)
}

// slowIssues is Issues without the fast path.
func (v *Validator) slowIssues(doc payload.Document) []Issue {
	slow, _ := v.slowPaths.Get().(*slowPath)
	if slow == nil {
		slow = &slowPath{}
	}
	defer v.slowPaths.Put(slow)
	return slow.issues(v.rules, doc)
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

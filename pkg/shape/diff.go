package shape

import (
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/julian"
)

// ChangeKind is what a [Change] is about.
type ChangeKind string

// The kinds of change.
const (
	New       ChangeKind = "new"        // a field that was not there
	Lost      ChangeKind = "lost"       // a field that is gone
	Retyped   ChangeKind = "retyped"    // other JSON types
	Reformed  ChangeKind = "format"     // a string of another format
	NewValue  ChangeKind = "new-value"  // a value outside the fixed set
	LostValue ChangeKind = "lost-value" // a value of the fixed set is gone
	Optional  ChangeKind = "optional"   // a field that is no longer always there
	Always    ChangeKind = "always"     // a field that is always there now
)

// Change is one difference between two shapes.
type Change struct {
	Kind    ChangeKind `json:"change"`
	Pointer string     `json:"pointer"`
	Was     string     `json:"was"` // in words; empty when there was nothing
	Is      string     `json:"is"`  // in words; empty when there is nothing
}

// Diff returns the changes from shape was to shape is, in the order of the fields. If is
// is an observed shape, only contradictions are changes: a value, a type or an optional
// field may just not have occurred. The content of free objects is ignored.
func Diff(was, is Shape) []Change {
	before, after := was.index(), is.index()
	var changes []Change
	for _, old := range was.Fields {
		now, found := after[old.Pointer]
		switch {
		case found:
			changes = append(changes, compare(old, now, is.Observed)...)
		case old.Pointer == "" || after[parent(old.Pointer)].Kinds&(Object|Array) == 0:
			// The loss of the whole is said once.
		case is.Observed && (!old.Always || strings.HasSuffix(old.Pointer, "/*")):
			// It may be there the next time.
		default:
			changes = append(changes, Change{Lost, old.Pointer, old.Kinds.String(), ""})
		}
	}
	for _, now := range is.Fields {
		if now.Pointer == "" {
			continue
		}
		_, found := before[now.Pointer]
		around := before[parent(now.Pointer)]
		if !found && around.Kinds&(Object|Array) != 0 && !around.Free {
			changes = append(changes, Change{New, now.Pointer, "", now.Kinds.String()})
		}
	}
	return changes
}

func (s Shape) index() map[string]Field {
	index := make(map[string]Field, len(s.Fields))
	for _, f := range s.Fields {
		index[f.Pointer] = f
	}
	return index
}

func compare(old, now Field, observed bool) []Change {
	var changes []Change
	add := func(kind ChangeKind, was, is string) {
		changes = append(changes, Change{kind, old.Pointer, was, is})
	}
	if old.Kinds != now.Kinds && old.Kinds != 0 && (!observed || now.Kinds&^old.Kinds != 0) {
		add(Retyped, old.Kinds.String(), now.Kinds.String())
	}
	// Of payloads it is known only whether their strings are date-times.
	reformed := old.Format != now.Format && old.Kinds&now.Kinds&String != 0
	if reformed && (!observed || old.Format == string(julian.DateTime)) {
		add(Reformed, old.Format, now.Format)
	}
	if old.Values != nil {
		for _, value := range now.Values {
			if !slices.Contains(old.Values, value) {
				add(NewValue, "", value)
			}
		}
	}
	if !observed {
		for _, value := range old.Values {
			if now.Values != nil && !slices.Contains(now.Values, value) {
				add(LostValue, value, "")
			}
		}
		if old.Values != nil && now.Values == nil {
			add(NewValue, strings.Join(old.Values, ", "), "any value")
		}
	}
	switch {
	case strings.HasSuffix(old.Pointer, "/*") || old.Pointer == "":
	case old.Always && !now.Always:
		add(Optional, "always there", "not always there")
	case now.Always && !old.Always && !observed:
		add(Always, "not always there", "always there")
	}
	return changes
}

package crashcheck

import (
	"fmt"

	"github.com/julianctl/julianctl/pkg/units"
)

// effectsOf is how often one call was processed.
type effectsOf struct {
	probe int
	spies []int
	names []string // of the spies
	err   string
}

// wrong reports whether it is anything but once.
func (e effectsOf) wrong(spied []bool) bool { return e.err == "" && e.word(spied) != "" }

// lost reports that something is missing.
func (e effectsOf) lost(spied []bool) bool {
	if e.probe < 1 {
		return true
	}
	for i, n := range e.spies {
		if i < len(spied) && spied[i] && n < 1 {
			return true
		}
	}
	return false
}

// more reports that something happened more than once.
func (e effectsOf) more(spied []bool) bool {
	return e.wrong(spied) && !e.lost(spied)
}

// word says what is wrong, "" when nothing is. The name of a spy that was called
// more or less than once is in front.
func (e effectsOf) word(spied []bool) string {
	if e.probe != 1 {
		return fmt.Sprintf("processed %s, expected 1", units.Count(e.probe, "time"))
	}
	for i, n := range e.spies {
		if n > 1 || spied[i] && n < 1 {
			return fmt.Sprintf("%s told %s, expected 1", e.names[i], units.Count(n, "time"))
		}
	}
	return ""
}

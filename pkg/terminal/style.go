package terminal

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Paint colours a text without changing its width.
type Paint func(string) string

// Style has the colours of the program, for one stream.
type Style struct {
	Good, Warn, Bad, Accent, Bold, Faint Paint
}

// NewStyle is the style of what is written to w, plain without colour.
func NewStyle(w io.Writer, colour bool) Style {
	if !colour {
		plain := func(s string) string { return s }
		return Style{plain, plain, plain, plain, plain, plain}
	}
	// A fixed profile: the terminal is not queried, and the 16 named colours follow the
	// user's theme.
	r := lipgloss.NewRenderer(w)
	r.SetColorProfile(termenv.ANSI)
	r.SetHasDarkBackground(true)
	base := r.NewStyle().Inline(true).TabWidth(lipgloss.NoTabConversion)
	of := func(s lipgloss.Style) Paint { return func(text string) string { return s.Render(text) } }
	return Style{
		Good:   of(base.Foreground(lipgloss.Color("2"))),
		Warn:   of(base.Foreground(lipgloss.Color("3"))),
		Bad:    of(base.Foreground(lipgloss.Color("1")).Bold(true)),
		Accent: of(base.Foreground(lipgloss.Color("6"))),
		Bold:   of(base.Bold(true)),
		Faint:  of(base.Faint(true)),
	}
}

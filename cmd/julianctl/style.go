package main

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// paint colours a piece of text. It never changes the text's width.
type paint func(string) string

// style is the few colours that the program speaks in, for one stream.
type style struct {
	good, warn, bad, accent, bold, faint paint
}

func newStyle(w io.Writer, colour bool) style {
	if !colour {
		plain := func(s string) string { return s }
		return style{plain, plain, plain, plain, plain, plain}
	}
	// A fixed profile: nothing is asked of the terminal, and the 16 named
	// colours follow the person's theme.
	r := lipgloss.NewRenderer(w)
	r.SetColorProfile(termenv.ANSI)
	r.SetHasDarkBackground(true)
	base := r.NewStyle().Inline(true).TabWidth(lipgloss.NoTabConversion)
	of := func(s lipgloss.Style) paint { return func(text string) string { return s.Render(text) } }
	return style{
		good:   of(base.Foreground(lipgloss.Color("2"))),
		warn:   of(base.Foreground(lipgloss.Color("3"))),
		bad:    of(base.Foreground(lipgloss.Color("1")).Bold(true)),
		accent: of(base.Foreground(lipgloss.Color("6"))),
		bold:   of(base.Bold(true)),
		faint:  of(base.Faint(true)),
	}
}

// styles decides on colour for both streams: --color above all, then NO_COLOR,
// then whether a terminal is there.
func (a *app) styles(when string) (out, err style) {
	on := func(o *output) bool {
		switch when {
		case "always":
			return true
		case "never":
			return false
		}
		return a.env("NO_COLOR") == "" && a.env("TERM") != "dumb" && o.isTTY()
	}
	return newStyle(a.out, on(a.out)), newStyle(a.err, on(a.err))
}

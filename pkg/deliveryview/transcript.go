package deliveryview

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// turn is what one speaker said in one go.
type turn struct {
	speaker string // empty when the line names none
	lines   []string
}

// turns cuts a transcript into turns. The provider documents no form; the
// sample has "User: …", one turn a line. A line without a speaker goes on with
// the turn before it.
func turns(transcript string) []turn {
	var out []turn
	for line := range strings.Lines(strings.ReplaceAll(transcript, "\r\n", "\n")) {
		line = strings.TrimSpace(line)
		speaker, words, found := strings.Cut(line, ":")
		switch {
		case line == "":
		case found && isSpeaker(speaker):
			out = append(out, turn{speaker, []string{strings.TrimSpace(words)}})
		case len(out) > 0:
			last := &out[len(out)-1]
			last.lines = append(last.lines, line)
		default:
			out = append(out, turn{lines: []string{line}})
		}
	}
	return out
}

// isSpeaker reports whether s, before a colon, is a name and not a sentence.
func isSpeaker(s string) bool {
	if s == "" || len(s) > 40 || len(strings.Fields(s)) > 3 {
		return false
	}
	first := []rune(s)[0]
	return unicode.IsLetter(first) && !unicode.IsLower(first) && !strings.ContainsAny(s, ".,;!?\"/")
}

const (
	firstTurns = 3
	lastTurns  = 1
)

// transcript writes a few turns of a transcript, or all of them with --full.
func (f *fieldWriter) transcript(transcript string) {
	all := turns(transcript)
	if len(all) == 0 {
		return
	}
	colours := map[string]terminal.Paint{}
	names := 0
	for _, t := range all {
		if _, known := colours[t.speaker]; !known && t.speaker != "" && len(colours) < 64 {
			colours[t.speaker] = []terminal.Paint{f.st.Accent, f.st.Good, f.st.Warn}[len(colours)%3]
			names = max(names, min(16, terminal.Cells(safetext.Line(t.speaker))))
		}
	}
	if names > 0 {
		names += 2
	}
	label := "transcript"
	for i, t := range all {
		if folded := len(all) - firstTurns - lastTurns; folded > 1 && !f.full {
			if i == firstTurns {
				f.labelled(label, []string{f.st.Faint(fmt.Sprintf("… %d more turns; --full shows them", folded))})
			}
			if i >= firstTurns && i < len(all)-lastTurns {
				continue
			}
		}
		f.turn(label, t, names, colours[t.speaker])
		label = ""
	}
}

func (f *fieldWriter) turn(label string, t turn, names int, colour terminal.Paint) {
	room := max(20, f.width-len(indent)-LabelWidth-names)
	lines := f.lines(safetext.Line(strings.Join(t.lines, " ")), room, 2)
	speaker := ""
	if names > 0 {
		speaker = terminal.Pad(terminal.Fit(safetext.Line(t.speaker), names-2), names)
	}
	if colour != nil {
		speaker = colour(speaker)
	}
	f.labelled(label, terminal.Hang(speaker, lines))
}

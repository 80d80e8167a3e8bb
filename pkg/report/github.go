package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/validate"
)

const (
	// maxAnnotations leaves one of the 10 of each kind that GitHub keeps of a
	// step.
	maxAnnotations = 9
	// maxAnnotation is less than the 4,096 characters after which the runner
	// cuts a message.
	maxAnnotation = 4000
	// maxTitle is less than the 255 that a title may have.
	maxTitle = 200
)

// The escapes of the runner's parser (ActionCommand.cs in actions/runner), in
// the text of a command and in its properties.
var (
	commandText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// writeGitHub writes workflow commands that annotate files: at most 9, errors
// first, and then a notice that says how many more there are.
func writeGitHub(w io.Writer, r Report) error {
	out := bufio.NewWriter(w)
	left := r.toShow()
	shown := 0
	for _, severity := range []validate.Severity{validate.Error, validate.Warning} {
		for _, f := range r.findings() {
			if f.Severity == severity && shown < maxAnnotations {
				annotate(out, r.Name, f)
				left.Findings[severity]--
				shown++
			}
		}
	}
	if more := left.more(); more != "" {
		fmt.Fprintf(out, "::notice title=julianctl %s::%s\n", r.Name, more)
	}
	return out.Flush()
}

// annotate writes the command for one finding, on one line. Severity is the
// command's name, or there would be no such command.
func annotate(out *bufio.Writer, name string, f validate.Issue) {
	text := messageOf(f)
	if f.Hint != "" {
		text += "\n" + safetext.Text(f.Hint)
	}
	var at string
	if f.File != "" {
		at = "file=" + commandProperty.Replace(safetext.Line(f.File)) + ","
		if f.Line > 0 {
			at += fmt.Sprintf("line=%d,col=%d,", f.Line, f.Column)
		}
	}
	title := commandProperty.Replace(clip(safetext.Line("julianctl "+name+": "+f.Rule), maxTitle))
	// bufio.Writer keeps its first error for Flush.
	fmt.Fprintf(out, "::%s %stitle=%s::%s\n", f.Severity, at, title, commandText.Replace(clip(text, maxAnnotation)))
}

// clip shortens s to max bytes, between characters.
func clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	return strings.ToValidUTF8(s[:max], "") + "…"
}

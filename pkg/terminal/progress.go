package terminal

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
)

// How often progress is shown: on a terminal, and in a log.
const (
	progressFirst = time.Second // work that is shorter shows none
	progressFrame = 200 * time.Millisecond
	progressLine  = 10 * time.Second
	progressSame  = time.Minute // in a log, where nothing has changed
)

// Progress shows on stderr how far a long operation is: on a terminal in one line that is
// redrawn and removed at the end, elsewhere in a new line every few seconds. A nil
// *Progress shows nothing.
type Progress struct {
	out   *Output
	live  bool
	state ProgressState

	mu      sync.Mutex
	drawn   bool
	last    string // line in a log, and when it was written
	written time.Time
	stop    chan struct{}
	drawing sync.WaitGroup
}

// ProgressState returns what to show after so long: the share of the work that is done, 0
// if not known, and words, the most important first.
type ProgressState func(after time.Duration) (share float64, words []string)

// NewProgress starts showing state on out: with live in one line that is redrawn,
// otherwise in a new line every few seconds. The caller ends it.
func NewProgress(out *Output, live bool, state ProgressState) *Progress {
	p := &Progress{
		out:   out,
		live:  live,
		state: state,
		stop:  make(chan struct{}),
	}
	p.drawing.Go(p.run)
	return p
}

func (p *Progress) run() {
	start := time.Now()
	every, next := progressLine, progressLine
	if p.live {
		every, next = progressFrame, progressFirst
	}
	timer := time.NewTimer(next)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			p.Show(p.state(time.Since(start)))
			timer.Reset(every)
		case <-p.stop:
			return
		}
	}
}

// Show shows the state at once.
func (p *Progress) Show(share float64, words []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.live {
		if share > 0 {
			words = append([]string{units.Percent(share)}, words...)
		}
		line := strings.Join(words, ", ")
		if line == p.last && time.Since(p.written) < progressSame {
			return
		}
		p.last, p.written = line, time.Now()
		fmt.Fprintf(p.out, "%s\n", line)
		return
	}
	// The last column stays free: some terminals go to the next line with it.
	fmt.Fprintf(p.out, "\r%s\x1b[K", liveLine(share, words, p.out.Width()-1))
	p.drawn = true
}

// liveLine fits a bar and words into so many columns. On a narrow terminal the bar is left
// out first.
func liveLine(share float64, words []string, columns int) string {
	if share > 0 {
		done := PadLeft(units.Percent(share), 4)
		if columns >= 60 {
			done = bar(share, 20) + " " + done
		}
		words = append([]string{done}, words...)
	}
	line := ""
	for i, word := range words {
		if i > 0 {
			word = "  " + word
		}
		if Cells(line)+Cells(word) > columns {
			break
		}
		line += word
	}
	return line
}

// Above prints something else above the line.
func (p *Progress) Above(show func()) {
	if p == nil {
		show()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	show()
}

// End stops showing progress and removes the line.
func (p *Progress) End() {
	if p == nil {
		return
	}
	close(p.stop)
	p.drawing.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *Progress) clear() {
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}

// bar shows a share of 1 in so many cells.
func bar(share float64, cells int) string {
	n := int(max(0, min(share, 1))*float64(cells) + 0.5)
	return strings.Repeat("━", n) + strings.Repeat("─", cells-n)
}

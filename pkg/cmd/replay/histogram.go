package replay

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
)

const (
	histogramValues = 20 // of fewer answers, percentiles say it better
	histogramRows   = 8  // at most
	histogramBar    = 32 // columns of the longest bar
)

// histogram draws the distribution of the latencies.
func (p *printer) histogram(l deliver.Latency) {
	if l.Count() < histogramValues {
		return
	}
	edges := histogramEdges(l.Min(), l.Max())
	counts := l.Counts(edges)
	var most int64
	for _, n := range counts {
		most = max(most, n)
	}
	blocks, upTo := utf8Locale(p.a), "≤ "
	if !blocks {
		upTo = "<= "
	}
	for i, n := range counts {
		bar := barOf(float64(n)/float64(most), histogramBar, blocks)
		if n == 0 {
			bar = ""
		}
		p.row("", fmt.Sprintf("%s  %s%s %7s", terminal.PadLeft(upTo+units.Time(edges[i]), 8), p.a.Style.Accent(bar), strings.Repeat(" ", histogramBar-terminal.Cells(bar)), units.Number(n)))
	}
}

// histogramEdges returns the upper edges of a few spans that cover all values: round
// numbers, each about twice the one before, or ten times for a wide range. A narrow
// range is split evenly.
func histogramEdges(low, high time.Duration) []time.Duration {
	for _, steps := range [][]time.Duration{{1, 2, 5}, {1}} {
		var edges []time.Duration
		for decade := time.Microsecond; len(edges) == 0 || edges[len(edges)-1] < high; decade *= 10 {
			for _, step := range steps {
				edge := decade * step
				if edge >= low && (len(edges) == 0 || edges[len(edges)-1] < high) {
					edges = append(edges, edge)
				}
			}
		}
		if len(edges) < 4 {
			break
		}
		if len(edges) <= histogramRows {
			return edges
		}
	}
	const spans = 6
	edges := make([]time.Duration, spans)
	for i := range edges {
		edges[i] = low + (high-low)*time.Duration(i+1)/spans
	}
	return edges
}

// barOf returns a bar for a share of 1, in up to so many columns, never empty.
func barOf(share float64, columns int, blocks bool) string {
	if !blocks {
		return strings.Repeat("#", max(1, int(share*float64(columns)+0.5)))
	}
	eighths := max(1, int(share*float64(8*columns)+0.5))
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return bar
}

// utf8Locale reports whether the locale supports UTF-8. An unset locale does, as in most
// CI systems.
func utf8Locale(a *cli.App) bool {
	locale := strings.ToUpper(cmp.Or(a.Env("LC_ALL"), a.Env("LC_CTYPE"), a.Env("LANG")))
	return locale == "" || strings.Contains(locale, "UTF-8") || strings.Contains(locale, "UTF8")
}

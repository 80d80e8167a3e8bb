package replay

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
)

func TestHistogramEdges(t *testing.T) {
	const us, ms, s = time.Microsecond, time.Millisecond, time.Second
	for _, tt := range []struct {
		low, high time.Duration
		want      string
	}{
		{150 * us, 4 * ms, "200µs 500µs 1ms 2ms 5ms"},
		{1 * ms, 2 * ms, "1.2ms 1.3ms 1.5ms 1.7ms 1.8ms 2ms"}, // close together
		{80 * us, 940 * ms, "100µs 1ms 10ms 100ms 1s"},        // far apart
		{1 * us, time.Hour, ""},
		{1 * us, 1 * us, "1µs 1µs 1µs 1µs 1µs 1µs"},
		{600 * ms, 70 * s, "1s 2s 5s 10s 20s 50s 1m40s"},
	} {
		edges := histogramEdges(tt.low, tt.high)
		var texts []string
		for i, e := range edges {
			texts = append(texts, units.Time(e))
			if i > 0 && e < edges[i-1] {
				t.Errorf("%s to %s: %s after %s", tt.low, tt.high, e, edges[i-1])
			}
		}
		if got := strings.Join(texts, " "); tt.want != "" && got != tt.want {
			t.Errorf("%s to %s: %s, want %s", tt.low, tt.high, got, tt.want)
		}
		if edges[0] < tt.low || edges[len(edges)-1] < tt.high || len(edges) > histogramRows {
			t.Errorf("%s to %s: %v", tt.low, tt.high, edges)
		}
	}
}

func TestHistogram(t *testing.T) {
	var l deliver.Latency
	for i := range 4000 {
		l.Record(time.Duration(i/1000+1) * time.Millisecond)
	}
	for range 1000 {
		l.Record(900 * time.Millisecond)
	}
	for _, tt := range []struct{ locale, want string }{
		{"en_US.UTF-8", `
               ≤ 1ms  ██████████▋                        1,000
              ≤ 10ms  ████████████████████████████████   3,000
             ≤ 100ms                                         0
                ≤ 1s  ██████████▋                        1,000
`},
		{"C", `
              <= 1ms  ###########                        1,000
             <= 10ms  ################################   3,000
            <= 100ms                                         0
               <= 1s  ###########                        1,000
`},
	} {
		var out bytes.Buffer
		a := clitest.App(t)
		a.Out = terminal.NewOutput(&out)
		a.Style, a.ErrStyle = a.Styles("never")
		a.Env = func(name string) string { return map[string]string{"LANG": tt.locale}[name] }
		p := &printer{a: a}
		p.histogram(l)
		if d := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), out.String()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		out.Reset()
		var few deliver.Latency
		few.Record(time.Second)
		if p.histogram(few); out.Len() > 0 {
			t.Errorf("of one value: %s", out.String())
		}
	}
}

package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/page"
	"github.com/julianctl/julianctl/pkg/page/browsertest"
	"github.com/julianctl/julianctl/pkg/units"
)

// The sums are those of the files in uPlot 1.6.32 as npm gives it out, whose
// package has the integrity
// sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==
func TestChartLibraryIsUnaltered(t *testing.T) {
	want := map[string]string{
		"uplot/LICENSE":           "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
		"uplot/uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
		"uplot/uPlot.min.css":     "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
	}
	got := map[string]string{}
	err := fs.WalkDir(page.Files(), "uplot", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(page.Files(), name)
		got[name] = fmt.Sprintf("%x", sha256.Sum256(body))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every file that a page is made of is there, and does not end the element that
// it stands in.
func TestFilesStandInElements(t *testing.T) {
	for _, name := range []string{"page.css", "page.js", "uplot/uPlot.min.css", "uplot/uPlot.iife.min.js", "uplot/LICENSE"} {
		body, err := fs.ReadFile(page.Files(), name)
		if err != nil || len(body) < 500 {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
		}
		for _, end := range []string{"</script", "</style", "<!--", "-->"} {
			if bytes.Contains(bytes.ToLower(body), []byte(end)) {
				t.Errorf("%s holds %q", name, end)
			}
		}
	}
}

// hostile text tries to end whatever it may stand in.
var hostile = []string{
	"</script><script>document.title='owned'</script>", "<!--<script>", "-->", "]]>", "</title><script>document.title='owned'</script>",
	"a\u2028b\u2029c", `"><img src=x onerror="document.title='owned'">`, "'-alert(1)-'", "{{.}}", "&lt;b&gt;", "</style>", "javascript:alert(1)",
	`<a href="https://example.com/">x</a>`, "<link rel=stylesheet href=https://example.com/x.css>",
}

func body() page.Node {
	var items []page.Node
	for _, text := range hostile {
		items = append(items, page.El("li", text, page.Text(text)))
	}
	return page.El("main", "", page.El("h1", "", page.Text("A page")), page.El("ul", "", items...),
		page.El("div", "line"), page.El("div", "stack"), page.El("div", "nines"))
}

const script = `
const d = page.data();
page.chart(document.querySelector(".line"), {title: "a line", x: "elapsed", y: "ms", log: true,
  series: [{label: d.label, ink: "data1"}, {label: "max", ink: "data2", dash: [3, 3]}], columns: d.line, bands: [{between: [1, 0], ink: "data1", fill: 15}]});
page.chart(document.querySelector(".stack"), {title: "a stack", x: "clock", y: "count", stack: true, step: 1,
  series: [{label: "good", ink: "data-good"}, {label: "bad", ink: "data-bad"}], columns: d.stack});
page.chart(document.querySelector(".nines"), {title: "percentiles", x: "percentile", y: "ms",
  series: [{label: d.label, ink: "data1"}], columns: d.nines});
`

func document() page.Document {
	return page.Document{
		Title: hostile[4],
		Body:  body(),
		Data: map[string]any{
			"label": hostile[0], "texts": hostile,
			"line":  [][]any{{0, 1, 2, 3}, {0.2, nil, 0.4, 800}, {1, 2, 3, 900}},
			"stack": [][]int{{1700000000, 1700000001, 1700000002}, {50_000, 60_000, 70_000}, {0, 3, 1}},
			"nines": [][]float64{{0, 50, 90, 99, 99.9}, {1, 2, 3, 4, 90}},
		},
		Style: "main { max-width: 900px; margin: 0 auto; padding: 24px; }", Script: script,
	}
}

func write(t *testing.T, d page.Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Nothing in the data ends its element, and scripts read what was given.
func TestDataStaysData(t *testing.T) {
	out := write(t, document())
	_, data, _ := strings.Cut(out, `<script type="application/json" id="data">`)
	data, _, _ = strings.Cut(data, "</script")
	if i := strings.IndexAny(data, "<>&\u2028\u2029"); i >= 0 {
		t.Errorf("the data holds %q", data[i:min(len(data), i+20)])
	}
	var got struct{ Texts []string }
	if err := json.Unmarshal([]byte(data), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(hostile, got.Texts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(regexp.MustCompile(`(?i)<script`).FindAllString(out, -1)); n != 4 {
		t.Errorf("%d script elements, want 4", n)
	}
}

func TestWithoutDataThereAreNoScripts(t *testing.T) {
	d := document()
	d.Data = nil
	out := write(t, d)
	if strings.Contains(out, "<script") || !strings.Contains(out, "script-src 'none'") {
		t.Errorf("%.1000s", out)
	}
}

func TestNothingIsWrittenOfABrokenPage(t *testing.T) {
	broken := document()
	broken.Data = func() {}
	var b bytes.Buffer
	if err := broken.Write(&b); err == nil || b.Len() > 0 {
		t.Errorf("%v after %d bytes", err, b.Len())
	}
	if err := document().Write(full{}); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestInBrowser(t *testing.T) {
	browser := browsertest.Start(t)
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(write(t, document())), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, view := range browsertest.Views {
		t.Run(name, func(t *testing.T) {
			p := browser.Open(t, "file://"+path, view)
			p.CheckCharts(3)
			p.CheckFits()
			p.CheckQuiet()
			if got := browsertest.Eval[string](p, "document.title"); got != hostile[4] {
				t.Errorf("the title is %q", got)
			}
			got := browsertest.Eval[[]string](p, `[...document.querySelectorAll("main > ul > li")].map((e) => e.textContent === e.className ? e.textContent : "class and text differ")`)
			if diff := cmp.Diff(hostile, got); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			if got := browsertest.Eval[string](p, `document.querySelector(".nines .legend li").textContent`); got != hostile[0] {
				t.Errorf("the legend is %q", got)
			}
			p.Picture("page " + name)
			checkPrint(t, p)
		})
	}
}

// checkPrint proves that charts on paper are light and fit it, and that the page
// is as before when that is done.
func checkPrint(t *testing.T, p *browsertest.Page) {
	t.Helper()
	type chart struct {
		Width int
		Drawn string
	}
	see := func(before string) []chart {
		return browsertest.Eval[[]chart](p, before+`;new Promise((done) => requestAnimationFrame(() => done([...document.querySelectorAll("canvas")].map((c) => ({Width: c.width, Drawn: c.toDataURL()})))))`)
	}
	screen := see("")
	paper := see(`dispatchEvent(new Event("beforeprint"))`)
	after := see(`dispatchEvent(new Event("afterprint"))`)
	if diff := cmp.Diff(screen, after); diff != "" {
		t.Errorf("printing changed the page:\n%.500s", diff)
	}
	for _, c := range paper {
		if c.Width != 640 {
			t.Errorf("a chart on paper is %d pixels wide", c.Width)
		}
	}
	p.Show(browsertest.View{Dark: true})
	if diff := cmp.Diff(paper, see(`dispatchEvent(new Event("beforeprint"))`)); diff != "" {
		t.Errorf("paper is not the same in the dark:\n%.500s", diff)
	}
}

// Charts follow the theme and the width of the window, and tell the values under
// the mouse as text.
func TestChartsFollow(t *testing.T) {
	browser := browsertest.Start(t)
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(write(t, document())), 0o600); err != nil {
		t.Fatal(err)
	}
	p := browser.Open(t, "file://"+path, browsertest.View{})
	drawn := func() []string {
		p.CheckFits() // waits until it is laid out
		return browsertest.Eval[[]string](p, `[...document.querySelectorAll("canvas")].map((c) => c.toDataURL())`)
	}
	seen := map[string]bool{}
	for _, v := range []browsertest.View{{}, {Dark: true}, {Width: 390, Dark: true}, {Width: 390}} { // each differs in one thing from that before
		p.Show(v)
		for _, d := range drawn() {
			if seen[d] {
				t.Errorf("%+v: a chart is as in another view", v)
			}
			seen[d] = true
		}
	}
	p.Show(browsertest.View{})
	drawn()
	// Three of 60,000 and one of 70,000 are less than a pixel, and are seen.
	red := browsertest.Eval[int](p, `(() => {
		const c = document.querySelector(".stack canvas"), px = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		let n = 0;
		for (let i = 0; i < px.length; i += 4) if (px[i] === 0xcb && px[i + 1] === 0x3a && px[i + 2] === 0x3f) n++;
		return n;
	})()`)
	if red < 2*2*40 {
		t.Errorf("%d pixels show failures", red)
	}
	tip := browsertest.Eval[string](p, `(() => {
		const over = document.querySelector(".line .u-over"), at = over.getBoundingClientRect();
		over.dispatchEvent(new MouseEvent("mousemove", {clientX: at.right - 3, clientY: at.top + 20, bubbles: true}));
		return new Promise((done) => requestAnimationFrame(() => done(document.querySelector(".line .tip").innerText)));
	})()`)
	if want := "3s\nmax\n900ms\n" + hostile[0] + "\n800ms"; strings.Join(strings.Fields(tip), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("the tip says %q, want %q", tip, want)
	}
}

// Text can be read and data be seen, in light and dark, as WCAG 2.2 measures
// contrast: 4.5 to 1 for text (also on a badge's breath of its own colour, and
// on what is raised), 3 to 1 for what is drawn.
func TestContrast(t *testing.T) {
	css, err := fs.ReadFile(page.Files(), "page.css")
	if err != nil {
		t.Fatal(err)
	}
	type colour [3]float64
	tokens := map[string][2]colour{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)`).FindAllStringSubmatch(string(css), -1) {
		var both [2]colour
		for i := range both {
			var r, g, b uint8
			if _, err := fmt.Sscanf(m[2+i], "%02x%02x%02x", &r, &g, &b); err != nil {
				t.Fatal(err)
			}
			both[i] = colour{float64(r) / 255, float64(g) / 255, float64(b) / 255}
		}
		tokens[m[1]] = both
	}
	luminance := func(c colour) float64 {
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			v := c[i] / 12.92
			if c[i] > 0.04045 {
				v = math.Pow((c[i]+0.055)/1.055, 2.4)
			}
			sum += weight * v
		}
		return sum
	}
	contrast := func(a, b colour) float64 {
		x, y := luminance(a)+0.05, luminance(b)+0.05
		return max(x, y) / min(x, y)
	}
	seen := 0
	for name, both := range tokens {
		for theme, c := range both {
			ground, least := tokens["ground"][theme], 3.0
			grounds := []colour{ground}
			switch {
			case name == "ground" || name == "raised" || name == "line":
				continue
			case !strings.HasPrefix(name, "data"):
				least = 4.5
				badge := colour{}
				for i := range badge {
					badge[i] = 0.11*c[i] + 0.89*ground[i]
				}
				grounds = append(grounds, badge, tokens["raised"][theme])
			}
			for _, g := range grounds {
				seen++
				if got := contrast(c, g); got < least {
					t.Errorf("%s has a contrast of %.1f in theme %d, want %.1f", name, got, theme, least)
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d pairs of colours were measured", seen)
	}
}

// A page writes amounts as pkg/units does.
func TestUnitsAreOfOneForm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "units.html")
	if err := os.WriteFile(path, []byte(write(t, page.Document{Title: "units", Body: page.El("main", ""), Data: 1})), 0o600); err != nil {
		t.Fatal(err)
	}
	p := browsertest.Start(t).Open(t, "file://"+path, browsertest.View{})
	var given []float64
	for v := 0.0005; v < 4e8; v *= 1.037 { // milliseconds, bytes, a second
		given = append(given, v)
	}
	given = append(given, 0, 1, 9.949, 9.95, 10, 59, 59.5, 60, 999.4, 999.5, 1000, 1023, 1024, 1.25, 59499, 59500, 60000, 125000, 3599500, 3725000, 172800000)
	list, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]func(v float64) string{
		"ms":    func(v float64) string { return units.Time(time.Duration(math.Round(v*1000)) * time.Microsecond) },
		"bytes": func(v float64) string { return units.Size(int64(math.Round(v))) },
		"rate":  units.Rate,
		"count": func(v float64) string { return units.Number(int64(math.Round(v))) },
	} {
		// Times are measured in microseconds, and sizes are whole.
		round := map[string]string{"ms": "Math.round(v * 1000) / 1000", "bytes": "Math.round(v)", "rate": "v", "count": "Math.round(v)"}[name]
		got := browsertest.Eval[[]string](p, string(list)+".map((v) => page."+name+"("+round+"))")
		for i, v := range given {
			if want := form(v); got[i] != want {
				t.Errorf("%s of %v is %q on a page, %q elsewhere", name, v, got[i], want)
			}
		}
	}
}

// Package browsertest opens pages in a headless Chromium, for tests. It owns
// how a browser is found and run, and what every page of julianctl must stand:
// no errors, no network, no sideways scrolling, charts that are drawn.
//
// Only tests import it.
package browsertest

import (
	"cmp"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/julianctl/julianctl/pkg/needs"
)

// Browser is a headless Chromium that ends with its test.
type Browser struct {
	t   testing.TB
	ctx context.Context
}

// View is how a page is looked at. Width and Height are CSS pixels; 0 means
// 1280 and 800.
type View struct {
	Width, Height int
	Dark          bool
}

// Views are those that every page is looked at in.
var Views = map[string]View{
	"wide light":   {Width: 1280},
	"wide dark":    {Width: 1280, Dark: true},
	"narrow light": {Width: 390},
	"narrow dark":  {Width: 390, Dark: true},
}

// Start starts a browser: the one that JULIANCTL_CHROMIUM names, chromium or
// google-chrome. Without any the test is skipped, or fails where
// JULIANCTL_NEEDS lists chromium.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := find()
	if path == "" {
		needs.Missing(t, "chromium", "there is none; JULIANCTL_CHROMIUM may name one")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // containers and root have none; pages are our own
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop) // waits for the process
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	return &Browser{t, ctx}
}

// find returns the path of a browser, "" if there is none.
func find() string {
	for _, name := range []string{os.Getenv("JULIANCTL_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Page is an open page.
type Page struct {
	t   testing.TB
	url string
	ctx context.Context

	mu       sync.Mutex
	problems []string
	requests []string
}

// Open opens a page in a tab of its own and waits until it has loaded.
func (b *Browser) Open(t testing.TB, address string, v View) *Page {
	t.Helper()
	tab, closeTab := chromedp.NewContext(b.ctx)
	t.Cleanup(closeTab)
	if err := chromedp.Do(tab); err != nil { // before there is a time-out, which would end the tab
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	t.Cleanup(cancel)
	p := &Page{t: t, url: address, ctx: ctx}
	if err := chromedp.Listen(ctx, p.event); err != nil {
		t.Fatal(err)
	}
	p.Do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, network.Enable, network.EnableParams{})
		return err
	}))
	p.Show(v)
	p.Do(chromedp.Navigate(address))
	return p
}

// Show changes how the page is looked at.
func (p *Page) Show(v View) {
	p.t.Helper()
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	p.Do(
		chromedp.EmulateViewport(int64(cmp.Or(v.Width, 1280)), int64(cmp.Or(v.Height, 800))),
		chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}),
	)
}

func (p *Page) event(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += " " + thrown.Description
		}
		p.problems = append(p.problems, text)
	case *runtime.EventConsoleAPICalled:
		if slices.Contains([]string{"error", "warning", "assert"}, string(e.Type)) {
			words := []string{"console." + string(e.Type)}
			for _, arg := range e.Args {
				words = append(words, string(arg.Value)+arg.Description)
			}
			p.problems = append(p.problems, strings.Join(words, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.problems = append(p.problems, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	}
}

// settle waits until the page was laid out and painted, and has seen it.
func (p *Page) settle() {
	p.t.Helper()
	Eval[bool](p, "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true)))))")
}

// Do does steps in the page, and fails the test with the first that fails.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v", p.url, err)
	}
}

// Run does one action in the page and returns its value.
func Run[T any](p *Page, action chromedp.Action[T]) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, action)
	if err != nil {
		p.t.Fatalf("%s: %v", p.url, err)
	}
	return value
}

// Eval returns the value of a JavaScript expression, or what its promise comes
// to.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	return Run(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Until waits for a JavaScript condition to hold, and fails the test t where it
// never does. A condition that throws does not hold yet.
func (p *Page) Until(t testing.TB, condition string) {
	t.Helper()
	if Eval[bool](p, `new Promise((done) => {
		const end = performance.now() + 20000;
		const look = () => {
			let holds = false;
			try { holds = !!(`+condition+`); } catch {}
			if (holds || performance.now() > end) done(holds); else setTimeout(look, 10);
		};
		look();
	})`) {
		return
	}
	t.Fatalf("%s: never: %s\nfocus: %s\nit shows:\n%s", p.url, condition,
		Eval[string](p, "document.activeElement.outerHTML.slice(0, 200)"), Eval[string](p, "document.body.innerText.slice(0, 3000)"))
}

// Picture writes the whole page as a PNG of this name into the folder that
// JULIANCTL_PICTURES names, for people to look at; without one, nothing. Of a
// page that is very long it shows the beginning.
func (p *Page) Picture(name string) {
	p.t.Helper()
	dir := os.Getenv("JULIANCTL_PICTURES")
	if dir == "" {
		return
	}
	p.settle()
	path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png")
	shot := chromedp.FullScreenshot(100)
	if Eval[int](p, "document.documentElement.scrollHeight") > 12_000 { // the browser has its limits
		shot = chromedp.CaptureScreenshot()
	}
	if err := os.WriteFile(path, Run(p, shot), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// CheckQuiet fails the test where the page logged an error or a warning, threw,
// broke its own policy, or asked for anything outside its origin; of a file,
// anything but itself.
func (p *Page) CheckQuiet() {
	p.t.Helper()
	p.settle()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.problems {
		p.t.Errorf("%s: %s", p.url, problem)
	}
	if len(p.requests) == 0 {
		p.t.Errorf("%s: not even the page was asked for", p.url)
	}
	for _, request := range p.requests {
		if !sameOrigin(p.url, request) {
			p.t.Errorf("%s asks for %s", p.url, request)
		}
	}
}

func sameOrigin(page, request string) bool {
	a, errA := url.Parse(page)
	b, errB := url.Parse(request)
	if errA != nil || errB != nil || a.Scheme != b.Scheme || a.Host != b.Host {
		return false
	}
	return a.Scheme != "file" || a.Path == b.Path
}

// CheckFits fails the test where the page is wider than the window, and names
// what sticks out.
func (p *Page) CheckFits() {
	p.t.Helper()
	p.settle()
	out := Eval[[]string](p, `(() => {
		const root = document.documentElement;
		if (root.scrollWidth <= root.clientWidth) return [];
		return [root.scrollWidth + " of " + root.clientWidth + " px", ...[...document.querySelectorAll("body *")]
			.filter((e) => e.getBoundingClientRect().right > root.clientWidth && !e.closest(".table"))
			.map((e) => e.tagName + "." + e.className).slice(0, 5)];
	})()`)
	if len(out) > 0 {
		p.t.Errorf("%s scrolls sideways: %s", p.url, strings.Join(out, ", "))
	}
}

// CheckCharts fails the test unless there are so many charts and each has
// something drawn on it.
func (p *Page) CheckCharts(want int) {
	p.t.Helper()
	inked := Eval[[]int](p, `[...document.querySelectorAll("canvas")].map((c) => {
		const pixels = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		let inked = 0;
		for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) inked++;
		return inked;
	})`)
	if len(inked) != want {
		p.t.Errorf("%s has %d charts, want %d", p.url, len(inked), want)
	}
	for i, n := range inked {
		if n < 500 { // its labels alone have more
			p.t.Errorf("%s: chart %d has %d pixels drawn", p.url, i+1, n)
		}
	}
}

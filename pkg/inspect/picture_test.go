package inspect_test

import (
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/julianctl/julianctl/pkg/page/browsertest"
)

// The README's pictures: .github/inspector-picture has them drawn.
func TestPicture(t *testing.T) {
	if os.Getenv("JULIANCTL_PICTURES") == "" {
		t.Skip("JULIANCTL_PICTURES names no folder for them")
	}
	browser := browsertest.Start(t)
	l := openLog(t)
	fill(t, l, 400, time.Now(), 9*time.Second)
	for name, dark := range map[string]bool{"inspector-light": false, "inspector-dark": true} {
		p := browser.Open(t, serve(t, everything(l)), browsertest.View{Width: 1360, Height: 860, Dark: dark})
		p.Until(t, `document.querySelectorAll("#charts canvas").length === 2`)
		eval(p, `[...document.querySelectorAll(".room .row")].slice(2).find((r) => r.textContent.includes("Goal Completed")).click()`)
		p.Until(t, `document.querySelector(".detail .talk")`)
		p.Do(chromedp.KeyEvent(kb.Shift)) // no ring around what was clicked
		p.Picture(name)
	}
}

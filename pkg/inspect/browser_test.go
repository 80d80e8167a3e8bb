package inspect_test

import (
	"context"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/inspect"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/page/browsertest"
)

// until waits for a JavaScript condition to hold.
func until(t *testing.T, p *browsertest.Page, condition string) {
	t.Helper()
	if !browsertest.Eval[bool](p, `new Promise((done) => {
		const end = performance.now() + 20000;
		const look = () => { let v = false; try { v = !!(`+condition+`); } catch {} if (v || performance.now() > end) done(v); else setTimeout(look, 10); };
		look();
	})`) {
		t.Fatalf("never: %s\nfocus: %s\nselected: %s", condition, browsertest.Eval[string](p, `document.activeElement.outerHTML.slice(0, 200)`),
			browsertest.Eval[string](p, `[...document.querySelectorAll("[aria-selected=true]")].map((e) => e.outerHTML.slice(0, 200)).join()`))
	}
}

func sendNothing(context.Context, string, *journal.Entry, int, bool) ([]inspect.Answer, error) {
	return []inspect.Answer{{Status: 204, TookMS: 1.25}}, nil
}

func TestLooks(t *testing.T) {
	browser := browsertest.Start(t)
	l := openLog(t)
	fill(t, l, 300, time.Now(), 2*time.Second)
	link := serve(t, inspect.Options{
		Log: l, Delete: true, Targets: []string{"http://127.0.0.1:8080/webhook", "staging"}, Send: sendNothing,
		Curl: func(*journal.Entry) string { return "curl" }, Fixture: func(context.Context, *journal.Entry) (string, error) { return "f.json", nil },
	})
	p := browser.Open(t, link, browsertest.View{})
	for name, v := range browsertest.Views {
		p.Show(v)
		until(t, p, `document.querySelectorAll(".list .row:not(.waiting)").length > 5`)
		p.CheckFits()
		p.Picture("list " + name)
		browsertest.Eval[bool](p, `document.querySelectorAll(".list .row")[3].click() || true`)
		until(t, p, `document.querySelector(".detail .panel")?.textContent.length > 50`)
		p.CheckFits()
		p.Picture("detail " + name)
		browsertest.Eval[bool](p, `document.querySelector("#tab-json").click() || true`)
		p.Picture("json " + name)
		browsertest.Eval[bool](p, `document.querySelector("#tab-call").click() || true`)
		browsertest.Eval[bool](p, `document.querySelector(".close").click() || true`)
	}
	p.CheckQuiet()
}

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

func everything(l *journal.Log) inspect.Options {
	return inspect.Options{
		Log: l, Delete: true, Targets: []string{"http://127.0.0.1:8080/webhook", "staging"}, Send: sendNothing,
		Curl: func(*journal.Entry) string { return "curl" }, Fixture: func(context.Context, *journal.Entry) (string, error) { return "f.json", nil },
		Try: "julianctl replay --dup --to http://127.0.0.1:4040/",
	}
}

// Nothing sticks out or complains, however the page is looked at.
func TestLooks(t *testing.T) {
	browser := browsertest.Start(t)
	l := openLog(t)
	fill(t, l, 300, time.Now(), 2*time.Second)
	p := browser.Open(t, serve(t, everything(l)), browsertest.View{})
	none := browser.Open(t, serve(t, everything(openLog(t))), browsertest.View{})
	until(t, p, `document.querySelectorAll("#charts canvas").length === 2`)
	p.CheckCharts(2)
	broken := browsertest.Eval[string](p, `(async () => (await (await fetch("/api/list?only=findings")).json()).rows[0].id + "")()`)
	look := func(name, view string) {
		t.Helper()
		p.CheckFits()
		p.Picture(name + " " + view)
	}
	for view, v := range browsertest.Views {
		p.Show(v)
		until(t, p, `document.querySelectorAll(".room .row:not(.waiting)").length > 5`)
		look("list", view)
		eval(p, `document.querySelectorAll(".room .row")[3].click()`)
		until(t, p, `document.querySelector(".detail .panel")?.textContent.length > 50`)
		look("detail", view)
		for _, tab := range []string{"json", "raw", "headers", "call"} {
			eval(p, `document.querySelector("#tab-`+tab+`").click()`)
			look(tab, view)
		}
		eval(p, `document.querySelector(".actions .main").click()`)
		look("send", view)
		eval(p, `document.querySelector("dialog").close()`)
		eval(p, `location.hash = "`+broken+`"`)
		until(t, p, `document.querySelector(".detail .note")`)
		look("findings", view)
		eval(p, `document.querySelector(".close").click()`)

		none.Show(v)
		until(t, none, `document.querySelector("#none").textContent.includes("No deliveries yet")`)
		none.CheckFits()
		none.Picture("none " + view)
	}
	p.CheckQuiet()
	none.CheckQuiet()
}

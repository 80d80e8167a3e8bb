package inspect_test

import (
	"context"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/inspect"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/page/browsertest"
)

func sendNothing(context.Context, inspect.Sending) ([]inspect.Answer, error) {
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
	p.Until(t, `document.querySelectorAll("#charts canvas").length === 2`)
	p.CheckCharts(2)
	broken := browsertest.Eval[string](p, `(async () => (await (await fetch("/api/list?only=findings")).json()).rows[0].id + "")()`)
	poll := func(name, view string) {
		t.Helper()
		p.CheckFits()
		p.Picture(name + " " + view)
	}
	for view, v := range browsertest.Views {
		p.Show(v)
		p.Until(t, `document.querySelectorAll(".room .row:not(.waiting)").length > 5`)
		poll("list", view)
		eval(p, `document.querySelectorAll(".room .row")[3].click()`)
		p.Until(t, `document.querySelector(".detail .panel")?.textContent.length > 50`)
		poll("detail", view)
		for _, tab := range []string{"json", "raw", "headers", "call"} {
			eval(p, `document.querySelector("#tab-`+tab+`").click()`)
			poll(tab, view)
		}
		eval(p, `document.querySelector(".actions .main").click()`)
		poll("send", view)
		eval(p, `document.querySelector("dialog").close()`)
		eval(p, `location.hash = "`+broken+`"`)
		p.Until(t, `document.querySelector(".detail .note")`)
		poll("findings", view)
		eval(p, `document.querySelector(".close").click()`)

		none.Show(v)
		none.Until(t, `document.querySelector("#none").textContent.includes("No deliveries yet")`)
		none.CheckFits()
		none.Picture("none " + view)
	}
	p.CheckQuiet()
	none.CheckQuiet()
}

package inspect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/julianctl/julianctl/pkg/inspect"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/page/browsertest"
)

// press presses keys in the page, where the focus is.
func press(p *browsertest.Page, keys string) {
	p.Do(chromedp.KeyEvent(keys))
}

// slash presses the key that leads to the search. What the driver of the browser
// would also do, and a keyboard does not, is to type the character there.
func slash(p *browsertest.Page) {
	eval(p, `document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }))`)
}

func eval(p *browsertest.Page, script string) {
	browsertest.Eval[bool](p, "(() => {"+script+"})() || true")
}

// What comes is there soon, is found by its words, and stays put for who has
// scrolled away from it.
func TestFollowsAndFinds(t *testing.T) {
	browser := browsertest.Start(t)
	l := openLog(t)
	fill(t, l, 120, time.Now(), time.Second)
	p := browser.Open(t, serve(t, inspect.Options{Log: l}), browsertest.View{})
	p.Until(t, `document.querySelector(".live.good") && document.querySelectorAll(".room .row").length > 5`)

	id := logged(t, l, journal.Delivery{Received: time.Now(), CallID: "call.salmon", ResultType: "Busy", Body: []byte(`{"callId":"call.salmon","name":"Sam Salmon"}`)}, acknowledged)
	p.Until(t, `document.querySelector("#d`+itoa(id)+`").textContent.includes("Sam Salmon") && document.querySelector("#d`+itoa(id)+` .badge").textContent === "204"`)
	if total := browsertest.Eval[string](p, `document.querySelector(".total").textContent`); total != "121 deliveries" {
		t.Errorf("it lists %s", total)
	}

	// Whoever reads further down is told, and not moved.
	eval(p, `document.querySelector("#list").scrollTop = 1000`)
	p.Until(t, `document.querySelector(".live").textContent === "paused"`)
	const seen = `(() => { const list = document.querySelector("#list").getBoundingClientRect();
		return document.elementFromPoint(list.left + 300, list.top + 200).closest(".row").id; })()`
	before := browsertest.Eval[string](p, seen)
	logged(t, l, journal.Delivery{Received: time.Now(), CallID: "call.next", Body: []byte(`{}`)}, acknowledged)
	p.Until(t, `document.querySelector("#fresh").textContent === "↑ 1 new" && !document.querySelector("#fresh").hidden`)
	if after := browsertest.Eval[string](p, seen); after != before {
		t.Errorf("%s was under the eye, now %s", before, after)
	}
	eval(p, `document.querySelector("#fresh").click()`)
	p.Until(t, `document.querySelector("#fresh").hidden && document.querySelector(".live").textContent === "live"`)

	// Search as one types; the newest request counts.
	slash(p)
	press(p, "salm")
	p.Until(t, `document.querySelectorAll(".room .row").length === 1 && document.querySelector(".room .row").textContent.includes("Sam Salmon")`)
	press(p, "xyz")
	p.Until(t, `document.querySelector("#none").textContent.includes("Nothing matches") && !document.querySelector("#none").hidden`)
	press(p, kb.Escape)
	p.Until(t, `document.querySelector(".total").textContent === "122 deliveries" && document.querySelector("#search").value === ""`)
	eval(p, `const f = document.querySelector("#filters"); f.elements.answer.value = "failed"; f.dispatchEvent(new Event("change", { bubbles: true }))`)
	p.Until(t, `[...document.querySelectorAll(".room .row .c-answer .badge")].length && [...document.querySelectorAll(".room .row .c-answer .badge")].every((b) => b.textContent === "502")`)
	p.CheckQuiet()
}

func itoa(n int64) string { return string(json.RawMessage(strings.TrimSpace(jsonText(n)))) }

func jsonText(v any) string {
	b, _ := json.Marshal(v) // a number or a string
	return string(b)
}

// Everything can be done without a mouse.
func TestKeyboard(t *testing.T) {
	browser := browsertest.Start(t)
	l := openLog(t)
	fill(t, l, 50, time.Now(), time.Second)
	p := browser.Open(t, serve(t, inspect.Options{Log: l, Delete: true, Targets: []string{"staging"}, Send: sendNothing}), browsertest.View{})
	p.Until(t, `document.querySelector(".live.good") && document.querySelectorAll(".room .row").length > 5`)
	focus := func(want string) {
		t.Helper()
		p.Until(t, want+` === document.activeElement`)
	}
	slash(p)
	focus(`document.querySelector("#search")`)
	press(p, kb.ArrowDown)
	focus(`document.querySelector("#list")`)
	press(p, "jj")
	p.Until(t, `document.querySelector("[role=option][aria-selected=true]").getAttribute("aria-posinset") === "3" && document.querySelector("#list").getAttribute("aria-activedescendant") === document.querySelector("[role=option][aria-selected=true]").id`)
	press(p, kb.End)
	p.Until(t, `document.querySelector("#d1").getAttribute("aria-selected") === "true" && document.querySelector("#d1").getBoundingClientRect().bottom <= innerHeight`)
	// It stays in view when something above takes some of the room.
	eval(p, `document.querySelector("#list").style.maxHeight = document.querySelector("#list").clientHeight - 100 + "px"`)
	p.Until(t, `(() => { const row = document.querySelector("#d1")?.getBoundingClientRect(), list = document.querySelector("#list").getBoundingClientRect();
		return row && list.height > 100 && row.bottom <= list.bottom && row.top >= list.top })()`)
	eval(p, `document.querySelector("#list").style.maxHeight = ""`)
	press(p, kb.Home+kb.Enter)
	p.Until(t, `document.querySelector(".detail .from").textContent.startsWith("#50 ")`)
	focus(`document.querySelector("#detail")`)
	// Close, the actions, then the tabs, of which one is a stop.
	press(p, kb.Tab)
	focus(`document.querySelector(".close")`)
	press(p, kb.Tab)
	focus(`document.querySelector(".call-id button")`)
	press(p, kb.Tab)
	focus(`document.querySelector(".actions .main")`)
	press(p, kb.Enter)
	focus(`document.querySelector("dialog select")`)
	eval(p, `document.querySelector("dialog form button.main").focus()`)
	press(p, kb.Enter)
	p.Until(t, `document.querySelector("dialog .answers").textContent.includes("204")`)
	press(p, kb.Escape)
	p.Until(t, `!document.querySelector("dialog")`)
	focus(`document.querySelector(".actions .main")`)
	press(p, kb.Tab+kb.Tab+kb.Tab)
	focus(`document.querySelector("#tab-call")`)
	press(p, kb.ArrowRight)
	focus(`document.querySelector("#tab-json")`)
	p.Until(t, `document.querySelector("#panel .tree") && document.querySelector("#panel").getAttribute("aria-labelledby") === "tab-json"`)
	press(p, kb.Escape)
	p.Until(t, `document.querySelector("#detail").hidden`)
	focus(`document.querySelector("#list")`)
	// Every control has a name.
	if nameless := browsertest.Eval[[]string](p, `[...document.querySelectorAll("button, input, select, a, [role]")]
		.filter((e) => !["presentation"].includes(e.getAttribute("role")))
		.filter((e) => !(e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent).trim() && e.offsetParent)
		.map((e) => e.outerHTML)`); len(nameless) > 0 {
		t.Errorf("without a name: %q", nameless)
	}
	p.CheckQuiet()
}

// Copies are shown side by side, with what differs between them.
func TestDiff(t *testing.T) {
	browser := browsertest.Start(t)
	l := openLog(t)
	calls(t, l)
	p := browser.Open(t, serve(t, inspect.Options{Log: l})+"#2", browsertest.View{})
	p.Until(t, `document.querySelector("#tab-copies")`)
	p.Until(t, `document.querySelector(".detail .note").textContent.includes("is a fish")`)
	eval(p, `document.querySelector(".pointer").click()`)
	p.Until(t, `document.querySelector('[data-pointer="/name"] .note').textContent.includes("is a fish")`)
	p.Until(t, `document.querySelector('[data-pointer="/callResult"] > details > .note code').textContent === "/callResult/outcomes"`)
	eval(p, `document.querySelector("#tab-copies").click()`)
	p.Until(t, `document.querySelector(".verdict").textContent === "1 value differs." && document.querySelector("td.was del").textContent === "salmon" && document.querySelector("td.is ins").textContent === "trout"`)
	p.Picture("diff")
	for name, v := range browsertest.Views {
		p.Show(v)
		p.CheckFits()
		p.Picture("diff " + name)
	}
	p.CheckQuiet()
}

// naughty are the big list of naughty strings, or what is worst of it.
func naughty(t *testing.T) []string {
	t.Helper()
	all := []string{
		`<script>window.harmed = 1</script>`, `<img src=x onerror="window.harmed = 1">`, `"><svg onload=window.harmed=1>`, `javascript:window.harmed=1`,
		`</script><script>window.harmed = 1</script>`, `{{constructor.constructor('window.harmed=1')()}}`, "\u202ereversed\u2066", "\x1b[31mred\x07", "__proto__", "' OR 1=1 --", `"*" NEAR (`,
	}
	dir := os.Getenv("JULIANCTL_SUITES")
	if dir == "" {
		t.Log("JULIANCTL_SUITES names no folder: a few strings stand for the big list")
		return all
	}
	data, err := os.ReadFile(filepath.Join(dir, "blns", "blns.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil || len(list) < 400 {
		t.Fatalf("the list has %d strings, %v", len(list), err)
	}
	return append(all, list...)
}

// Text of strangers stays text, wherever it stands.
func TestNaughtyStrings(t *testing.T) {
	browser := browsertest.Start(t)
	l := openLog(t)
	for at, all := 0, naughty(t); at < len(all); at += 60 {
		some := all[at:min(at+60, len(all))]
		one := func(i int) string { return some[i%len(some)] }
		variables := map[string]any{}
		for _, s := range some {
			variables[s] = s
		}
		body, err := json.Marshal(map[string]any{
			"callId": "call." + one(0), "name": one(1), "phoneNumber": one(2), "agentName": one(3), "timezone": one(4), "callUrl": one(5), "scheduledAt": one(6),
			"customInputVariables": variables,
			"callResult": map[string]any{
				"resultType": one(7), "summary": one(8), "extractedVariables": variables, "transcription": "Agent: " + strings.Join(some, "\nUser: "),
				"outcomes":     []any{map[string]any{"name": one(9), "reasoning": one(10)}},
				"agentActions": []any{map[string]any{"description": one(11), "status": one(12), "completedAt": one(13)}},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		findings, _ := json.Marshal([]any{map[string]any{"rule": one(14), "severity": "error", "pointer": "/" + one(15), "message": one(16), "hint": one(17)}}) // strings
		for _, b := range [][]byte{body, append([]byte(" "), body...)} {
			logged(t, l, journal.Delivery{
				Received: time.Now(), CallID: "call." + one(0), ResultType: one(7), Method: one(1), URI: one(2), Host: one(3), Remote: one(4), Proto: one(5),
				Header: http.Header{"X-Naughty": {strings.NewReplacer("\r", "", "\n", "").Replace(one(18))}}, Body: b,
			}, &journal.Outcome{Status: 502, Errors: 1, Findings: findings, Fault: one(6), Forward: &journal.Forward{Err: one(9), Attempts: 1}})
		}
	}
	last, err := l.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := browser.Open(t, serve(t, inspect.Options{Log: l, Try: "<b>try</b>"}), browsertest.View{Height: 2000})
	p.Until(t, `document.querySelectorAll(".room .row").length > 1`)
	tabs := 0
	for id := last; id > 0; id -= 2 {
		eval(p, `location.hash = "`+itoa(id)+`"`)
		p.Until(t, `document.querySelector(".detail .from").textContent.startsWith("#`+itoa(id)+` ")`)
		for _, tab := range []string{"json", "raw", "headers", "copies", "call"} {
			eval(p, `document.querySelector("#tab-`+tab+`")?.click(); for (const d of document.querySelectorAll("details")) d.open = true`)
			tabs++
			if bad := browsertest.Eval[[]string](p, `[...document.querySelectorAll("script:not([src]):not(#data), iframe, object, embed, link:not(head link), form:not(#filters), b b, .detail img, .detail svg, [onerror], [onload]")].map((e) => e.outerHTML)`); len(bad) > 0 {
				t.Errorf("#%d, %s: %q", id, tab, bad)
			}
		}
	}
	if tabs < 5 || browsertest.Eval[bool](p, "!!window.harmed") {
		t.Errorf("script of a stranger ran, or only %d tabs were seen", tabs)
	}
	if left := browsertest.Eval[string](p, `(document.body.innerText.match(/[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g) || []).join()`); left != "" {
		t.Errorf("%q was shown", left)
	}
	p.CheckQuiet()
}

// The page shows what endpoints answered, and what a stranger wrote there as text.
func TestResponseTab(t *testing.T) {
	browser := browsertest.Start(t)
	l := openLog(t)
	id := redelivered(t, l)
	p := browser.Open(t, serve(t, everything(l)), browsertest.View{})
	p.Until(t, `document.querySelector("#d`+itoa(id)+` .badge.unsure")?.textContent === "503"`)
	eval(p, `document.querySelector("#d`+itoa(id)+`").click()`)
	p.Until(t, `document.querySelector("#tab-response")`)
	eval(p, `document.querySelector("#tab-response").click()`)
	p.Until(t, `["ask Olga</b>", "log resend", "connection refused", "inspector", "no text in UTF-8"].every((word) => document.querySelector("#panel").textContent.includes(word)) && !document.querySelector("#panel b")`)
	p.CheckFits()
	p.Picture("response")
	p.CheckQuiet()
}

// The call id is shown and copied, in the list and beside it.
func TestCopiesCallID(t *testing.T) {
	browser := browsertest.Start(t)
	l := openLog(t)
	calls(t, l)
	p := browser.Open(t, serve(t, everything(l)), browsertest.View{})
	eval(p, `window.copied = []; navigator.clipboard.writeText = async (text) => { copied.push(text) }`)
	p.Until(t, `document.querySelector("#d2 .c-call")?.textContent.startsWith("call.a") && document.querySelector("#d3 .c-call").textContent === "–"`)
	eval(p, `document.querySelector("#d2 .take").click()`)
	p.Until(t, `copied.join() === "call.a" && document.querySelector("#detail").hidden`)
	eval(p, `document.querySelector("#list").focus()`)
	press(p, "jjc")
	p.Until(t, `copied.join() === "call.a,call.a"`)
	press(p, kb.Enter)
	p.Until(t, `document.querySelector(".call-id code")?.textContent === "call.a"`)
	eval(p, `document.querySelector(".call-id button").click()`)
	p.Until(t, `copied.length === 3 && document.querySelector("#toast").textContent === "Call id copied"`)
	p.CheckQuiet()
}

// A body can be edited before it is sent again: what is typed goes out, and
// without a change the exact bytes.
func TestEditsBeforeSending(t *testing.T) {
	browser := browsertest.Start(t)
	l := openLog(t)
	logged(t, l, journal.Delivery{CallID: "call.a", Body: []byte("{\r\n \"callId\": \"call.a\"}")}, acknowledged)
	sent := make(chan string, 3)
	opts := everything(l)
	opts.Send = func(_ context.Context, s inspect.Sending) ([]inspect.Answer, error) {
		sent <- fmt.Sprint(s.Edited, " ", string(s.Entry.Body))
		return []inspect.Answer{{Status: 204, TookMS: 1}}, nil
	}
	p := browser.Open(t, serve(t, opts)+"#1", browsertest.View{})
	p.Until(t, `document.querySelector(".actions .main")`)
	eval(p, `document.querySelector(".actions .main").click(); [...document.querySelectorAll("dialog button")].find((b) => b.textContent === "Edit the body…").click()`)
	p.Until(t, `document.activeElement === document.querySelector("dialog textarea")`)
	eval(p, `document.querySelector("dialog form").requestSubmit()`)
	if got := <-sent; got != "false {\r\n \"callId\": \"call.a\"}" {
		t.Errorf("unchanged, it sent %q", got)
	}
	p.Until(t, `document.querySelector(".answers .badge")?.textContent === "204"`)
	press(p, "ä")
	eval(p, `document.querySelector("dialog form").requestSubmit()`)
	if got := <-sent; got != "true ä{\n \"callId\": \"call.a\"}" {
		t.Errorf("it sent %q", got)
	}
	for view, v := range browsertest.Views {
		p.Show(v)
		p.CheckFits()
		p.Picture("edit " + view)
	}
	p.CheckQuiet()
}

// There is a chart where there is something to see: no single point is drawn.
func TestChartsOfFew(t *testing.T) {
	browser := browsertest.Start(t)
	l := openLog(t)
	logged(t, l, journal.Delivery{CallID: "call.a", ResultType: "Busy", Body: []byte(`{"callId":"call.a"}`)}, acknowledged)
	p := browser.Open(t, serve(t, everything(l)), browsertest.View{})
	p.Until(t, `document.querySelector("#d1") && document.querySelector("#chart-button").disabled`)
	if n := browsertest.Eval[int](p, `document.querySelectorAll("#charts canvas").length`); n != 0 {
		t.Errorf("of one delivery, %d charts are drawn", n)
	}
	for view, v := range browsertest.Views {
		p.Show(v)
		p.CheckFits()
		p.Picture("one " + view)
	}
	logged(t, l, journal.Delivery{CallID: "call.b", ResultType: "Busy", Received: noon.Add(time.Minute), Body: []byte(`{"callId":"call.b"}`)}, acknowledged)
	p.Until(t, `document.querySelectorAll("#charts canvas").length === 2 && !document.querySelector("#chart-button").disabled`)
	p.CheckQuiet()
}

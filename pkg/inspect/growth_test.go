package inspect_test

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/inspect"
	"github.com/julianctl/julianctl/pkg/page/browsertest"
)

// What a stranger sends may be long. What the page makes of it takes time that
// grows with its length and no faster: eight times the length takes less than 27
// times as long, where its square would take 64. What is over in 10 ms says nothing.
func TestDetailIsLinear(t *testing.T) {
	browser := browsertest.Start(t)
	p := browser.Open(t, serve(t, inspect.Options{Log: openLog(t)}), browsertest.View{})
	shapes := browsertest.Eval[[]string](p, `(async () => {
		const { parse } = await import("/assets/json.js"), { tree } = await import("/assets/tree.js"), { call } = await import("/assets/call.js");
		const said = (s) => ({ name: s, callResult: { summary: s, transcription: s, outcomes: [{ name: s, reasoning: s }] } });
		const shapes = {
			"a long word": (n) => said("x".repeat(n)),
			"a long line": (n) => said("word ".repeat(n / 5)),
			"many lines": (n) => said("line\n".repeat(n / 5)),
			"many turns": (n) => said("A: b\n".repeat(n / 5)),
			"many speakers": (n) => said(Array.from({ length: n / 10 }, (_, i) => "A" + i + ": b").join("\n")),
			"accents": (n) => said("e" + "\u0301".repeat(n)),
			"wide characters": (n) => said("漢".repeat(n)),
			"joined pictures": (n) => said("👩\u200d".repeat(n / 2) + "👩"),
			"what is escaped": (n) => said("\u001b".repeat(n)),
			"many keys": (n) => ({ callResult: { extractedVariables: Object.fromEntries(Array.from({ length: n / 5 }, (_, i) => ["k" + i, i])) } }),
			"many items": (n) => ({ callResult: { outcomes: Array.from({ length: n / 5 }, () => ({ name: "a" })) } }),
		};
		const time = (json) => {
			const began = performance.now(), root = parse(json);
			const findings = ["/callId", "/callResult/outcomes/7/name"].map((pointer) => ({ pointer, rule: "type", severity: "error", message: "is wrong" }));
			const shown = [call(root, findings, () => {}), tree(root, findings)];
			for (const e of shown[0].querySelectorAll(".talk button")) e.click(); // the rest of the turns
			return performance.now() - began;
		};
		const slow = [];
		for (const [name, shape] of Object.entries(shapes)) {
			let few = Infinity, many = Infinity, fine = false;
			for (let i = 0; i < 5 && !fine; i++) {
				few = Math.min(few, time(JSON.stringify(shape(32000))));
				many = Math.min(many, time(JSON.stringify(shape(256000))));
				fine = many <= 27 * Math.max(few, 10);
			}
			if (!fine) slow.push(name + ": " + few + " ms, " + many + " ms");
		}
		return slow;
	})()`)
	for _, shape := range shapes {
		t.Error(shape)
	}
}

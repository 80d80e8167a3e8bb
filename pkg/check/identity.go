package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/generate"

	"github.com/julianctl/julianctl/pkg/units"
)

// renamed is c as another call, with this id.
func (c call) renamed(id string) call {
	c = c.with("callId", quote(id))
	c.id, c.e.CallID = id, id
	return c
}

// pair is two ids that differ in one thing.
type pair struct {
	what        string // completes "ids that differ in …"
	first, next string
	// odd: ids need not be of this form, so that to refuse one is right, and so is
	// a probe that does not find it.
	odd bool
	// long: likewise, but that a refusal is worth a look.
	long bool
}

// prefixes are the lengths at which people cut ids.
var prefixes = []int{20, 30, 32, 40, 64, 128, 255}

// pairsOf makes pairs of ids from ids that are new: one for each pair.
func pairsOf(fresh func() string) []pair {
	const head = len("call.julianctl-")
	a := fresh()
	upper := a[:head] + strings.ToUpper(a[head:])
	if upper == a { // sixteen digits
		a, upper = a+"a", a+"A"
	}
	separated, late, padded := fresh(), fresh(), fresh()
	pairs := []pair{
		{what: "the case of their letters", first: a, next: upper},
		{what: "a separator", first: separated + "-1.2", next: separated + "-12"},
		{what: "what comes before their last 8 characters", first: late + "-a-00000000", next: late + "-b-00000000"},
		{what: "a blank at the end", first: padded, next: padded + " ", odd: true},
	}
	for _, n := range prefixes {
		same := fresh()
		if n < len(same) {
			same = same[:n]
		}
		same += strings.Repeat("0", n-len(same))
		where := fmt.Sprintf("what comes after their first %d characters", n)
		pairs = append(pairs, pair{what: where, first: same + "a", next: same + "b", long: n >= 64})
	}
	return pairs
}

// nearIDs delivers pairs of different calls whose ids are nearly alike.
func nearIDs(t *trial) judgement {
	var n notes
	pairs := pairsOf(func() string { return t.call(generate.Spec{}).id })
	var ids []string
	at := map[string]int{} // the pair of an id
	for i, p := range pairs {
		answers := map[string]bool{}
		for _, id := range []string{p.first, p.next} {
			c := t.call(generate.Spec{}).renamed(id)
			c.unprobed = p.odd
			a := t.send("ids that differ in "+p.what, c)
			switch {
			case acknowledged(a):
				n.answered, answers[id] = true, true
			case p.odd && a.Err == nil && a.Status/100 == 4:
				n.answered = true
			case p.long && a.Err == nil && !limited(a) && !redirects(a):
				n.answered = true
				n.warn("a callId of %d characters: %s", len(id), a.Describe())
			default:
				n.ack("ids that differ in "+p.what, a)
			}
		}
		if len(answers) == 2 {
			for id := range answers {
				ids = append(ids, id)
				at[id] = i
			}
		}
	}
	// A probe that does not find an odd id by itself says nothing of a pair of them.
	control := t.call(generate.Spec{}).renamed(t.call(generate.Spec{}).id + " ")
	control.unprobed = true
	t.send("a blank at the end, alone", control)
	return func() finding {
		if why := t.seen(); why != "" {
			n.undecided("%s", why)
			return n.finding("")
		}
		slices.SortStableFunc(ids, func(a, b string) int { return at[a] - at[b] })
		all := watch(1, append(ids, control.id))
		t.settle(all)
		finds := all[len(all)-1].After == 1
		wrong, cut := map[int]bool{}, false
		for _, w := range all[:len(all)-1] {
			i := at[w.CallID]
			switch p := pairs[i]; {
			case w.Error != "" && !p.odd:
				n.undecided("%s", w.Error)
			case w.After == w.Want || p.odd && !finds || wrong[i] || cut && i >= len(pairs)-len(prefixes):
			default:
				wrong[i] = true
				cut = cut || i >= len(pairs)-len(prefixes) // the shortest says it all
				n.fail("two calls whose ids differ in %s: one is processed %s, expected 1", p.what, units.Count(w.After, "time"))
			}
		}
		return n.finding("%d pairs of ids, 1 effect each", len(pairs))
	}
}

// changes are the documented fields that may have another value in a later
// delivery of a call, one at a time.
var changes = []struct{ path, first, later string }{
	{"callResult.resultType", `"Processing Analysis"`, `"Goal Completed"`},
	{"sequence.lifecycleStatus", `"in progress"`, `"done"`},
	{"scheduledAt", "", `"2026-01-20T14:00:00.000Z"`},
	{"rescheduledAt", "null", `"2026-01-27T14:00:00.000Z"`},
	{"duration", "61", "184"},
	{"callUrl", "", `"https://julian.example.com/calls/moved"`},
	{"name", "", `"Later Test"`},
	{"agentName", `"Julian"`, `"Julian II"`},
	{"timezone", `"America/New_York"`, `"America/Chicago"`},
	{"phoneNumberExt", `""`, `"204"`},
	{"customInputVariables", "", `{"julianctl":"later"}`},
	{"callResult.extractedVariables", "{}", `{"julianctl":"later"}`},
	{"callResult.transcription", "", `"Agent: Later.\nContact: Yes."`},
	{"callResult.outcomes", "[]", `[{"name":"julianctl","reasoning":"Later."}]`},
	{"sequence.sequenceId", "", `"call-sequence.julianctl-later"`},
}

// changedField delivers a call twice, with one field changed: callId alone is the
// key.
func changedField(t *trial) judgement {
	var n notes
	var ids []string
	of := map[string]string{}
	for _, change := range changes {
		c := t.call(generate.Spec{})
		first := c
		if change.first != "" {
			first = c.with(change.path, change.first)
		}
		later := c.with(change.path, change.later)
		ids = append(ids, c.id)
		of[c.id] = change.path
		n.ack(change.path+", first", t.send(change.path+", first", first))
		n.ack(change.path+", later", t.send(change.path+", later", later))
	}
	return func() finding {
		if why := t.seen(); why != "" {
			n.undecided("%s", why)
			return n.finding("")
		}
		all := watch(1, ids)
		for _, w := range all {
			w.Want = t.wanted(w.CallID, w.Want)
		}
		t.settle(all)
		var wrong tally
		var paths []string
		for _, w := range all {
			switch {
			case w.Error != "":
				n.undecided("%s", w.Error)
			case w.After != w.Want && (w.After > w.Want || t.acked[w.CallID]):
				wrong.add(w.Effect)
				paths = append(paths, of[w.CallID])
			}
		}
		if wrong.calls > 0 {
			n.fail("%s, after a change of %s", wrong.text(len(all)), strings.Join(paths, ", "))
		}
		return n.finding("%d calls with one field changed, 1 effect each", len(all))
	}
}

// secondWrite has something else write the same call: before the delivery, between
// two copies, and at the same time.
func secondWrite(t *trial) judgement {
	if t.o.Also == nil {
		return skip("there is none; --also CMD is one")
	}
	var n notes
	all := t.calls(3)
	calls := t.before(1, idsOf(all)...)
	write := func(c call) {
		if err := t.o.Also(t.ctx, c.id, c.body); err != nil {
			n.undecided("--also: %v", err)
		}
	}
	write(all[0])
	n.ack("after the other writer", t.send("after the other writer", all[0]))
	n.ack("before the other writer", t.send("before the other writer", all[1]))
	write(all[1])
	n.ack("after both", t.send("after both", all[1]))
	done := make(chan struct{})
	go func() {
		defer close(done)
		write(all[2])
	}()
	n.ack("beside the other writer", t.send("beside the other writer", all[2]))
	<-done
	n.ack("after both", t.send("after both", all[2]))
	return t.once(&n, calls, "written by another too: before, between and beside deliveries, 1 effect each")
}

// hostile are pieces of text that end a string, or mean something, in the
// languages that texts are pasted into. None of them does harm where it works.
var hostile = []struct{ what, text string }{
	{"a single quote", `O'Brien`},
	{"a double quote", `the "best" one`},
	{"a backslash", `C:\new\table\`},
	{"SQL", `x'); SELECT 1; --`},
	{"a template", `{{7*7}} ${7*7} <%= 7*7 %> #{7*7}`},
	{"a format", `100% %s %n %d %1$s {0} {name}`},
	{"HTML", `<script>alert(1)</script> &amp; <b>`},
	{"a shell", "$(true) `true` ; true | true & $HOME"},
	{"line ends", "one\r\ntwo\nthree\ttab"},
	{"a path", `../../../../etc/hostname`},
}

// hostileFields are the text fields of a payload.
var hostileFields = []string{
	"name", "agentName", "callResult.summary", "callResult.transcription", "customInputVariables.julianctl",
	"callResult.extractedVariables.julianctl", "callResult.outcomes.0.name", "callResult.outcomes.0.reasoning",
}

// idPieces are those that a call's id is delivered with. A probe is not asked for
// such an id: one that is made of a shell or of SQL would run it.
var idPieces = []string{`'`, `"`, `\`, `%s`, `{{7*7}}`, `;--`, `%27`}

// withText is c with a text in one of its fields. A contact keeps the family name
// by which it is known to be made up.
func (c call) withText(path, text string) call {
	if path == "name" {
		text += " " + generate.Surname
	}
	return c.with(path, quote(text))
}

// metaCharacters delivers each piece in all text fields, in each alone where that
// is not taken, and in the id.
func metaCharacters(t *trial) judgement {
	var n notes
	var ids []string
	of := map[string]string{}
	for _, h := range hostile {
		c := t.call(generate.Spec{})
		for _, path := range hostileFields {
			c = c.withText(path, h.text)
		}
		ids, of[c.id] = append(ids, c.id), h.what
		a := t.send(h.what+" in every text", c)
		if acknowledged(a) || t.gone != nil {
			n.answered = true
			continue
		}
		found := false
		for _, path := range hostileFields {
			c := t.call(generate.Spec{}).withText(path, h.text)
			what := h.what + " in " + path
			if a := t.send(what, c); !acknowledged(a) {
				found = true
				n.ack(what, a)
			}
		}
		if !found {
			n.ack(h.what+" in every text", a)
		}
	}
	for _, piece := range idPieces {
		c := t.call(generate.Spec{})
		c = c.renamed(c.id + piece + "x")
		c.unprobed = true
		what := fmt.Sprintf("a callId with %s", piece)
		switch a := t.send(what, c); {
		case a.Err == nil && a.Status/100 == 4: // to refuse such an id is right
			n.answered = true
		default:
			n.ack(what, a)
		}
	}
	after, never := t.call(generate.Spec{}), t.call(generate.Spec{})
	ids, of[after.id] = append(ids, after.id), "nothing"
	n.ack("a good call afterwards", t.send("a good call afterwards", after))
	return func() finding {
		if t.seen() == "" {
			all := append(watch(1, ids), watch(0, []string{never.id})...)
			for _, w := range all[:len(ids)] {
				w.Want = t.wanted(w.CallID, w.Want)
			}
			t.settle(all)
			for _, w := range all[:len(ids)] {
				if w.Error == "" && (w.After > w.Want || w.After < w.Want && t.acked[w.CallID]) {
					n.fail("a call with %s in its texts: processed %s, expected %d", of[w.CallID], units.Count(w.After, "time"), w.Want)
				}
			}
			if w := all[len(ids)]; w.Error == "" && w.After > 0 {
				n.fail("a call that was never delivered is counted %d times afterwards", w.After)
			}
		}
		return n.finding("%d kinds of text in %d fields, %d in callId", len(hostile), len(hostileFields), len(idPieces))
	}
}

// edgeValues are values at the edge of what is documented. Where a consumer may
// well hold the sender to its usual form, to refuse one is worth a look.
func edgeValues(t *trial) []form {
	with := func(what, path, raw string, may bool) form {
		return form{what: what, call: t.call(generate.Spec{}).with(path, raw), mayRefuse: may}
	}
	forms := []form{
		with("scheduledAt on the 29th of February", "scheduledAt", `"2024-02-29T23:59:59.999Z"`, false),
		with("scheduledAt on the 31st", "scheduledAt", `"2026-01-31T00:00:00.000Z"`, false),
		with("scheduledAt without a fraction", "scheduledAt", `"2026-01-20T14:00:00Z"`, true),
		with("scheduledAt with an offset", "scheduledAt", `"2026-01-20T14:00:00.000+05:45"`, true),
		with("the time zone Pacific/Chatham", "timezone", `"Pacific/Chatham"`, false),
		with("the time zone America/Argentina/Buenos_Aires", "timezone", `"America/Argentina/Buenos_Aires"`, false),
		with("a duration of 0", "duration", "0", false),
		with("a duration of 46.5s", "duration", "46.5", false),
		with("a duration of more than 2^31ms", "duration", "2147484", false),
		with("a name of 200 characters", "name", quote(strings.Repeat("Wilhelmina ", 17)+"Test Contact"), false),
		with("a name of one word", "name", `"Test"`, false),
		with("an extension of 10 digits", "phoneNumberExt", `"0123456789"`, false),
		with("an empty transcript", "callResult.transcription", `""`, false),
		with("an empty summary", "callResult.summary", `""`, false),
	}
	for _, name := range []string{"numbers", "nested", "nulls", "many-items"} {
		may := name == "numbers" || name == "nested"
		forms = append(forms, form{what: "the form " + name, call: t.variant(name, generate.Spec{}), mayRefuse: may})
	}
	return forms
}

// wasKept says which of two contents a text shows, "" when it shows neither alone.
func wasKept(text, first, later string) string {
	switch {
	case strings.Contains(text, later) && !strings.Contains(text, first):
		return "later"
	case strings.Contains(text, first) && !strings.Contains(text, later):
		return "first"
	}
	return ""
}

// shows waits a little for a probe that shows contents to show the later one, and
// says which it shows.
func (t *trial) shows(callID, first, later string) (kept string) {
	const patience = time.Second
	for began := time.Now(); t.seen() == "" && t.ctx.Err() == nil; t.rest(20 * time.Millisecond) {
		r, err := t.counter.read(t.ctx, callID)
		kept = wasKept(r.Text, first, later)
		if err != nil || kept != "first" && r.Count > 0 || time.Since(began) > patience {
			break
		}
	}
	return kept
}

// laterContent delivers a call again that now says more, and then what it said
// first once more, as a delivery that comes late would.
func laterContent(t *trial) judgement {
	const first, later = "julianctl-first-write", "julianctl-later-write"
	var n notes
	c := t.call(generate.Spec{})
	calls := t.before(1, c.id)
	older := c.with("callResult.summary", quote(first))
	n.ack("first delivery", t.send("first delivery", older))
	n.ack("later content", t.send("later content", c.with("callResult.summary", quote(later))))
	between := t.shows(c.id, first, later)
	n.ack("the first content once more", t.send("the first content once more", older))
	return func() finding {
		t.exactly(&n, calls, n.fail)
		kept := wasKept(calls[0].text, first, later)
		if between == "later" && kept == "first" {
			n.warn("the first content, delivered once more after the later one, was written over it")
		}
		f := n.finding("3 deliveries of 2 contents, 1 effect")
		// Either may be right: what the endpoint promises is its own affair.
		if kept != "" && len(n.warns) == 0 {
			f.message += fmt.Sprintf("; the %s content was kept", kept)
		}
		return f
	}
}

package checklist

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/units"
)

// renamed is c as another call, with this id.
func renamed(c check.Call, id string) check.Call {
	c = c.With("callId", quote(id))
	c.ID, c.Event.CallID = id, id
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
func nearIDs(t *check.Trial) check.Conclusion {
	var n check.Notes
	pairs := pairsOf(func() string { return t.Call(generate.Spec{}).ID })
	var ids []string
	at := map[string]int{} // the pair of an id
	for i, p := range pairs {
		answers := map[string]bool{}
		for _, id := range []string{p.first, p.next} {
			c := renamed(t.Call(generate.Spec{}), id)
			c.Unprobed = p.odd
			a := t.Send("ids that differ in "+p.what, c)
			switch {
			case check.Acknowledged(a):
				n.Answered, answers[id] = true, true
			case p.odd && a.Err == nil && a.Status/100 == 4:
				n.Answered = true
			case p.long && a.Err == nil && !check.Limited(a) && !check.Redirects(a):
				n.Answered = true
				n.Warn("a callId of %d characters: %s", len(id), a.Describe())
			default:
				n.Ack("ids that differ in "+p.what, a)
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
	control := renamed(t.Call(generate.Spec{}), t.Call(generate.Spec{}).ID+" ")
	control.Unprobed = true
	t.Send("a blank at the end, alone", control)
	return func() check.Finding {
		if why := t.Seen(); why != "" {
			n.Undecided("%s", why)
			return n.Finding("")
		}
		slices.SortStableFunc(ids, func(a, b string) int { return at[a] - at[b] })
		all := check.Watch(1, append(ids, control.ID))
		t.Settle(all)
		finds := all[len(all)-1].After == 1
		wrong, cut := map[int]bool{}, false
		for _, w := range all[:len(all)-1] {
			i := at[w.CallID]
			switch p := pairs[i]; {
			case w.Error != "" && !p.odd:
				n.Undecided("%s", w.Error)
			case w.After == w.Want || p.odd && !finds || wrong[i] || cut && i >= len(pairs)-len(prefixes):
			default:
				wrong[i] = true
				cut = cut || i >= len(pairs)-len(prefixes) // the shortest says it all
				n.Fail("two calls whose ids differ in %s: one is processed %s, expected 1", p.what, units.Count(w.After, "time"))
			}
		}
		return n.Finding("%d pairs of ids, 1 effect each", len(pairs))
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
func changedField(t *check.Trial) check.Conclusion {
	var n check.Notes
	var ids []string
	of := map[string]string{}
	for _, change := range changes {
		c := t.Call(generate.Spec{})
		first := c
		if change.first != "" {
			first = c.With(change.path, change.first)
		}
		later := c.With(change.path, change.later)
		ids = append(ids, c.ID)
		of[c.ID] = change.path
		n.Ack(change.path+", first", t.Send(change.path+", first", first))
		n.Ack(change.path+", later", t.Send(change.path+", later", later))
	}
	return func() check.Finding {
		if why := t.Seen(); why != "" {
			n.Undecided("%s", why)
			return n.Finding("")
		}
		all := check.Watch(1, ids)
		for _, w := range all {
			w.Want = t.Wanted(w.CallID, w.Want)
		}
		t.Settle(all)
		var wrong check.Tally
		var paths []string
		for _, w := range all {
			switch {
			case w.Error != "":
				n.Undecided("%s", w.Error)
			case w.After != w.Want && (w.After > w.Want || t.Acked[w.CallID]):
				wrong.Add(w.Effect)
				paths = append(paths, of[w.CallID])
			}
		}
		if wrong.Calls > 0 {
			n.Fail("%s, after a change of %s", wrong.Text(len(all)), strings.Join(paths, ", "))
		}
		return n.Finding("%d calls with one field changed, 1 effect each", len(all))
	}
}

// secondWrite has something else write the same call: before the delivery, between
// two copies, and at the same time.
func secondWrite(t *check.Trial) check.Conclusion {
	if t.Options.Also == nil {
		return check.Skipped("there is none; --also CMD is one")
	}
	var n check.Notes
	all := t.Calls(3)
	calls := t.Before(1, check.IDs(all)...)
	write := func(c check.Call) {
		if err := t.Options.Also(t.Ctx, c.ID, c.Body); err != nil {
			n.Undecided("--also: %v", err)
		}
	}
	write(all[0])
	n.Ack("after the other writer", t.Send("after the other writer", all[0]))
	n.Ack("before the other writer", t.Send("before the other writer", all[1]))
	write(all[1])
	n.Ack("after both", t.Send("after both", all[1]))
	done := make(chan struct{})
	go func() {
		defer close(done)
		write(all[2])
	}()
	n.Ack("beside the other writer", t.Send("beside the other writer", all[2]))
	<-done
	n.Ack("after both", t.Send("after both", all[2]))
	return once(t, &n, calls, "written by another too: before, between and beside deliveries, 1 effect each")
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
func withText(c check.Call, path, text string) check.Call {
	if path == "name" {
		text += " " + generate.Surname
	}
	return c.With(path, quote(text))
}

// metaCharacters delivers each piece in all text fields, in each alone where that
// is not taken, and in the id.
func metaCharacters(t *check.Trial) check.Conclusion {
	var n check.Notes
	var ids []string
	of := map[string]string{}
	for _, h := range hostile {
		c := t.Call(generate.Spec{})
		for _, path := range hostileFields {
			c = withText(c, path, h.text)
		}
		ids, of[c.ID] = append(ids, c.ID), h.what
		a := t.Send(h.what+" in every text", c)
		if check.Acknowledged(a) || t.Gone != nil {
			n.Answered = true
			continue
		}
		found := false
		for _, path := range hostileFields {
			c := withText(t.Call(generate.Spec{}), path, h.text)
			what := h.what + " in " + path
			if a := t.Send(what, c); !check.Acknowledged(a) {
				found = true
				n.Ack(what, a)
			}
		}
		if !found {
			n.Ack(h.what+" in every text", a)
		}
	}
	for _, piece := range idPieces {
		c := t.Call(generate.Spec{})
		c = renamed(c, c.ID+piece+"x")
		c.Unprobed = true
		what := fmt.Sprintf("a callId with %s", piece)
		switch a := t.Send(what, c); {
		case a.Err == nil && a.Status/100 == 4: // to refuse such an id is right
			n.Answered = true
		default:
			n.Ack(what, a)
		}
	}
	after, never := t.Call(generate.Spec{}), t.Call(generate.Spec{})
	ids, of[after.ID] = append(ids, after.ID), "nothing"
	n.Ack("a good call afterwards", t.Send("a good call afterwards", after))
	return func() check.Finding {
		if t.Seen() == "" {
			all := append(check.Watch(1, ids), check.Watch(0, []string{never.ID})...)
			for _, w := range all[:len(ids)] {
				w.Want = t.Wanted(w.CallID, w.Want)
			}
			t.Settle(all)
			for _, w := range all[:len(ids)] {
				if w.Error == "" && (w.After > w.Want || w.After < w.Want && t.Acked[w.CallID]) {
					n.Fail("a call with %s in its texts: processed %s, expected %d", of[w.CallID], units.Count(w.After, "time"), w.Want)
				}
			}
			if w := all[len(ids)]; w.Error == "" && w.After > 0 {
				n.Fail("a call that was never delivered is counted %d times afterwards", w.After)
			}
		}
		return n.Finding("%d kinds of text in %d fields, %d in callId", len(hostile), len(hostileFields), len(idPieces))
	}
}

// edgeValues are values at the edge of what is documented. Where a consumer may
// well hold the sender to its usual form, to refuse one is worth a look.
func edgeValues(t *check.Trial) []form {
	with := func(what, path, raw string, may bool) form {
		return form{what: what, call: t.Call(generate.Spec{}).With(path, raw), mayRefuse: may}
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
		forms = append(forms, form{what: "the form " + name, call: variant(t, name, generate.Spec{}), mayRefuse: may})
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
func shows(t *check.Trial, callID, first, later string) (kept string) {
	const patience = time.Second
	for began := time.Now(); t.Seen() == "" && t.Ctx.Err() == nil; t.Rest(20 * time.Millisecond) {
		r, err := t.Counter.Read(t.Ctx, callID)
		kept = wasKept(r.Text, first, later)
		if err != nil || kept != "first" && r.Count > 0 || time.Since(began) > patience {
			break
		}
	}
	return kept
}

// laterContent delivers a call again that now says more, and then what it said
// first once more, as a delivery that comes late would.
func laterContent(t *check.Trial) check.Conclusion {
	const first, later = "julianctl-first-write", "julianctl-later-write"
	var n check.Notes
	c := t.Call(generate.Spec{})
	calls := t.Before(1, c.ID)
	older := c.With("callResult.summary", quote(first))
	n.Ack("first delivery", t.Send("first delivery", older))
	n.Ack("later content", t.Send("later content", c.With("callResult.summary", quote(later))))
	between := shows(t, c.ID, first, later)
	n.Ack("the first content once more", t.Send("the first content once more", older))
	return func() check.Finding {
		t.Exactly(&n, calls, n.Fail)
		kept := wasKept(calls[0].Text, first, later)
		if between == "later" && kept == "first" {
			n.Warn("the first content, delivered once more after the later one, was written over it")
		}
		f := n.Finding("3 deliveries of 2 contents, 1 effect")
		// Either may be right: what the endpoint promises is its own affair.
		if kept != "" && len(n.Warns) == 0 {
			t.Result.Kept = kept
			f.Message += fmt.Sprintf("; the %s content was kept", kept)
		}
		return f
	}
}

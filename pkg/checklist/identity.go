package checklist

import (
	"bytes"
	"cmp"
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
	{"callResult.agentActions", "[]", changedActions},
	{"callResult.humanActions", "[]", changedActions},
	{"callResult.followUpMeetingDetails", "", `{"startTime":"2026-01-28T15:00:00.000Z","endTime":"2026-01-28T15:30:00.000Z","hostEmail":"host@example.com"}`},
	{"crmSchedulingDetails", "", `{"julianctl":"later"}`},
	{"phoneNumber", "", ""}, // no other contact has it
	{"sequence.sequenceId", "", `"call-sequence.julianctl-later"`},
	{"sequence", "null", `{"sequenceId":"call-sequence.julianctl-later","lifecycleStatus":"done"}`},
	{"callResult.summary", "", `"Later."`},
	{"direction", `"outbound"`, `"inbound"`},
	{"fromPhoneNumber", "", `"+12025550199"`},
}

const changedActions = `[{"description":"Later.","status":"completed","actionKey":"julianctl","completedAt":"2026-01-20T14:05:00.000Z","metadata":{}}]`

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
		later := c.With(change.path, cmp.Or(change.later, quote(t.Call(generate.Spec{}).Event.PhoneNumber)))
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
	{"a backslash", `C:\new\1\q\users\`},
	{"SQL", `x'); SELECT 1; --`},
	{"a template", `{{7*7}} {{x y}} ${7*7} ${x y} <%= x y %> #{x y} {% x %}`}, // also what none can read
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
	"callResult.agentActions.0.description",
}

// idPieces are those that a call's id is delivered with. A probe that is made of a
// shell or of SQL would run them: it is asked for those alone that do no harm there,
// and its error says nothing.
var idPieces = []struct {
	text     string
	harmless bool
}{{`'`, true}, {`"`, true}, {`%s`, true}, {`{{7*7}}`, true}, {`\`, false}, {`;--[(`, false}, {`%27`, false}, {`/../x`, false}}

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
	var ids, oddIDs []string
	of := map[string]string{}
	fresh := func() check.Call { return t.Call(generate.Spec{}).With("callResult.agentActions", changedActions) }
	for _, h := range hostile {
		c := fresh()
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
			c := withText(fresh(), path, h.text)
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
		c = renamed(c, c.ID+piece.text+"x")
		c.Unprobed = true
		what := "a callId with " + piece.text
		switch a := t.Send(what, c); {
		case a.Err == nil && a.Status/100 == 4: // to refuse such an id is right
			n.Answered = true
		case n.Ack(what, a) && piece.harmless:
			oddIDs, of[c.ID] = append(oddIDs, c.ID), piece.text
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
			odd := check.Watch(1, oddIDs)
			t.Settle(odd)
			if !slices.ContainsFunc(odd, func(w *check.Watched) bool { return w.Error == "" && w.After > 0 }) {
				odd = nil // what answers the probe may not decode its URL
			}
			for _, w := range odd { // a batch says nothing of an id that it chokes on
				if w.Error == "" && (w.Text != "" || t.Counter.Batch == nil) && w.After != t.Wanted(w.CallID, w.Want) {
					n.Fail("a call with %s in its callId: processed %s, expected %d", of[w.CallID], units.Count(w.After, "time"), w.Want)
				}
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
	someone := t.Call(generate.Spec{}).Event.PhoneNumber
	forms := []form{
		with("scheduledAt on the 29th of February", "scheduledAt", `"2024-02-29T23:59:59.999Z"`, false),
		with("scheduledAt on the 31st", "scheduledAt", `"2026-01-31T00:00:00.000Z"`, false),
		with("scheduledAt without a fraction", "scheduledAt", `"2026-01-20T14:00:00Z"`, true),
		with("scheduledAt with an offset", "scheduledAt", `"2026-01-20T14:00:00.000+05:45"`, true),
		with("the time zone Pacific/Chatham", "timezone", `"Pacific/Chatham"`, false),
		with("the time zone America/Argentina/Buenos_Aires", "timezone", `"America/Argentina/Buenos_Aires"`, false),
		with("the time zone UTC", "timezone", `"UTC"`, false),
		with("the time zone America/Port-au-Prince", "timezone", `"America/Port-au-Prince"`, false),
		with("a phone number of London", "phoneNumber", quote("+442079460"+someone[len(someone)-3:]), true),
		with("a duration of 0", "duration", "0", false),
		with("a duration of 46.5s", "duration", "46.5", false),
		with("a duration of more than 2^31ms", "duration", "2147484", false),
		with("a name of 200 characters", "name", quote(strings.Repeat("Wilhelmina ", 17)+"Test Contact"), false),
		with("a name of one word", "name", `"Test"`, false),
		with("an extension of 10 digits", "phoneNumberExt", `"0123456789"`, false),
		with("an empty transcript", "callResult.transcription", `""`, false),
		with("variables that are null and a number", "callResult.extractedVariables", `{"julianctl_unknown":null,"julianctl_number":7}`, true),
		with("an action that failed, and was never completed", "callResult.agentActions", strings.NewReplacer(`"completed"`, `"failed"`, `2026-01-20T14:05:00.000Z`, "").Replace(changedActions), true),
		with("an empty summary", "callResult.summary", `""`, false),
	}
	for _, name := range []string{"numbers", "nested", "nulls", "many-items"} {
		f := form{what: "the form " + name, call: variant(t, name, generate.Spec{})}
		f.mayRefuse = name == "numbers" || name == "nested"
		if name == "numbers" { // some hold more than most types do; what no type holds is left out
			f.call.Body = bytes.ReplaceAll(f.call.Body, []byte("1e400"), []byte("1e300"))
			f.call = f.call.Graded(check.Doubtful)
		}
		forms = append(forms, f)
	}
	return forms
}

// The contents of a call that says more later: what is kept of it shows which.
var (
	firstContent = []string{"julianctl-first-write", "Processing Analysis"}
	laterContent = []string{"julianctl-later-write", "Goal Completed"}
)

// wasKept says which of two contents a text shows, "" when it shows neither alone.
func wasKept(text string) string {
	shows := func(content []string) bool {
		return strings.Contains(text, content[0]) || strings.Contains(text, content[1])
	}
	switch first, later := shows(firstContent), shows(laterContent); {
	case later && !first:
		return "later"
	case first && !later:
		return "first"
	}
	return ""
}

// shows waits a little for a probe that shows contents to show the later one, and
// says which it shows.
func shows(t *check.Trial, callID string) (kept string) {
	const patience = time.Second
	for began := time.Now(); t.Seen() == "" && t.Ctx.Err() == nil; t.Rest(20 * time.Millisecond) {
		r, err := t.Counter.Read(t.Ctx, callID)
		kept = wasKept(r.Text)
		if err != nil || kept != "first" && r.Count > 0 || time.Since(began) > patience {
			break
		}
	}
	return kept
}

// saysMoreLater delivers a call again that is done by now and says more, and then
// what it said first once more, as a delivery that comes late would.
func saysMoreLater(t *check.Trial) check.Conclusion {
	var n check.Notes
	c := t.Call(generate.Spec{})
	calls := t.Before(1, c.ID)
	saying := func(content []string) check.Call {
		return c.With("callResult.summary", quote(content[0])).With("callResult.resultType", quote(content[1]))
	}
	n.Ack("first delivery", t.Send("first delivery", saying(firstContent)))
	n.Ack("later content", t.Send("later content", saying(laterContent)))
	between := shows(t, c.ID)
	n.Ack("the first content once more", t.Send("the first content once more", saying(firstContent)))
	return func() check.Finding {
		t.Exactly(&n, calls, n.Fail)
		kept := wasKept(calls[0].Text)
		if between == "later" && kept == "first" {
			n.Fail("a call that was done went back: its first delivery (%s), delivered once more, was written over the later one (%s)", firstContent[1], laterContent[1])
		}
		f := n.Finding("3 deliveries of 2 contents, 1 effect")
		// Either may be right: what the endpoint promises is its own affair.
		if kept != "" && f.Verdict == check.Pass {
			t.Result.Kept = kept
			f.Message += fmt.Sprintf("; the %s content was kept", kept)
		}
		return f
	}
}

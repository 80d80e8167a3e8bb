package deliveryview

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// prettyPrinter shows in the form of a terminal, into out.
func prettyPrinter(t *testing.T, out *bytes.Buffer, colour string) *Printer {
	t.Helper()
	a := clitest.App(t)
	a.Out = terminal.NewOutput(out)
	a.Style, a.ErrStyle = a.Styles(colour)
	p, err := NewPrinter(a, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.show = p.pretty
	return p
}

// delivery is one of a body, received so long after the first.
func delivery(seq int64, after time.Duration, body string) *receive.Delivery {
	return &receive.Delivery{Seq: seq, Entry: journal.Entry{Outcome: &journal.Outcome{Status: 204}, Delivery: journal.Delivery{
		Received: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(after), Method: "POST", URI: "/",
		Body: []byte(body), Size: int64(len(body)),
	}}}
}

// A trickle is shown in full, each payload with what is wrong before what it says; what
// comes faster has a line each, until it is slow again.
func TestPrettyGetsCompact(t *testing.T) {
	var out bytes.Buffer
	p := prettyPrinter(t, &out, "never")
	const body = `{"callId": "call.1", "name": "Ada Test"}`
	blocks := func(from, n int, every time.Duration) (full, compact int) {
		out.Reset()
		for i := range n {
			p.Delivery(delivery(int64(from+i), time.Duration(from)*time.Hour+time.Duration(i)*every, body), nil)
		}
		p.Flush()
		full = strings.Count(out.String(), "contact     Ada Test")
		return full, strings.Count(out.String(), "error[required] /agentId")
	}
	if full, compact := blocks(1, 20, time.Second); full != 20 || compact != 0 {
		t.Errorf("of 20 a second apart %d are shown in full and %d in a line:\n%s", full, compact, out.String())
	}
	if full, compact := blocks(30, 40, 10*time.Millisecond); full != many-1 || compact != 40-(many-1) || strings.Count(out.String(), "one line each") != 1 {
		t.Errorf("of 40 at once %d are shown in full and %d in a line:\n%s", full, compact, out.String())
	}
	if full, compact := blocks(80, 3, time.Second); full != 3 || compact != 0 {
		t.Errorf("of 3 after that %d are shown in full and %d in a line:\n%s", full, compact, out.String())
	}
}

func TestPrettyFields(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       []string // lines in this order
		not        string
	}{
		{"errors before the transcript", `{"callId": "call.1", "callResult": {"resultType": "Nope", "transcription": "Agent: Hello"}}`,
			[]string{"error[", "transcript"}, ""},
		{"a meeting", `{"callId": "call.1", "timezone": "Europe/Paris", "callResult": {"followUpMeetingDetails": {"startTime": "2026-03-04T13:00:00.000Z", "endTime": "2026-03-04T13:30:00.000Z"}}}`,
			[]string{"meeting     Wed 4 Mar 2026 14:00 to 14:30 Europe/Paris"}, "2026-03-04T"},
		{"a meeting over midnight, nowhere", `{"callId": "call.1", "callResult": {"followUpMeetingDetails": {"startTime": "2026-03-04T23:00:00Z", "endTime": "2026-03-05T00:30:00Z"}}}`,
			[]string{"meeting     Wed 4 Mar 2026 23:00 to Thu 5 Mar 2026 00:30 UTC"}, ""},
		{"no call event", `{"a": 1, "b": 2}`,
			[]string{"error[required] not a call event: 0 of 15 documented fields"}, "is missing"},
		{"half a call event", `{"callId": "call.1"}`, []string{"is missing: /agentId, /callResult"}, "not a call event"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			p := prettyPrinter(t, &out, "never")
			p.Delivery(delivery(1, 0, tt.body), nil)
			p.Flush()
			rest := out.String()
			for _, want := range tt.want {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Errorf("no %q in its place:\n%s", want, out.String())
				}
				rest = after
			}
			if tt.not != "" && strings.Contains(out.String(), tt.not) {
				t.Errorf("%q is shown:\n%s", tt.not, out.String())
			}
		})
	}
}

// The result of a call has no colour: one that failed is delivered as well as any.
func TestResultTypesAreNeutral(t *testing.T) {
	heads := map[string]string{}
	for _, result := range []string{"Failed", "Goal Completed"} {
		var out bytes.Buffer
		p := prettyPrinter(t, &out, "always")
		s := p.received(delivery(1, 0, fmt.Sprintf(`{"callId": "call.1", "callResult": {"resultType": %q}}`, result)), nil)
		s.ResultType, s.Size = result, 0
		heads[result] = strings.ReplaceAll(p.headWith(s, true, ""), result, "X")
	}
	if diff := cmp.Diff(heads["Failed"], heads["Goal Completed"]); diff != "" || !strings.HasSuffix(heads["Failed"], "  X") {
		t.Errorf("heads differ, or end in a colour: %q\n%s", heads["Failed"], diff)
	}
}

package generate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
)

func ExampleGenerator_Event() {
	event := generate.New(1).Event(generate.Spec{ResultType: julian.Busy})
	fmt.Println(event.Name, event.CallResult.ResultType, event.Duration, event.CallResult.Transcription == "")
	// Output: Test Contact (julianctl) Busy 0 true
}

func TestSameSeedSameBytes(t *testing.T) {
	stream := func(seed uint64) (out [][]byte) {
		g := generate.New(seed)
		for _, r := range julian.ResultTypes() {
			body, err := g.Payload(generate.Spec{ResultType: r.Name})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, body)
		}
		return out
	}
	if diff := cmp.Diff(stream(7), stream(7)); diff != "" {
		t.Errorf("seed 7 twice:\n%s", diff)
	}
	if bytes.Equal(stream(7)[0], stream(8)[0]) {
		t.Error("seeds 7 and 8 give the same payload")
	}
}

// Fields fit the result: what the documentation says of a result type holds
// for the payload made for it.
func TestFieldsFitTheResult(t *testing.T) {
	g := generate.New(1)
	ids := map[string]bool{}
	for _, r := range julian.ResultTypes() {
		for _, s := range julian.LifecycleStatuses() {
			e := g.Event(generate.Spec{ResultType: r.Name, Lifecycle: s.Name, Web: true, Direction: julian.Inbound})
			c := e.CallResult
			talked := e.Duration > 0 && c.Transcription != "" && e.CallURL != ""
			silent := e.Duration == 0 && c.Transcription == "" && e.CallURL == ""
			switch {
			case c.ResultType != r.Name || e.Sequence.LifecycleStatus != s.Name || e.Direction != julian.Inbound || e.FromPhoneNumber != "":
				t.Errorf("%s, %s: asked for one thing, got %+v", r.Name, s.Name, e)
			case c.Summary == "":
				t.Errorf("%s has no summary", r.Name)
			case r.Connection == julian.Connected && !talked:
				t.Errorf("%s: nobody spoke: %+v", r.Name, e)
			case r.Connection == julian.NotConnected && !silent:
				t.Errorf("%s: somebody spoke: %+v", r.Name, e)
			case (r.Name == julian.Rescheduled) != (e.RescheduledAt != nil):
				t.Errorf("%s: rescheduledAt %v", r.Name, e.RescheduledAt)
			case ids[e.CallID]:
				t.Errorf("callId %s twice", e.CallID)
			case !strings.HasPrefix(e.PhoneNumber, "+120255501") || len(e.PhoneNumber) != 12:
				t.Errorf("%s is not reserved for fiction", e.PhoneNumber)
			}
			ids[e.CallID] = true
		}
	}
}

// What is encoded decodes to the same event, without HTML escapes.
func TestEncode(t *testing.T) {
	e := generate.New(1).Event(generate.Spec{})
	e.Name = "<b> & \u2028 é"
	body, err := generate.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(body, []byte("<b> &")) || bytes.HasSuffix(body, []byte("\n")) {
		t.Errorf("encoded as %s", body)
	}
	var back julian.CallEvent
	if err := json.Unmarshal(body, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, back); diff != "" {
		t.Errorf("round trip (-event +decoded):\n%s", diff)
	}
}

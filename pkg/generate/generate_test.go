package generate_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones are checked against the real ones
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

func ExampleGenerator_Event() {
	event := generate.New(1).Event(generate.Spec{ResultType: julian.Busy})
	fmt.Println(event.CallResult.ResultType, event.Duration, event.CallResult.Transcription == "")
	// Output: Busy 0 true
}

func ExampleGenerator_Draw() {
	g := generate.New(1)
	for range 5 {
		e := g.Event(g.Draw(generate.Spec{}))
		fmt.Println(e.CallResult.ResultType, e.Direction, e.Timezone)
	}
	// Output:
	// Goal Not Completed inbound Europe/Stockholm
	// Opted Out outbound America/Los_Angeles
	// Voicemail inbound Europe/Paris
	// No Conversation outbound America/Chicago
	// Busy outbound Europe/Stockholm
}

func strict(t testing.TB) *validate.Validator {
	t.Helper()
	v, err := validate.New(validate.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func correct(t *testing.T, v *validate.Validator, what string, body []byte) {
	t.Helper()
	if issues := v.Issues(payload.Document{Body: body}); issues != nil {
		t.Fatalf("%s: %+v\n%.3000s", what, issues, body)
	}
}

// The hash changes with every change to what is made. Update it together with
// a line in the changelog: people keep what a seed gives.
func TestGolden(t *testing.T) {
	const want = "e38536ff221884ba7068f8298ab76665f03ccc5bb08b71802158c8e337f5fbef"
	g := generate.New(1)
	hash := sha256.New()
	for range 10000 {
		body, err := g.Payload(g.Draw(generate.Spec{}))
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(append(body, '\n'))
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		t.Errorf("10,000 payloads of seed 1 have the SHA-256 %s, want %s", got, want)
	}
}

// everything is one stream of all that a seed can give.
func everything(t *testing.T, seed uint64) []byte {
	t.Helper()
	g := generate.New(seed)
	var out []byte
	add := func(body []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, body...), '\n')
	}
	for _, r := range julian.ResultTypes() {
		add(g.Payload(generate.Spec{ResultType: r.Name}))
	}
	for range 50 {
		add(g.Append(nil, g.Draw(generate.Spec{})))
	}
	for _, v := range generate.Variants {
		bodies, err := v.Payloads(g, g.Draw(generate.Spec{}))
		for _, body := range bodies {
			add(body, err)
		}
	}
	for _, m := range generate.Mutations {
		broken, err := m.Payload(g, generate.Spec{})
		add(broken.Body, err)
	}
	for _, e := range g.Story(generate.Spec{}) {
		add(generate.Encode(e))
	}
	return out
}

func TestSameSeedSameBytes(t *testing.T) {
	first := everything(t, 7)
	for range 5 { // the order of a map would show
		if !bytes.Equal(first, everything(t, 7)) {
			t.Fatal("seed 7 gives other payloads the second time")
		}
	}
	if bytes.Equal(first, everything(t, 8)) {
		t.Error("seeds 7 and 8 give the same payloads")
	}
}

// A nonce gives every id another value, and changes nothing else.
func TestNonce(t *testing.T) {
	made := regexp.MustCompile(`julianctl-[0-9a-f]{16}`)
	a, b := generate.New(7), generate.New(7)
	b.Nonce = 1
	for _, v := range generate.Variants {
		plain, err := v.Payloads(a, generate.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		otherKind, err := v.Payloads(b, generate.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range plain {
			ids := made.FindAllString(string(plain[i]), -1)
			if len(ids) == 0 {
				t.Errorf("%s: no id", v.Name)
			}
			for _, id := range ids {
				if bytes.Contains(otherKind[i], []byte(id)) {
					t.Errorf("%s: %s with both nonces", v.Name, id)
				}
			}
			if diff := cmp.Diff(made.ReplaceAllString(string(plain[i]), ""), made.ReplaceAllString(string(otherKind[i]), "")); diff != "" {
				t.Errorf("%s: more than ids differs:\n%.1000s", v.Name, diff)
			}
		}
	}
}

// Append makes what Payload makes, behind what is there.
func TestAppend(t *testing.T) {
	a, b := generate.New(4), generate.New(4)
	for range 500 {
		want, err := a.Payload(a.Draw(generate.Spec{}))
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Append([]byte("before"), b.Draw(generate.Spec{}))
		if diff := cmp.Diff("before"+string(want), string(got)); err != nil || diff != "" {
			t.Fatalf("(-Payload +Append), %v:\n%s", err, diff)
		}
	}
}

// Whatever a valid spec asks for is a correct payload.
func TestPayloadsAreCorrect(t *testing.T) {
	v := strict(t)
	seeds := uint64(300)
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		g := generate.New(seed)
		for range 20 {
			body, err := g.Payload(g.Draw(generate.Spec{}))
			if err != nil {
				t.Fatal(err)
			}
			correct(t, v, fmt.Sprintf("seed %d", seed), body)
		}
		for _, e := range g.Story(generate.Spec{}) {
			body, err := generate.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			correct(t, v, fmt.Sprintf("story of seed %d", seed), body)
		}
	}
}

// Fields fit the result: what the documentation says of a result type holds
// for the payload made for it.
func TestFieldsFitTheResult(t *testing.T) {
	v := strict(t)
	ids := map[string]bool{}
	for seed := range uint64(20) {
		g := generate.New(seed)
		for _, r := range julian.ResultTypes() {
			for _, s := range julian.LifecycleStatuses() {
				e := g.Event(generate.Spec{ResultType: r.Name, Lifecycle: s.Name})
				checkEvent(t, e, r)
				if e.CallResult.ResultType != r.Name || e.Sequence.LifecycleStatus != s.Name || e.Direction != julian.Outbound || ids[e.CallID] {
					t.Fatalf("asked for %s, %s: %+v", r.Name, s.Name, e)
				}
				ids[e.CallID] = true
			}
			e := g.Event(g.Draw(generate.Spec{ResultType: r.Name}))
			checkEvent(t, e, r)
			body, err := generate.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			correct(t, v, string(r.Name), body)
		}
	}
}

func checkEvent(t *testing.T, e julian.CallEvent, r julian.Value[julian.ResultType]) {
	t.Helper()
	c := e.CallResult
	talked := e.Duration > 0 && c.Transcription != "" && e.CallURL != ""
	silent := e.Duration == 0 && c.Transcription == "" && e.CallURL == ""
	switch {
	case c.Summary == "" || strings.ContainsAny(c.Summary+c.Transcription, "{}"):
		t.Fatalf("%s: summary %q, transcript %q", r.Name, c.Summary, c.Transcription)
	case !talked && !silent,
		r.Connection == julian.Connected && !talked,
		r.Connection == julian.NotConnected && !silent,
		r.Name == julian.Voicemail && !talked:
		t.Fatalf("%s, %s: %+v", r.Name, r.Connection, e)
	case (r.Name == julian.Rescheduled) != (e.RescheduledAt != nil):
		t.Fatalf("%s: rescheduledAt %v", r.Name, e.RescheduledAt)
	case e.RescheduledAt != nil && !e.RescheduledAt.After(e.ScheduledAt.Time):
		t.Fatalf("%s: moved from %v to %v", r.Name, e.ScheduledAt, e.RescheduledAt)
	case !strings.HasPrefix(e.CallID, "call.julianctl-") || !strings.HasSuffix(e.Name, " "+generate.Surname):
		t.Fatalf("not to be recognised as synthetic: %+v", e)
	}
	ended := e.ScheduledAt.Add(time.Duration(e.Duration) * time.Second)
	for _, a := range slices.Concat(c.AgentActions, c.HumanActions) {
		at, err := time.Parse(time.RFC3339, a.CompletedAt)
		if completed := a.Status == "completed"; completed != (err == nil) || completed && at.Before(ended.Truncate(time.Millisecond)) {
			t.Fatalf("%s: call ended %v, action %+v", r.Name, ended, a)
		}
	}
	if m := c.FollowUpMeetingDetails; m != nil && (!m.StartTime.After(ended) || !m.EndTime.After(m.StartTime.Time)) {
		t.Fatalf("%s: call ended %v, meeting %+v", r.Name, ended, m)
	}
}

// fiction is every block of numbers that is set aside for films and books, as
// its keeper publishes it, with the zones that it fits.
var fiction = []struct {
	first, last string
	zones       string
}{
	{"+12125550100", "+12125550199", "America/New_York"},
	{"+13055550100", "+13055550199", "America/New_York"},
	{"+13125550100", "+13125550199", "America/Chicago"},
	{"+13035550100", "+13035550199", "America/Denver"},
	{"+12135550100", "+12135550199", "America/Los_Angeles"},
	{"+14155550100", "+14155550199", "America/Los_Angeles"},
	{"+14165550100", "+14165550199", "America/Toronto"},
	{"+15145550100", "+15145550199", "America/Toronto"},
	{"+442079460000", "+442079460999", "Europe/London"},
	{"+447700900000", "+447700900999", "Europe/London"},
	{"+353209100000", "+353209199999", "Europe/Dublin"},
	{"+33199000000", "+33199009999", "Europe/Paris"},
	{"+33639980000", "+33639989999", "Europe/Paris"},
	{"+493023125000", "+493023125999", "Europe/Berlin"},
	{"+494066969000", "+494066969999", "Europe/Berlin"},
	{"+498999998000", "+498999998999", "Europe/Berlin"},
	{"+46846500400", "+46846500499", "Europe/Stockholm"},
	{"+46701740605", "+46701740699", "Europe/Stockholm"},
	{"+61255500000", "+61255509999", "Australia/Sydney"},
	{"+61270100000", "+61270109999", "Australia/Sydney"},
	{"+61855500000", "+61855509999", "Australia/Perth"},
}

// Numbers are fictional, zones fit them, and people are called when they work.
func TestNumbersZonesAndHours(t *testing.T) {
	g := generate.New(3)
	used := make([]int, len(fiction))
	for range 20000 {
		e := g.Event(g.Draw(generate.Spec{}))
		for _, number := range []string{e.PhoneNumber, e.FromPhoneNumber} {
			i := slices.IndexFunc(fiction, func(f struct{ first, last, zones string }) bool {
				return len(number) == len(f.first) && f.first <= number && number <= f.last && f.zones == e.Timezone
			})
			switch {
			case i >= 0:
				used[i]++
			case number != "" || number == e.PhoneNumber:
				t.Fatalf("%s in %s is not reserved for fiction", number, e.Timezone)
			}
		}
		zone, err := time.LoadLocation(e.Timezone)
		if err != nil {
			t.Fatal(err)
		}
		at := e.ScheduledAt.In(zone)
		if at.Hour() < 9 || at.Hour() > 17 || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			t.Fatalf("called at %s", at)
		}
	}
	for i, n := range used {
		if n == 0 {
			t.Errorf("no number from %s on was used", fiction[i].first)
		}
	}
}

// Calls as they occur: every kind that is terminal, both directions, web
// calls, calls without a sequence, several languages.
func TestDraw(t *testing.T) {
	g := generate.New(1)
	seen := map[string]int{}
	for range 20000 {
		e := g.Event(g.Draw(generate.Spec{}))
		seen[string(e.CallResult.ResultType)]++
		seen[string(e.Direction)]++
		if e.FromPhoneNumber == "" {
			seen["web"]++
			if e.Direction != julian.Inbound {
				t.Fatalf("a web call is %s", e.Direction)
			}
		}
		if from := e.FromPhoneNumber; e.Direction == julian.Inbound && from != "" && from != e.PhoneNumber {
			t.Fatalf("an inbound call of %s came from %s", e.PhoneNumber, from)
		}
		if e.Sequence == nil {
			seen["single"]++
		} else {
			seen[string(e.Sequence.LifecycleStatus)]++
		}
		if !e.CallResult.ResultType.Terminal() {
			t.Fatalf("%s is not terminal", e.CallResult.ResultType)
		}
		for _, word := range []string{"Goodbye", "Bonjour", "Guten Tag", "Hola", "Hej", "您好"} {
			if strings.Contains(e.CallResult.Transcription, word) {
				seen[word]++
			}
		}
	}
	want := []string{"outbound", "inbound", "web", "single", "Goodbye", "Bonjour", "Guten Tag", "Hola", "Hej", "您好"}
	for _, r := range julian.ResultTypes() {
		if r.Terminal {
			want = append(want, string(r.Name))
		}
	}
	for _, s := range julian.LifecycleStatuses() {
		want = append(want, string(s.Name))
	}
	for _, what := range want {
		if seen[what] < 100 {
			t.Errorf("%s: %d of 20000", what, seen[what])
		}
	}
	spec := generate.Spec{Agent: "agent.x", ResultType: julian.Busy, Lifecycle: julian.SequenceFailed, Direction: julian.Inbound, Transcript: &generate.Range{}}
	if diff := cmp.Diff(spec, g.Draw(spec)); diff != "" {
		t.Errorf("what is asked for changed:\n%s", diff)
	}
}

// A transcript has the size that is asked for, to the byte, in every language.
func TestTranscriptSize(t *testing.T) {
	for _, r := range julian.ResultTypes() {
		g := generate.New(1)
		for _, size := range []int{0, 1, 2, 3, 10, 100, 500, 5000, 100_000} {
			for range 40 {
				e := g.Event(generate.Spec{ResultType: r.Name, Transcript: &generate.Range{Min: size, Max: size}})
				text := e.CallResult.Transcription
				if got := len(text); e.Duration > 0 && got != size || !utf8.ValidString(text) {
					t.Fatalf("%s: %d bytes, want %d: %.200q", r.Name, got, size, text)
				}
				if e.Duration == 0 && text != "" {
					t.Fatalf("%s: nobody spoke, but %q", r.Name, text)
				}
			}
		}
	}
	for _, r := range []generate.Range{{Min: -5, Max: -3}, {Min: 9, Max: 2}, {Min: -1, Max: 0}} {
		if n := len(generate.New(1).Event(generate.Spec{Transcript: &r}).CallResult.Transcription); n != max(r.Min, 0) {
			t.Errorf("%+v: %d bytes", r, n)
		}
	}
	g := generate.New(1)
	least, most := 1000, 0
	for range 2000 {
		n := len(g.Event(generate.Spec{Transcript: &generate.Range{Min: 10, Max: 20}}).CallResult.Transcription)
		least, most = min(least, n), max(most, n)
	}
	if least != 10 || most != 20 {
		t.Errorf("sizes %d to %d, want 10 to 20", least, most)
	}
}

// A talk is turns, and its length fits the duration.
func TestTalkReadsLikeACall(t *testing.T) {
	g := generate.New(5)
	for range 5000 {
		e := g.Event(g.Draw(generate.Spec{ResultType: julian.GoalCompleted}))
		turns := strings.Split(e.CallResult.Transcription, "\n")
		for _, turn := range turns {
			speaker, text, _ := strings.Cut(turn, ": ")
			if speaker != "Agent" && speaker != "User" || text == "" {
				t.Fatalf("turn %q", turn)
			}
		}
		if rate := float64(len(e.CallResult.Transcription)) / e.Duration; len(turns) < 6 || rate < 8 || rate > 15 {
			t.Fatalf("%d turns, %.1f bytes a second in %s", len(turns), rate, e.CallResult.Transcription)
		}
	}
}

package validate_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

// corpus writes n correct payloads, one a line: all different, transcripts of
// 200 B to 4 KB, with escapes, a third of them with text beyond ASCII.
func corpus(w io.Writer, n int, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 0))
	results, lifecycles := julian.ResultTypes(), julian.LifecycleStatuses()
	zones := []string{"Europe/London", "America/New_York", "Asia/Kolkata", "America/Argentina/Buenos_Aires", "UTC"}
	// A call is held in one language; most are in English.
	english := []string{
		`User: Yes, Thursday at ten would work for me, thank you. `,
		`Agent: Great, I will send the invitation to your address right away.\n`,
		`User: Can you say \"that\" again?\nAgent: Of course.\n`,
		`User: I am driving; call me back in an hour or so, please. `,
	}
	german := []string{
		`User: Könnten wir das auf nächste Woche verschieben?\n`,
		`Agent: Selbstverständlich, passt Ihnen der Dienstag um zehn Uhr?\n`,
	}
	japanese := []string{
		`Agent: はい、来週の火曜日はいかがでしょうか。\n`,
		`User: 火曜日の午前中なら大丈夫です。よろしくお願いします。\n`,
	}
	languages := [][]string{english, english, english, english, english, english, german, german, japanese}
	var b []byte
	var turns []string
	text := func(size int) {
		for end := len(b) + size; len(b) < end; {
			b = append(b, turns[r.IntN(len(turns))]...)
		}
	}
	for i := range n {
		turns = languages[r.IntN(len(languages))]
		b = fmt.Appendf(b[:0], `{"agentId":"agent.%x","agentName":"Agent %d","callId":"call.%016x","name":"Contact %d","phoneNumber":"+1555%07d","phoneNumberExt":"","fromPhoneNumber":"+1555%07d"`,
			r.Uint32(), r.IntN(50), r.Uint64(), i, r.IntN(1e7), r.IntN(1e7))
		b = fmt.Appendf(b, `,"scheduledAt":"2025-%02d-%02dT%02d:%02d:%02d.%03dZ","timezone":%q,"direction":%q`,
			1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000), zones[r.IntN(len(zones))], []julian.Direction{julian.Outbound, julian.Inbound}[r.IntN(2)])
		b = append(b, `,"customInputVariables":{`...)
		for v := range r.IntN(5) {
			b = fmt.Appendf(b, `"variable_%d":"value %d",`, v, r.IntN(1000))
		}
		result, duration, moved := results[r.IntN(len(results))], r.IntN(900), "null"
		if result.Connection == julian.NotConnected {
			duration = 0
		}
		if result.Name == julian.Rescheduled {
			moved = fmt.Sprintf(`"2026-01-%02dT12:00:00.000Z"`, 1+r.IntN(28))
		}
		b = append(bytes.TrimSuffix(b, []byte(",")), `},"duration":`...)
		b = strconv.AppendInt(b, int64(duration), 10)
		b = fmt.Appendf(b, `,"callUrl":"https://julian.11x.ai/org/calls/call.%x","rescheduledAt":%s,"callResult":{"resultType":%q,"summary":"`, r.Uint64(), moved, result.Name)
		text(80)
		b = append(b, `","extractedVariables":{"budget":"unknown","interest":"high"},"agentActions":[`...)
		for a := range r.IntN(3) {
			b = fmt.Appendf(b, `{"description":"Scheduled follow-up meeting %d","status":"completed","actionKey":"schedule_meeting","completedAt":"2025-09-25T08:21:30.000Z","metadata":{"attempt":%d}},`, a, a)
		}
		b = append(bytes.TrimSuffix(b, []byte(",")), `],"humanActions":[],"transcription":"`...)
		text(200 + int(r.ExpFloat64()*700)%3800)
		b = append(b, `","outcomes":[{"name":"interested","reasoning":"Customer expressed interest in the product"}]}`...)
		if r.IntN(2) == 0 {
			b = fmt.Appendf(b, `,"sequence":{"sequenceId":"call-sequence.%x","lifecycleStatus":%q}`, r.Uint32(), lifecycles[r.IntN(len(lifecycles))].Name)
		}
		b = append(b, "}\n"...)
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// brokenCorpus is a corpus in which one document of every is not correct.
func brokenCorpus(tb testing.TB, n, every int) []byte {
	var b bytes.Buffer
	if err := corpus(&b, n, 1); err != nil {
		tb.Fatal(err)
	}
	lines := bytes.SplitAfter(b.Bytes(), []byte("\n"))
	for i := range lines {
		if every > 0 && i%every == 0 {
			lines[i] = bytes.Replace(lines[i], []byte(`"duration":`), []byte(`"duration":"a",`), 1)
		}
	}
	return bytes.Join(lines, nil)
}

func BenchmarkIssues(b *testing.B) {
	v, err := validate.New(validate.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name  string
		every int
	}{{"clean", 0}, {"1% broken", 100}, {"all broken", 1}} {
		b.Run(bb.name, func(b *testing.B) {
			body := brokenCorpus(b, 2000, bb.every)
			var docs []payload.Document
			for doc, err := range payload.Read(b.Context(), []string{"-"}, bytes.NewReader(body)) {
				if err != nil {
					b.Fatal(err)
				}
				docs = append(docs, doc)
			}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				for _, doc := range docs {
					v.Issues(doc)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	body := brokenCorpus(b, 20000, 0)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range payload.Read(b.Context(), []string{"-"}, bytes.NewReader(body)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkStream(b *testing.B) {
	v, err := validate.New(validate.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name  string
		every int
	}{{"clean", 0}, {"1% broken", 100}, {"all broken", 1}} {
		b.Run(bb.name, func(b *testing.B) {
			body := brokenCorpus(b, 20_000, bb.every)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				for r := range v.Stream(b.Context(), []string{"-"}, bytes.NewReader(body), runtime.GOMAXPROCS(0)) {
					if r.Err != nil {
						b.Fatal(r.Err)
					}
				}
			}
		})
	}
}

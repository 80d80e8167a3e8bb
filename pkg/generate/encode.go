package generate

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/julian"
)

// Encode writes an event as the provider does: UTF-8, no HTML escapes, fields
// in documented order. The bytes are those of encoding/json, at several times
// its speed.
func Encode(e julian.CallEvent) ([]byte, error) {
	return appendEvent(make([]byte, 0, 1024+len(e.CallResult.Transcription)), &e, nil)
}

// encoder appends a payload.
type encoder struct {
	jsonscan.Writer
	// transcript, if not nil, is the transcript as bytes: making a string of it would
	// be the most expensive part of a payload.
	transcript []byte
}

func appendEvent(dst []byte, e *julian.CallEvent, transcript []byte) ([]byte, error) {
	enc := &encoder{Writer: jsonscan.Writer{B: dst}, transcript: transcript}
	enc.event(e)
	if enc.Err != nil {
		return dst, fmt.Errorf("encoding call %q: %w", e.CallID, enc.Err)
	}
	return enc.B, nil
}

func (enc *encoder) event(e *julian.CallEvent) {
	enc.Text(`{"agentId":`, e.AgentID)
	enc.Text(`,"agentName":`, e.AgentName)
	enc.Text(`,"callId":`, e.CallID)
	enc.Text(`,"name":`, e.Name)
	enc.Text(`,"phoneNumber":`, e.PhoneNumber)
	enc.Text(`,"phoneNumberExt":`, e.PhoneNumberExt)
	enc.Text(`,"fromPhoneNumber":`, e.FromPhoneNumber)
	enc.time(`,"scheduledAt":`, e.ScheduledAt.Time)
	enc.Text(`,"timezone":`, e.Timezone)
	enc.Text(`,"direction":`, string(e.Direction))
	enc.free(`,"customInputVariables":`, e.CustomInputVariables)
	enc.Number(`,"duration":`, e.Duration)
	enc.Text(`,"callUrl":`, e.CallURL)
	if e.RescheduledAt == nil {
		enc.Raw(`,"rescheduledAt":null`)
	} else {
		enc.time(`,"rescheduledAt":`, e.RescheduledAt.Time)
	}
	enc.Raw(`,"callResult":`)
	enc.result(&e.CallResult)
	if len(e.CRMSchedulingDetails) > 0 {
		enc.free(`,"crmSchedulingDetails":`, e.CRMSchedulingDetails)
	}
	if s := e.Sequence; s != nil {
		enc.Text(`,"sequence":{"sequenceId":`, s.SequenceID)
		enc.Text(`,"lifecycleStatus":`, string(s.LifecycleStatus))
		enc.Raw(`}`)
	}
	enc.Raw(`}`)
}

func (enc *encoder) result(r *julian.CallResult) {
	enc.Text(`{"resultType":`, string(r.ResultType))
	enc.Text(`,"summary":`, r.Summary)
	enc.free(`,"extractedVariables":`, r.ExtractedVariables)
	list(enc, `,"agentActions":`, r.AgentActions, enc.action)
	list(enc, `,"humanActions":`, r.HumanActions, enc.action)
	if enc.transcript == nil {
		enc.Text(`,"transcription":`, r.Transcription)
	} else {
		enc.Raw(`,"transcription":`)
		enc.B = jsonscan.AppendString(enc.B, enc.transcript)
	}
	list(enc, `,"outcomes":`, r.Outcomes, enc.outcome)
	if m := r.FollowUpMeetingDetails; m != nil {
		enc.time(`,"followUpMeetingDetails":{"startTime":`, m.StartTime.Time)
		enc.time(`,"endTime":`, m.EndTime.Time)
		enc.Text(`,"hostEmail":`, m.HostEmail)
		enc.Raw(`}`)
	}
	enc.Raw(`}`)
}

func (enc *encoder) action(a *julian.Action) {
	enc.Text(`{"description":`, a.Description)
	enc.Text(`,"status":`, a.Status)
	enc.Text(`,"actionKey":`, a.ActionKey)
	enc.Text(`,"completedAt":`, a.CompletedAt)
	enc.free(`,"metadata":`, a.Metadata)
	enc.Raw(`}`)
}

func (enc *encoder) outcome(o *julian.Outcome) {
	enc.Text(`{"name":`, o.Name)
	enc.Text(`,"reasoning":`, o.Reasoning)
	enc.Raw(`}`)
}

func list[T any](enc *encoder, before string, items []T, item func(*T)) {
	enc.Raw(before)
	if items == nil {
		enc.Raw(`null`)
		return
	}
	enc.Raw(`[`)
	for i := range items {
		if i > 0 {
			enc.Raw(`,`)
		}
		item(&items[i])
	}
	enc.Raw(`]`)
}

func (enc *encoder) time(before string, t time.Time) {
	enc.Raw(before)
	if y := t.UTC().Year(); y < 0 || y > 9999 {
		enc.Value("", julian.Timestamp{Time: t}) // which returns the error
		return
	}
	enc.Raw(`"`)
	enc.B = appendTime(enc.B, t)
	enc.Raw(`"`)
}

// free writes an object with unknown keys, sorted.
func (enc *encoder) free(before string, m map[string]any) {
	enc.Raw(before)
	if m == nil {
		enc.Raw(`null`)
		return
	}
	enc.Raw(`{`)
	var few [8]string
	keys := slices.AppendSeq(few[:0], maps.Keys(m))
	slices.Sort(keys)
	for i, key := range keys {
		if i > 0 {
			enc.Raw(`,`)
		}
		enc.B = append(jsonscan.AppendString(enc.B, key), ':')
		if s, ok := m[key].(string); ok {
			enc.B = jsonscan.AppendString(enc.B, s)
		} else {
			enc.Value("", m[key])
		}
	}
	enc.Raw(`}`)
}

// appendTime appends a time of the years 0 to 9999 in the provider's form, truncated
// to milliseconds.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(appendDigits(dst, year, 4), '-')
	dst = append(appendDigits(dst, int(month), 2), '-')
	dst = append(appendDigits(dst, day, 2), 'T')
	dst = append(appendDigits(dst, hour, 2), ':')
	dst = append(appendDigits(dst, minute, 2), ':')
	dst = append(appendDigits(dst, second, 2), '.')
	return append(appendDigits(dst, t.Nanosecond()/1e6, 3), 'Z')
}

// appendDigits adds n, not negative, with zeros before it up to width digits.
func appendDigits(dst []byte, n, width int) []byte {
	from := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; i >= from; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

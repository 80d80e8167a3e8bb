package generate

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
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

// encoder appends JSON and keeps its first error.
type encoder struct {
	b   []byte
	err error
	// transcript, if not nil, is the transcript as bytes: making a string of it would
	// be the most expensive part of a payload.
	transcript []byte
}

func appendEvent(dst []byte, e *julian.CallEvent, transcript []byte) ([]byte, error) {
	enc := &encoder{b: dst, transcript: transcript}
	enc.event(e)
	if enc.err != nil {
		return dst, fmt.Errorf("encoding call %q: %w", e.CallID, enc.err)
	}
	return enc.b, nil
}

func (enc *encoder) event(e *julian.CallEvent) {
	enc.str(`{"agentId":`, e.AgentID)
	enc.str(`,"agentName":`, e.AgentName)
	enc.str(`,"callId":`, e.CallID)
	enc.str(`,"name":`, e.Name)
	enc.str(`,"phoneNumber":`, e.PhoneNumber)
	enc.str(`,"phoneNumberExt":`, e.PhoneNumberExt)
	enc.str(`,"fromPhoneNumber":`, e.FromPhoneNumber)
	enc.time(`,"scheduledAt":`, e.ScheduledAt.Time)
	enc.str(`,"timezone":`, e.Timezone)
	enc.str(`,"direction":`, string(e.Direction))
	enc.free(`,"customInputVariables":`, e.CustomInputVariables)
	enc.number(`,"duration":`, e.Duration)
	enc.str(`,"callUrl":`, e.CallURL)
	if e.RescheduledAt == nil {
		enc.raw(`,"rescheduledAt":null`)
	} else {
		enc.time(`,"rescheduledAt":`, e.RescheduledAt.Time)
	}
	enc.raw(`,"callResult":`)
	enc.result(&e.CallResult)
	if len(e.CRMSchedulingDetails) > 0 {
		enc.free(`,"crmSchedulingDetails":`, e.CRMSchedulingDetails)
	}
	if s := e.Sequence; s != nil {
		enc.str(`,"sequence":{"sequenceId":`, s.SequenceID)
		enc.str(`,"lifecycleStatus":`, string(s.LifecycleStatus))
		enc.raw(`}`)
	}
	enc.raw(`}`)
}

func (enc *encoder) result(r *julian.CallResult) {
	enc.str(`{"resultType":`, string(r.ResultType))
	enc.str(`,"summary":`, r.Summary)
	enc.free(`,"extractedVariables":`, r.ExtractedVariables)
	list(enc, `,"agentActions":`, r.AgentActions, enc.action)
	list(enc, `,"humanActions":`, r.HumanActions, enc.action)
	if enc.transcript == nil {
		enc.str(`,"transcription":`, r.Transcription)
	} else {
		enc.raw(`,"transcription":`)
		enc.b = jsonscan.AppendString(enc.b, enc.transcript)
	}
	list(enc, `,"outcomes":`, r.Outcomes, enc.outcome)
	if m := r.FollowUpMeetingDetails; m != nil {
		enc.time(`,"followUpMeetingDetails":{"startTime":`, m.StartTime.Time)
		enc.time(`,"endTime":`, m.EndTime.Time)
		enc.str(`,"hostEmail":`, m.HostEmail)
		enc.raw(`}`)
	}
	enc.raw(`}`)
}

func (enc *encoder) action(a *julian.Action) {
	enc.str(`{"description":`, a.Description)
	enc.str(`,"status":`, a.Status)
	enc.str(`,"actionKey":`, a.ActionKey)
	enc.str(`,"completedAt":`, a.CompletedAt)
	enc.free(`,"metadata":`, a.Metadata)
	enc.raw(`}`)
}

func (enc *encoder) outcome(o *julian.Outcome) {
	enc.str(`{"name":`, o.Name)
	enc.str(`,"reasoning":`, o.Reasoning)
	enc.raw(`}`)
}

func list[T any](enc *encoder, before string, items []T, item func(*T)) {
	enc.raw(before)
	if items == nil {
		enc.raw(`null`)
		return
	}
	enc.raw(`[`)
	for i := range items {
		if i > 0 {
			enc.raw(`,`)
		}
		item(&items[i])
	}
	enc.raw(`]`)
}

func (enc *encoder) raw(s string) { enc.b = append(enc.b, s...) }

func (enc *encoder) str(before, s string) {
	enc.raw(before)
	enc.b = jsonscan.AppendString(enc.b, s)
}

func (enc *encoder) number(before string, f float64) {
	enc.raw(before)
	const exact = 1 << 53
	if f == math.Trunc(f) && math.Abs(f) < exact && (f != 0 || !math.Signbit(f)) {
		enc.b = strconv.AppendInt(enc.b, int64(f), 10)
		return
	}
	enc.standard(f)
}

func (enc *encoder) time(before string, t time.Time) {
	enc.raw(before)
	if y := t.UTC().Year(); y < 0 || y > 9999 {
		enc.standard(julian.Timestamp{Time: t}) // which returns the error
		return
	}
	enc.raw(`"`)
	enc.b = appendTime(enc.b, t)
	enc.raw(`"`)
}

// free writes an object with unknown keys, sorted.
func (enc *encoder) free(before string, m map[string]any) {
	enc.raw(before)
	if m == nil {
		enc.raw(`null`)
		return
	}
	enc.raw(`{`)
	var few [8]string
	keys := slices.AppendSeq(few[:0], maps.Keys(m))
	slices.Sort(keys)
	for i, key := range keys {
		if i > 0 {
			enc.raw(`,`)
		}
		enc.b = append(jsonscan.AppendString(enc.b, key), ':')
		if s, ok := m[key].(string); ok {
			enc.b = jsonscan.AppendString(enc.b, s)
		} else {
			enc.standard(m[key])
		}
	}
	enc.raw(`}`)
}

// standard writes a value as encoding/json does.
func (enc *encoder) standard(v any) {
	b, err := jsonscan.Append(enc.b, v)
	if enc.b = b; enc.err == nil {
		enc.err = err
	}
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

// Package record is what a delivery log stores of one delivery, and how: the delivery,
// its outcome, the attempts to deliver it again and its deletion, as values and as the
// fields of a frame.
//
// It also finds in a stored payload what lists show and what can be searched for. It
// reads and writes no files; see pkg/segment for frames and pkg/journal for the log.
package record

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"math"
	"time"

	"github.com/julianctl/julianctl/pkg/segment"
)

// Kinds of records. Of the fields of one, numbers are varints; text and bytes have
// their length before them. Fields are only ever added at the end.
const (
	DeliveryKind = 'D'
	OutcomeKind  = 'O'
	AttemptKind  = 'A'
	DeletionKind = 'X'
)

// AppendDelivery appends the fields of d, with its header as it is stored. What the body
// has, too, is a span of it: that is 40 bytes less, a fiftieth of a usual delivery.
func AppendDelivery(b []byte, d *Delivery, header string) []byte {
	callID, call := spanIn(d.Body, d.CallID)
	resultType, result := spanIn(d.Body, d.ResultType)
	b = binary.AppendVarint(b, d.ID)
	b = binary.AppendVarint(b, d.Received.UnixNano())
	for _, s := range [...]string{d.Remote, d.Method, d.URI, d.Proto, d.Host, header, callID, resultType, string(d.Refusal), d.Reason} {
		b = appendText(b, s)
	}
	seconds := math.NaN() // not known
	if d.Seconds != nil {
		seconds = *d.Seconds
	}
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(seconds))
	b = binary.AppendVarint(b, int64(d.Copy))
	b = binary.AppendVarint(b, d.First)
	b = binary.AppendVarint(b, d.Size)
	b = appendText(b, d.Hash)
	b = appendText(b, d.Body)
	return appendSpan(appendSpan(appendText(b, d.Scheme), call), result)
}

// span is a part of a body; none when n is 0.
type span struct{ n, at int }

// spanIn finds text in body. The rest is what is not found.
func spanIn(body []byte, text string) (rest string, found span) {
	if at := bytes.Index(body, []byte(text)); at >= 0 {
		return "", span{len(text), at}
	}
	return text, span{}
}

func appendSpan(b []byte, s span) []byte {
	if b = binary.AppendUvarint(b, uint64(s.n)); s.n > 0 {
		b = binary.AppendUvarint(b, uint64(s.at))
	}
	return b
}

// AppendOutcome appends findings as they are, or packed.
func AppendOutcome(b []byte, id int64, o *Outcome, packed []byte) []byte {
	forward := Forward{Status: -1} // not forwarded
	if o.Forward != nil {
		forward = *o.Forward
	}
	for _, n := range [...]int64{id, int64(o.Status), int64(o.Took), int64(forward.Status), int64(forward.Took), int64(forward.Attempts), int64(o.Errors), int64(o.Warnings)} {
		b = binary.AppendVarint(b, n)
	}
	findings := o.Findings
	if packed != nil {
		findings = nil
	}
	b = appendText(appendText(appendText(b, forward.Err), o.Fault), findings)
	return appendText(appendAnswer(appendText(b, forward.To), forward.Answer), packed)
}

// minPacked is how long findings are that are packed: they say much the same again
// and again.
const minPacked = 200

// Packer packs findings. It is used by one goroutine at a time.
type Packer struct {
	w   *flate.Writer
	buf bytes.Buffer
}

// Pack returns nil for what is short, or does not get shorter.
func (p *Packer) Pack(findings []byte) []byte {
	if len(findings) < minPacked {
		return nil
	}
	p.buf.Reset()
	if p.w == nil {
		p.w, _ = flate.NewWriter(&p.buf, flate.BestSpeed) // there is such a level
	} else {
		p.w.Reset(&p.buf)
	}
	_, _ = p.w.Write(findings) // a Buffer takes everything
	_ = p.w.Close()
	if p.buf.Len() >= len(findings) {
		return nil
	}
	return bytes.Clone(p.buf.Bytes())
}

// Unpack is what Pack has packed.
func Unpack(packed []byte) ([]byte, error) {
	return io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
}

// AppendAttempt appends the fields of an attempt to deliver id again.
func AppendAttempt(b []byte, id int64, a *Attempt) []byte {
	for _, n := range [...]int64{id, a.At.UnixNano(), int64(a.Status), int64(a.Took)} {
		b = binary.AppendVarint(b, n)
	}
	for _, s := range [...]string{a.By, a.To, a.Err} {
		b = appendText(b, s)
	}
	return appendAnswer(b, a.Answer)
}

// Deletion says which deliveries are to go.
type Deletion struct {
	Through int64   // all up to this id; 0: none
	IDs     []int64 // and these
	Given   int64   // the last id that was given out so far
}

// AppendDeletion appends the fields of d.
func AppendDeletion(b []byte, d *Deletion) []byte {
	b = binary.AppendUvarint(binary.AppendVarint(b, d.Through), uint64(len(d.IDs)))
	for _, id := range d.IDs {
		b = binary.AppendVarint(b, id)
	}
	return binary.AppendVarint(b, d.Given)
}

// appendAnswer begins with the size of the body, -1 where there is no answer.
func appendAnswer(b []byte, a *Answer) []byte {
	if a == nil {
		return binary.AppendVarint(b, -1)
	}
	return appendText(appendText(binary.AppendVarint(b, a.Size), a.stored), a.Body)
}

// Room is at least the size of what appendAnswer adds.
func (a *Answer) Room() int {
	if a == nil {
		return binary.MaxVarintLen64
	}
	return 3*binary.MaxVarintLen64 + len(a.stored) + len(a.Body)
}

func appendText[T ~string | ~[]byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// fields reads the fields of one record. After the first that cannot be read,
// all are zero and bad is set.
type fields struct {
	rest []byte
	bad  bool
}

func (f *fields) number() int64 {
	n, size := binary.Varint(f.rest)
	return step(f, n, size)
}

func (f *fields) length() uint64 {
	n, size := binary.Uvarint(f.rest)
	return step(f, n, size)
}

// bytes shares the memory of the record.
func (f *fields) bytes() []byte {
	n := f.length()
	if f.bad || n > uint64(len(f.rest)) {
		f.bad = true
		return nil
	}
	out := f.rest[:n:n]
	f.rest = f.rest[n:]
	return out
}

func (f *fields) text() string { return string(f.bytes()) }

// span reads what body has of a text, if it has it.
func (f *fields) span(body []byte, text *string) {
	n := f.length()
	if n == 0 {
		return
	}
	at := f.length()
	if size := uint64(len(body)); f.bad || n > size || at > size-n {
		f.bad = true
		return
	}
	*text = string(body[at : at+n])
}

func (f *fields) float() (n float64) {
	if len(f.rest) < 8 {
		f.bad = true
		return 0
	}
	n = math.Float64frombits(binary.BigEndian.Uint64(f.rest))
	f.rest = f.rest[8:]
	return n
}

// step goes past a number of so many bytes.
func step[T int64 | uint64](f *fields, n T, size int) T {
	if f.bad || size <= 0 {
		f.bad = true
		return 0
	}
	f.rest = f.rest[size:]
	return n
}

// DeliveryOf decodes fr, but for the header, which it returns as it is stored.
// Body and Hash share the memory of fr.
func DeliveryOf(fr segment.Frame) (d *Delivery, header []byte, err error) {
	if fr.Kind != DeliveryKind {
		return nil, nil, segment.ErrRecord
	}
	f := fields{rest: fr.Fields}
	d = &Delivery{ID: f.number(), Received: time.Unix(0, f.number())}
	d.Remote, d.Method, d.URI, d.Proto, d.Host = f.text(), f.text(), f.text(), f.text(), f.text()
	header = f.bytes()
	d.CallID, d.ResultType, d.Refusal, d.Reason = f.text(), f.text(), Refusal(f.text()), f.text()
	if seconds := f.float(); !math.IsNaN(seconds) {
		d.Seconds = &seconds
	}
	d.Copy, d.First, d.Size = int(f.number()), f.number(), f.number()
	d.Hash, d.Body = f.bytes(), f.bytes()
	if len(f.rest) > 0 { // it is older otherwise
		d.Scheme = f.text()
	}
	if len(f.rest) > 0 { // it is older otherwise
		f.span(d.Body, &d.CallID)
		f.span(d.Body, &d.ResultType)
	}
	if f.bad {
		return nil, nil, segment.ErrRecord
	}
	return d, header, nil
}

// OutcomeOf decodes fr, but for findings that are packed.
func OutcomeOf(fr segment.Frame) (id int64, o *Outcome, packed []byte, err error) {
	f := fields{rest: fr.Fields}
	id = f.number()
	o = &Outcome{Status: int(f.number()), Took: time.Duration(f.number())}
	forward := &Forward{Status: int(f.number()), Took: time.Duration(f.number()), Attempts: int(f.number())}
	o.Errors, o.Warnings = int(f.number()), int(f.number())
	forward.Err, o.Fault = f.text(), f.text()
	o.Findings = f.bytes()
	if len(f.rest) > 0 { // it is older otherwise
		forward.To, forward.Answer = f.text(), f.answer()
	}
	if len(f.rest) > 0 { // it is older otherwise
		packed = f.bytes()
	}
	if forward.Status >= 0 {
		o.Forward = forward
	}
	if f.bad || fr.Kind != OutcomeKind {
		return 0, nil, nil, segment.ErrRecord
	}
	return id, o, packed, nil
}

// AttemptOf decodes fr. What it returns shares no memory with fr but for the answer.
func AttemptOf(fr segment.Frame) (id int64, a *Attempt, err error) {
	f := fields{rest: fr.Fields}
	id = f.number()
	a = &Attempt{At: time.Unix(0, f.number()), Status: int(f.number()), Took: time.Duration(f.number())}
	a.By, a.To, a.Err = f.text(), f.text(), f.text()
	a.Answer = f.answer()
	if f.bad || fr.Kind != AttemptKind {
		return 0, nil, segment.ErrRecord
	}
	return id, a, nil
}

// DeletionOf decodes fr.
func DeletionOf(fr segment.Frame) (d Deletion, err error) {
	f := fields{rest: fr.Fields}
	d.Through = f.number()
	for n := f.length(); n > 0 && !f.bad; n-- {
		d.IDs = append(d.IDs, f.number())
	}
	d.Given = f.number()
	if f.bad || fr.Kind != DeletionKind {
		return Deletion{}, segment.ErrRecord
	}
	return d, nil
}

// answer shares the memory of the record, and its header is not read yet; nil
// when there is none.
func (f *fields) answer() *Answer {
	size := f.number()
	if f.bad || size < 0 {
		return nil
	}
	return &Answer{Size: size, stored: f.bytes(), Body: f.bytes()}
}

// LastOf is the highest id that fr mentions: as long as there is a delivery up to it,
// it may be needed.
func LastOf(fr segment.Frame) int64 {
	if fr.Kind == DeletionKind {
		d, _ := DeletionOf(fr)
		return d.Given
	}
	f := fields{rest: fr.Fields}
	return f.number()
}

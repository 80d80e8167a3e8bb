package journal

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"time"
)

// A segment's data is records, one after the other: a byte that says what it
// is, its length as a uvarint, and its fields. Numbers are varints; text and
// bytes have their length before them. Fields are only ever added at the end.
const (
	deliveryRecord = 'D'
	outcomeRecord  = 'O'
	attemptRecord  = 'A'
)

var errRecord = fmt.Errorf("%w: a record cannot be read", ErrCorrupt)

// appendRecord appends a record whose fields body appends.
func appendRecord(b []byte, kind byte, size int, body func([]byte) []byte) []byte {
	b = append(b, kind)
	// The length is known only after the fields: leave room for it.
	at := len(b)
	width := len(binary.AppendUvarint(nil, uint64(size)))
	b = append(b, make([]byte, width)...)
	b = body(b)
	length := uint64(len(b) - at - width)
	for i := range width {
		b[at+i] = byte(length>>(7*i))&0x7f | 0x80
	}
	b[at+width-1] &= 0x7f
	return b
}

// recordSize is at least the size of the fields of d.
func recordSize(d *Delivery, header string) int {
	return 160 + len(d.Remote) + len(d.Method) + len(d.URI) + len(d.Proto) + len(d.Host) +
		len(header) + len(d.CallID) + len(d.ResultType) + len(d.Refusal) + len(d.Reason) + len(d.Hash) + len(d.Body)
}

func appendDelivery(b []byte, d *Delivery, header string) []byte {
	return appendRecord(b, deliveryRecord, recordSize(d, header), func(b []byte) []byte {
		b = binary.AppendVarint(b, d.ID)
		b = binary.AppendVarint(b, d.Received.UnixNano())
		for _, s := range []string{d.Remote, d.Method, d.URI, d.Proto, d.Host, header, d.CallID, d.ResultType, d.Refusal, d.Reason} {
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
		return appendText(b, d.Scheme)
	})
}

func appendOutcome(b []byte, id int64, o *Outcome) []byte {
	forward := Forward{Status: -1} // not forwarded
	if o.Forward != nil {
		forward = *o.Forward
	}
	texts := [...]string{forward.Err, o.Fault, string(o.Findings)}
	size := 96 + len(forward.To) + forward.Answer.room()
	for _, s := range texts {
		size += len(s) + binary.MaxVarintLen64
	}
	return appendRecord(b, outcomeRecord, size, func(b []byte) []byte {
		for _, n := range [...]int64{id, int64(o.Status), int64(o.Took), int64(forward.Status), int64(forward.Took), int64(forward.Attempts), int64(o.Errors), int64(o.Warnings)} {
			b = binary.AppendVarint(b, n)
		}
		for _, s := range texts {
			b = appendText(b, s)
		}
		return appendAnswer(appendText(b, forward.To), forward.Answer)
	})
}

func appendAttempt(b []byte, id int64, a *Attempt) []byte {
	size := 96 + len(a.By) + len(a.To) + len(a.Err) + a.Answer.room()
	return appendRecord(b, attemptRecord, size, func(b []byte) []byte {
		for _, n := range [...]int64{id, a.At.UnixNano(), int64(a.Status), int64(a.Took)} {
			b = binary.AppendVarint(b, n)
		}
		for _, s := range [...]string{a.By, a.To, a.Err} {
			b = appendText(b, s)
		}
		return appendAnswer(b, a.Answer)
	})
}

// appendAnswer begins with the size of the body, -1 where there is no answer.
func appendAnswer(b []byte, a *Answer) []byte {
	if a == nil {
		return binary.AppendVarint(b, -1)
	}
	return appendText(appendText(binary.AppendVarint(b, a.Size), a.stored), a.Body)
}

// room is at least the size of what appendAnswer adds.
func (a *Answer) room() int {
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

// record is one of a segment, not decoded yet.
type record struct {
	kind   byte
	place  int // in the segment's data, and
	length int // how many bytes from there
	fields []byte
}

// records are those of a segment. The sequence ends after an error.
func records(data []byte) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		for rest := data; len(rest) > 0; {
			r, after, err := nextRecord(rest, len(data)-len(rest))
			if !yield(r, err) || err != nil {
				return
			}
			rest = after
		}
	}
}

// nextRecord cuts the first record off data, which begins at place of the
// segment.
func nextRecord(data []byte, place int) (r record, rest []byte, err error) {
	f := fields{rest: data[1:]}
	body := f.bytes()
	if f.bad {
		return record{}, nil, errRecord
	}
	return record{data[0], place, len(data) - len(f.rest), body}, f.rest, nil
}

// delivery decodes r, but for the header, which it returns as it is stored.
// Body and Hash share the memory of r.
func (r record) delivery() (d *Delivery, header []byte, err error) {
	if r.kind != deliveryRecord {
		return nil, nil, errRecord
	}
	f := fields{rest: r.fields}
	d = &Delivery{ID: f.number(), Received: time.Unix(0, f.number())}
	d.Remote, d.Method, d.URI, d.Proto, d.Host = f.text(), f.text(), f.text(), f.text(), f.text()
	header = f.bytes()
	d.CallID, d.ResultType, d.Refusal, d.Reason = f.text(), f.text(), f.text(), f.text()
	if seconds := f.float(); !math.IsNaN(seconds) {
		d.Seconds = &seconds
	}
	d.Copy, d.First, d.Size = int(f.number()), f.number(), f.number()
	d.Hash, d.Body = f.bytes(), f.bytes()
	if len(f.rest) > 0 { // it is older otherwise
		d.Scheme = f.text()
	}
	if f.bad {
		return nil, nil, errRecord
	}
	return d, header, nil
}

func (r record) outcome() (id int64, o *Outcome, err error) {
	f := fields{rest: r.fields}
	id = f.number()
	o = &Outcome{Status: int(f.number()), Took: time.Duration(f.number())}
	forward := &Forward{Status: int(f.number()), Took: time.Duration(f.number()), Attempts: int(f.number())}
	o.Errors, o.Warnings = int(f.number()), int(f.number())
	forward.Err, o.Fault = f.text(), f.text()
	o.Findings = f.bytes()
	if len(f.rest) > 0 { // it is older otherwise
		forward.To, forward.Answer = f.text(), f.answer()
	}
	if forward.Status >= 0 {
		o.Forward = forward
	}
	if f.bad {
		return 0, nil, errRecord
	}
	return id, o, nil
}

func (r record) attempt() (id int64, a *Attempt, err error) {
	if r.kind != attemptRecord {
		return 0, nil, errRecord
	}
	f := fields{rest: r.fields}
	id = f.number()
	a = &Attempt{At: time.Unix(0, f.number()), Status: int(f.number()), Took: time.Duration(f.number())}
	a.By, a.To, a.Err = f.text(), f.text(), f.text()
	a.Answer = f.answer()
	if f.bad {
		return 0, nil, errRecord
	}
	return id, a, nil
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

// id is that of the delivery that r is or is about.
func (r record) id() (int64, error) {
	f := fields{rest: r.fields}
	id := f.number()
	if f.bad {
		return 0, errRecord
	}
	return id, nil
}

package export

import (
	"encoding/base64"
	"errors"
	"iter"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/tidwall/gjson"
)

// Kind is the kind of a [Finding].
type Kind string

// The kinds.
const (
	Missing    Kind = "missing"    // it never arrived
	Doubled    Kind = "doubled"    // it arrived before
	Altered    Kind = "altered"    // its body has other bytes
	Unplanned  Kind = "unplanned"  // not in the plan
	Unreadable Kind = "unreadable" // a record or a source cannot be read
)

// Finding is a delivery that is not as planned.
type Finding struct {
	Kind Kind
	// Number and Copy are the numbers of the payload and of its copy; 0 if
	// Unreadable.
	Number, Copy int
	Source       string // of the record; empty if Missing
	Line         int    // in Source; 0 if Missing
	Err          error  // why it is Unreadable
}

// Account is the result of an export.
type Account struct {
	Planned    int `json:"planned"`
	Arrived    int `json:"arrived"` // different planned deliveries
	Missing    int `json:"missing"`
	Doubled    int `json:"doubled"` // arrivals beyond the first of each
	Altered    int `json:"altered"` // arrivals with another body
	Unplanned  int `json:"unplanned"`
	Refused    int `json:"refused"` // of the run, but refused by the listener
	Others     int `json:"others"`  // of another run, or of none
	Unreadable int `json:"unreadable"`
}

// Exact reports whether every delivery arrived once and unaltered.
func (a Account) Exact() bool {
	return a.Arrived == a.Planned && a.Doubled+a.Altered+a.Unplanned+a.Unreadable == 0
}

// arrival is a delivery in a record of "julianctl listen --format json". Only the fields
// header, body (or bodyBase64, if not UTF-8) and refusal are used, so that other NDJSON
// works, too.
type arrival struct {
	header       bool // it has one, so it is a delivery
	run          string
	number, copy int // 0: not in the header
	body         []byte
	refused      bool // refused by the listener
}

// readArrival reports whether record is an object with such fields.
func readArrival(record []byte) (a arrival, ok bool) {
	if !jsonscan.Valid(record) {
		return a, false
	}
	root := gjson.ParseBytes(record)
	ok = root.IsObject()
	root.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "header":
			a.header = true
			a.readHeader(value)
		case "body":
			a.body = []byte(value.Str)
		case "bodyBase64":
			body, err := base64.StdEncoding.DecodeString(value.Str)
			a.body, ok = body, ok && err == nil
		case "refusal":
			a.refused = value.Str != ""
		}
		return true
	})
	return a, ok
}

// readHeader reads the fields of the export from the header, {"Name": ["value"]}. A name
// with several values is ignored.
func (a *arrival) readHeader(header gjson.Result) {
	header.ForEach(func(name, values gjson.Result) bool {
		all := values.Array()
		if len(all) != 1 {
			return true
		}
		switch {
		case strings.EqualFold(name.Str, HeaderRun):
			a.run = all[0].Str
		case strings.EqualFold(name.Str, HeaderSeq):
			a.number, _ = strconv.Atoi(all[0].Str) // 0, unplanned, if it is not a number
		case strings.EqualFold(name.Str, HeaderCopy):
			a.copy, _ = strconv.Atoi(all[0].Str)
		}
		return true
	})
}

// Verify checks the deliveries in received, which are records of "julianctl listen
// --format json", each a document. observe is called for every finding: first for the
// records, in their order, then for missing deliveries.
//
// Memory depends on the largest record, with one bit more for each delivery. The error is
// from the digests or from received.
func (m *Manifest) Verify(received iter.Seq2[payload.Document, error], observe func(Finding)) (Account, error) {
	sums, err := m.openDigests()
	if err != nil {
		return Account{}, err
	}
	defer sums.f.Close()
	v := verification{m: m, sums: sums, observe: observe, seen: make(bitmap, m.Deliveries/64+1)}
	v.account.Planned = m.Deliveries
	for doc, err := range received {
		if err != nil {
			if _, ok := errors.AsType[*payload.Error](err); !ok {
				return v.account, err
			}
			if errors.Is(err, payload.ErrEmpty) {
				continue // nothing arrived
			}
			v.find(&v.account.Unreadable, Finding{Kind: Unreadable, Err: err})
			continue
		}
		if err := v.add(doc); err != nil {
			return v.account, err
		}
	}
	for i := range m.Deliveries {
		if !v.seen.has(i) {
			v.find(&v.account.Missing, Finding{Kind: Missing, Number: i/m.Copies + 1, Copy: i%m.Copies + 1})
		}
	}
	return v.account, nil
}

type verification struct {
	m       *Manifest
	sums    *digests
	observe func(Finding)
	seen    bitmap // of deliveries, by number and copy
	account Account
}

func (v *verification) find(count *int, f Finding) {
	*count++
	v.observe(f)
}

// errRecord is for a line that is not a record.
var errRecord = errors.New("is not a record of a delivery")

func (v *verification) add(doc payload.Document) error {
	a, ok := readArrival(doc.Body)
	switch {
	case !ok:
		v.find(&v.account.Unreadable, Finding{
			Kind: Unreadable, Source: doc.Source, Line: doc.Line,
			Err: &payload.Error{Source: doc.Source, Line: doc.Line, Column: doc.Column, Offset: doc.Offset, Err: errRecord},
		})
		return nil
	case !a.header: // a summary
		return nil
	case a.run != v.m.Run:
		v.account.Others++
		return nil
	case a.refused:
		v.account.Refused++
		return nil
	}
	f := Finding{Number: a.number, Copy: a.copy, Source: doc.Source, Line: doc.Line}
	if f.Number < 1 || f.Number > v.m.Payloads || f.Copy < 1 || f.Copy > v.m.Copies {
		f.Kind = Unplanned
		v.find(&v.account.Unplanned, f)
		return nil
	}
	same, err := v.sums.matches(f.Number, a.body)
	if err != nil {
		return err
	}
	if v.seen.set((f.Number-1)*v.m.Copies + f.Copy - 1) {
		v.account.Arrived++
	} else {
		f.Kind = Doubled
		v.find(&v.account.Doubled, f)
	}
	if !same {
		f.Kind = Altered
		v.find(&v.account.Altered, f)
	}
	return nil
}

// bitmap is a set of small integers.
type bitmap []uint64

func (b bitmap) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

// set adds i and reports whether it is new.
func (b bitmap) set(i int) bool {
	old := b.has(i)
	b[i/64] |= 1 << (i % 64)
	return !old
}

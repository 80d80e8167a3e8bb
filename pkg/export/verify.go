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

// Kind is what is wrong with a delivery that arrived, or did not.
type Kind string

// The kinds.
const (
	Missing    Kind = "missing"    // it never arrived
	Doubled    Kind = "doubled"    // it arrived before
	Altered    Kind = "altered"    // its body has other bytes
	Unplanned  Kind = "unplanned"  // the run has no such delivery
	Unreadable Kind = "unreadable" // a line of what was received, or a source
)

// Finding is one delivery that is not as planned.
type Finding struct {
	Kind Kind
	// Number is that of the payload and Copy that of its copy, as planned or,
	// where Unplanned, as they came; 0 where Unreadable.
	Number, Copy int
	Source       string // of what was received; empty where Missing
	Line         int    // in Source; 0 where Missing
	Err          error  // why it is Unreadable
}

// Account is what came of an export.
type Account struct {
	Planned    int `json:"planned"`
	Arrived    int `json:"arrived"` // different planned deliveries
	Missing    int `json:"missing"`
	Doubled    int `json:"doubled"` // arrivals beyond the first of each
	Altered    int `json:"altered"` // arrivals with another body
	Unplanned  int `json:"unplanned"`
	Refused    int `json:"refused"` // of the run, but not taken in
	Others     int `json:"others"`  // of no run, or another one
	Unreadable int `json:"unreadable"`
}

// Exact reports whether every delivery arrived once and unaltered.
func (a Account) Exact() bool {
	return a.Arrived == a.Planned && a.Doubled+a.Altered+a.Unplanned+a.Unreadable == 0
}

// arrival is what a record of "julianctl listen --format json" says of a
// delivery: its fields header, body (or bodyBase64, where that is not UTF-8) and
// refusal. Any NDJSON with these serves.
type arrival struct {
	header       bool // it has one: it is of a delivery
	run          string
	number, copy int // 0: the header says none
	body         []byte
	refused      bool // it was not taken in
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

// readHeader reads what the export has put into the header, {"Name": ["value"]}.
// A name with several values has none that can be told.
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
			a.number, _ = strconv.Atoi(all[0].Str) // what is no number was not planned
		case strings.EqualFold(name.Str, HeaderCopy):
			a.copy, _ = strconv.Atoi(all[0].Str)
		}
		return true
	})
}

// Verify accounts for the deliveries of the export in received, which are
// records as of "julianctl listen --format json", each a document. Observe gets
// every finding, first those of records in their order, then what is missing.
//
// Memory follows the largest record, and takes a bit for each delivery. The
// error is of the digests, or of received where that can't go on.
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

// errRecord is a line that is no record.
var errRecord = errors.New("is no record of a delivery")

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
	same, err := v.sums.is(f.Number, a.body)
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

// bitmap is a set of small numbers.
type bitmap []uint64

func (b bitmap) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

// set adds i and reports whether it is new.
func (b bitmap) set(i int) bool {
	old := b.has(i)
	b[i/64] |= 1 << (i % 64)
	return !old
}

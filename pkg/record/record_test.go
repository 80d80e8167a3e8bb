package record

import (
	"bufio"
	"bytes"
	"net/http"
	"net/textproto"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/segment"
)

// Records from before the scheme, or where the body has a text, was kept are read as they
// were.
func TestOlderRecord(t *testing.T) {
	body := []byte("{}")
	d := &Delivery{ID: 1, CallID: "call.1", Body: body, Hash: Hash(body), Size: int64(len(body))}
	for _, scheme := range []string{"", "https"} {
		d.Scheme = scheme
		f := segment.Frame{Kind: DeliveryKind, Fields: AppendDelivery(nil, d, "")}
		if got, _, err := DeliveryOf(f); err != nil || got.Scheme != scheme || string(got.Body) != "{}" {
			t.Errorf("%q: %+v, %v", scheme, got, err)
		}
		f.Fields = f.Fields[:len(f.Fields)-2]
		if got, _, err := DeliveryOf(f); err != nil || got.Scheme != scheme || got.CallID != "call.1" {
			t.Errorf("%q, an older one: %+v, %v", scheme, got, err)
		}
		f.Fields = f.Fields[:len(f.Fields)-1-len(scheme)]
		if got, _, err := DeliveryOf(f); err != nil || got.Scheme != "" || string(got.Body) != "{}" {
			t.Errorf("an older one: %+v, %v", got, err)
		}
	}
}

// What the body has is not stored again, and is read as it was.
func TestSpans(t *testing.T) {
	const id = "call.0123456789"
	sizes := map[string]int{}
	for name, body := range map[string]string{
		"id": `{"callId": "call.0123456789"}`, "both": `{"callId": "call.0123456789", "resultType": "Busy"}`, "none": `{"a": 1}`, "": "",
	} {
		d := &Delivery{ID: 1, CallID: id, ResultType: "Busy", Body: []byte(body)}
		f := segment.Frame{Kind: DeliveryKind, Fields: AppendDelivery(nil, d, "")}
		sizes[name] = len(f.Fields) - len(body)
		if got, _, err := DeliveryOf(f); err != nil || got.CallID != id || got.ResultType != "Busy" || string(got.Body) != body {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
		for i := range f.Fields { // whatever is there, it is read or is an error
			for _, bit := range []byte{1, 0x80} {
				f.Fields[i] ^= bit
				_, _, _ = DeliveryOf(f)
				f.Fields[i] ^= bit
			}
		}
	}
	if sizes["both"]+len(id)+len("Busy")-2 != sizes["none"] || sizes["id"]+len(id)-1 != sizes["none"] || sizes[""] != sizes["none"] {
		t.Errorf("%v", sizes)
	}
}

// A header is read as a reader of MIME headers does.
func TestParseHeader(t *testing.T) {
	for _, header := range []http.Header{
		{}, {"A": {"1", "", " 2 ", "a: b", "c\r\nd: e", "\xffé"}, "b-c": {"1"}, "B-C": {"2"}, "D": nil, "bad name": {"1"}, "Z": {"\t"}},
	} {
		var b bytes.Buffer
		if err := header.Write(&b); err != nil {
			t.Fatal(err)
		}
		got := ParseHeader(b.Bytes())
		want, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(b.Bytes(), "\r\n"...)))).ReadMIMEHeader()
		if d := cmp.Diff(http.Header(want), got); d != "" {
			t.Errorf("%q: %s", b.Bytes(), d)
		}
	}
}

package record

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/segment"
)

// Records from before the scheme was kept are read as they were.
func TestOlderRecord(t *testing.T) {
	body := []byte("{}")
	d := &Delivery{ID: 1, CallID: "call.1", Body: body, Hash: Hash(body), Size: int64(len(body))}
	for _, scheme := range []string{"", "https"} {
		d.Scheme = scheme
		f := segment.Frame{Kind: DeliveryKind, Fields: AppendDelivery(nil, d, "")}
		if got, _, err := DeliveryOf(f); err != nil || got.Scheme != scheme || string(got.Body) != "{}" {
			t.Errorf("%q: %+v, %v", scheme, got, err)
		}
		f.Fields = f.Fields[:len(f.Fields)-1-len(scheme)]
		if got, _, err := DeliveryOf(f); err != nil || got.Scheme != "" || string(got.Body) != "{}" {
			t.Errorf("an older one: %+v, %v", got, err)
		}
	}
}

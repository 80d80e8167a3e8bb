package journal

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

const (
	// maxInflated is how much of a compressed body is looked at.
	maxInflated = 10 << 20
	// maxShown is how many bytes of a name or a number lists hold.
	maxShown = 200
)

// payloadOf is the body of d as its sender meant it: inflated when it came
// compressed with gzip. It is nil when that is no JSON in UTF-8. The index is
// made of it; nothing else is.
func payloadOf(d *Delivery, header []byte) []byte {
	payload := d.Body
	switch encoding := strings.ToLower(parseHeader(header).Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(bytes.NewReader(d.Body))
		if err != nil {
			return nil
		}
		if payload, err = io.ReadAll(io.LimitReader(z, maxInflated)); err != nil {
			return nil
		}
	default:
		return nil
	}
	if len(payload) == 0 || !utf8.Valid(payload) || !json.Valid(payload) {
		return nil
	}
	return payload
}

func contactOf(payload []byte) Contact {
	if payload == nil {
		return Contact{}
	}
	found := gjson.GetManyBytes(payload, "name", "phoneNumber", "agentName", "direction", "sequence.lifecycleStatus")
	var texts [5]string
	for i, value := range found {
		if value.Type == gjson.String {
			texts[i] = value.Str
		}
		if len(texts[i]) > maxShown {
			texts[i] = strings.ToValidUTF8(texts[i][:maxShown], "")
		}
	}
	return Contact{texts[0], texts[1], texts[2], texts[3], texts[4]}
}

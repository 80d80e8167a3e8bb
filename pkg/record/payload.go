package record

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/tidwall/gjson"
)

const (
	// DefaultMaxPayload is how large a payload may be, in bytes.
	DefaultMaxPayload = 10 << 20
	// maxShown is how many bytes of a name or a number lists hold.
	maxShown = 200
)

// inflated is what a body is when it is inflated.
type inflated struct {
	of      []byte // the body
	payload []byte
	err     error
}

// Payload returns the body, inflated if it came compressed with gzip, which is done
// once. It returns an error if that fails or the result is larger than MaxPayload. The
// result may share memory with Body.
func (d *Delivery) Payload() ([]byte, error) {
	encoding := d.Header.Get("Content-Encoding")
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return d.Body, nil
	case "gzip", "x-gzip":
	default:
		return nil, fmt.Errorf("content encoding %q is not known", encoding)
	}
	if known := d.inflated; known == nil || len(known.of) != len(d.Body) || len(d.Body) > 0 && &known.of[0] != &d.Body[0] {
		payload, err := inflate(d.Body, cmp.Or(d.MaxPayload, DefaultMaxPayload))
		d.inflated = &inflated{d.Body, payload, err}
	}
	return d.inflated.payload, d.inflated.err
}

// Inflated is how many bytes Payload holds for the next time, until Forget.
func (d *Delivery) Inflated() int64 {
	if d.inflated == nil {
		return 0
	}
	return int64(cap(d.inflated.payload))
}

// Forget frees what Payload holds.
func (d *Delivery) Forget() { d.inflated = nil }

func inflate(body []byte, most int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("gzip body: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, most+1))
	if err != nil {
		return nil, fmt.Errorf("gzip body: %w", err)
	}
	if int64(len(out)) > most {
		return nil, fmt.Errorf("gzip body inflates to more than %s", units.Size(most))
	}
	return out, nil
}

// PayloadOf is the payload of d, whose header is as it is stored. It is nil when that is
// no JSON in UTF-8. The index is made of it; nothing else is.
func PayloadOf(d *Delivery, header []byte) []byte {
	read := Delivery{Body: d.Body}
	if bytes.Contains(header, []byte("Content-Encoding:")) {
		read.Header = ParseHeader(header)
	}
	payload, err := read.Payload()
	if err != nil || len(payload) == 0 || !utf8.Valid(payload) || !jsonscan.Valid(payload) {
		return nil
	}
	return payload
}

// ContactOf finds who was called in a payload, which may be nil.
func ContactOf(payload []byte) Contact {
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

// maxTranscript is how many bytes of a transcript can be found.
const maxTranscript = 1 << 20

// WordsOf are the tokens that a delivery is found by.
func WordsOf(callID string, payload []byte, c Contact) (words []byte) {
	texts := []string{callID, c.Name, c.Phone, c.Agent}
	if payload != nil {
		for _, value := range gjson.GetManyBytes(payload, "callResult.summary", "callResult.transcription") {
			if value.Type == gjson.String {
				texts = append(texts, value.Str[:min(len(value.Str), maxTranscript)])
			}
		}
	}
	for _, text := range texts {
		words = AppendTokens(words, text)
	}
	return words
}

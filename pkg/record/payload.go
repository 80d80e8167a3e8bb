package record

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/tidwall/gjson"
)

const (
	// maxInflated is how much of a compressed body is looked at.
	maxInflated = 10 << 20
	// maxShown is how many bytes of a name or a number lists hold.
	maxShown = 200
)

// PayloadOf is the body of d as its sender meant it: inflated when it came
// compressed with gzip. It is nil when that is no JSON in UTF-8. The index is
// made of it; nothing else is.
func PayloadOf(d *Delivery, header []byte) []byte {
	payload, encoding := d.Body, ""
	if bytes.Contains(header, []byte("Content-Encoding:")) {
		encoding = strings.ToLower(ParseHeader(header).Get("Content-Encoding"))
	}
	switch encoding {
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
	if len(payload) == 0 || !utf8.Valid(payload) || !jsonscan.Valid(payload) {
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

package record

import (
	"strconv"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// maxDepth is how many arrays and objects encoding/json allows inside one
// another.
const maxDepth = 10_000

// Identify sets CallID, ResultType and Seconds. Keys are case-sensitive, unlike in
// structs of encoding/json. If a key is repeated, the last one counts. In a body that
// is not JSON, or nested deeper than encoding/json allows, it finds nothing.
//
// It runs before the answer, so it reads the body only once, and checks that it is
// JSON at the same time.
func (d *Delivery) Identify(payload []byte) {
	begin := jsonscan.Space(payload, 0)
	if jsonscan.At(payload, begin) != '{' {
		return
	}
	var callID, resultType, duration []byte // the last value of each
	inResult := func(key []byte, i int) int {
		end := jsonscan.Value(payload, i, maxDepth-2)
		if end != jsonscan.None && string(jsonscan.Text(key)) == "resultType" {
			resultType = payload[i:end]
		}
		return end
	}
	end := jsonscan.Object(payload, begin, func(key []byte, i int) int {
		name := jsonscan.Text(key)
		if string(name) == "callResult" {
			resultType = nil // from an earlier callResult
			if jsonscan.At(payload, i) == '{' {
				return jsonscan.Object(payload, i, inResult)
			}
		}
		end := jsonscan.Value(payload, i, maxDepth-1)
		if end == jsonscan.None {
			return end
		}
		switch string(name) {
		case "callId":
			callID = payload[i:end]
		case "duration":
			duration = payload[i:end]
		}
		return end
	})
	if end == jsonscan.None || jsonscan.Space(payload, end) != len(payload) {
		return
	}
	d.CallID = stringOf(callID)
	d.ResultType = stringOf(resultType)
	if len(duration) > 0 && (duration[0] == '-' || '0' <= duration[0] && duration[0] <= '9') {
		// A number too large for a float stays unknown.
		if seconds, err := strconv.ParseFloat(string(duration), 64); err == nil {
			d.Seconds = &seconds
		}
	}
}

// stringOf returns the text of a JSON string, empty for other values.
func stringOf(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	return string(jsonscan.Text(value))
}

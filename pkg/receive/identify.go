package receive

import (
	"strconv"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// maxDepth is how many arrays and objects encoding/json allows inside one
// another.
const maxDepth = 10_000

// identify finds what the head of a delivery shows. Keys count as they are
// written: encoding/json would take "CALLID" for "callId" when it decodes into
// a struct. Of duplicate keys the last counts, as encoding/json and JavaScript
// have it. A body that is not JSON all through, or nested deeper than
// encoding/json allows, has nothing to find.
//
// It stands between a delivery and its answer, so it goes over the body once,
// proving that all is JSON as it goes.
func (d *Delivery) identify(payload []byte) {
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
			resultType = nil // that of a callResult before this one
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
		// What no float can hold stays unknown.
		if seconds, err := strconv.ParseFloat(string(duration), 64); err == nil {
			d.Seconds = &seconds
		}
	}
}

// stringOf is the text of a JSON string; of anything else it is empty.
func stringOf(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	return string(jsonscan.Text(value))
}

package jsonscan

import "encoding/json"

// Valid is [json.Valid], at several times its speed where b is UTF-8 and nests as
// payloads do.
func Valid(b []byte) bool {
	end := Value(b, Space(b, 0), MaxDepth)
	return end != None && Space(b, end) == len(b) || json.Valid(b)
}

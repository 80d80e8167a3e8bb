package julian

import _ "embed"

//go:embed sample.json
var sample string

//go:embed schema.json
var schema string

// Sample returns the provider's documented sample payload, byte for byte. The
// caller owns the slice.
func Sample() []byte { return []byte(sample) }

// Schema returns the JSON Schema of the payload (draft 2020-12), as made from
// [Fields]. The caller owns the slice.
func Schema() []byte { return []byte(schema) }

package payload

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"unsafe"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/tidwall/gjson"
)

// NewIDs replaces callId and sequence.sequenceId in body and changes no other byte.
// A new id depends on the old one, the seed and the round. A body without ids, or
// that is not JSON, is returned unchanged.
func NewIDs(body []byte, seed uint64, round int) []byte {
	if !jsonscan.Valid(body) {
		return body
	}
	// The string shares the memory of body: it is not kept, and body is not changed.
	root := gjson.Parse(unsafe.String(unsafe.SliceData(body), len(body))) //nolint:gosec // see above
	base := len(body) - len(root.Raw) - root.Index                        // white space before it
	out := make([]byte, 0, len(body)+64)
	done := 0
	renew := func(name, prefix string, key, value gjson.Result) {
		if key.Str != name || value.Type != gjson.String {
			return
		}
		at := base + value.Index
		out = append(out, body[done:at]...)
		out = append(out, '"')
		out = append(out, newID(prefix, value.Str, seed, round)...)
		out = append(out, '"')
		done = at + len(value.Raw)
	}
	// If a name occurs twice, both are replaced: no reader finds an old id.
	eachField(root, func(key, value gjson.Result) {
		renew("callId", "call.", key, value)
		if key.Str == "sequence" {
			eachField(value, func(key, value gjson.Result) { renew("sequenceId", "call-sequence.", key, value) })
		}
	})
	return append(out, body[done:]...)
}

// eachField calls do for each field of an object, in order. Other values have none.
func eachField(v gjson.Result, do func(key, value gjson.Result)) {
	if !v.IsObject() {
		return
	}
	v.ForEach(func(key, value gjson.Result) bool {
		do(key, value)
		return true
	})
}

// newID has 120 bits, which is as good as unique.
func newID(prefix, old string, seed uint64, round int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s%s", seed, round, prefix, old))
	return prefix + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:15]))
}

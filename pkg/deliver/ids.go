package deliver

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"unsafe"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/tidwall/gjson"
)

// newIDs returns body with its callId and sequence.sequenceId replaced, and
// every other byte as it was. An id is made of the old one, the seed and the
// round. A body without them, or that is not JSON, is returned as it is.
func newIDs(body []byte, seed uint64, round int) []byte {
	if !jsonscan.Valid(body) {
		return body
	}
	// As a string without a copy: nothing of it outlives this call, and nobody
	// writes to body.
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
	// Every field of a name, where it comes twice: no reader finds an old id.
	eachField(root, func(key, value gjson.Result) {
		renew("callId", "call.", key, value)
		if key.Str == "sequence" {
			eachField(value, func(key, value gjson.Result) { renew("sequenceId", "call-sequence.", key, value) })
		}
	})
	return append(out, body[done:]...)
}

// eachField gives the fields of an object in their order; what is no object has
// none.
func eachField(v gjson.Result, do func(key, value gjson.Result)) {
	if !v.IsObject() {
		return
	}
	v.ForEach(func(key, value gjson.Result) bool {
		do(key, value)
		return true
	})
}

// newID is as good as unique: 120 bits.
func newID(prefix, old string, seed uint64, round int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s%s", seed, round, prefix, old))
	return prefix + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:15]))
}

package payload

// MaxDepth is how many arrays and objects may be open at once in a payload.
const MaxDepth = 128

// Deep reports whether more than [MaxDepth] arrays and objects are open at once
// somewhere in body, which is JSON.
func Deep(body []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

package cli

import (
	"fmt"

	"github.com/julianctl/julianctl/pkg/jsonscan"
)

// CompactJSON is v on one line with HTML characters as they are.
func CompactJSON(v any) string {
	b, err := jsonscan.Append(nil, v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

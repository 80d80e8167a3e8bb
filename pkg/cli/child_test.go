package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", 10<<10)
	var got []string
	EachLine(strings.NewReader("a\r\n\n"+long+"\nb"), func(line string) { got = append(got, fmt.Sprintf("%.3s%d", line, len(line))) })
	if d := cmp.Diff([]string{"a1", "0", "xxx4096", "b1"}, got); d != "" {
		t.Error(d)
	}
}

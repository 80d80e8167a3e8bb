package checklist

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/julianctl/julianctl/pkg/check"
)

// Baseline is the verdict of each check in an earlier run.
type Baseline map[string]check.Verdict

// ErrBaseline is returned for a file that is not an earlier report.
var ErrBaseline = errors.New("is not a JSON report of an earlier check")

// ReadBaseline reads the records of an earlier run, as --format json writes
// them.
func ReadBaseline(r io.Reader) (Baseline, error) {
	const longest = 16 << 20 // bytes of a record
	b := Baseline{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longest)
	for n := 1; lines.Scan(); n++ {
		var record struct {
			Schema, Kind, ID string
			Verdict          check.Verdict
		}
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil || record.Schema != "julianctl.check/v1" {
			return nil, fmt.Errorf("line %d %w", n, ErrBaseline)
		}
		if record.Kind == "check" && record.Verdict != check.Skip {
			b[record.ID] = record.Verdict
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("it %w: it holds no verdict", ErrBaseline)
	}
	return b, nil
}

// Worse reports whether r is worse than it was. A check that was not run then
// is worse when it does not pass.
func (b Baseline) Worse(r check.Result) bool {
	rank := map[check.Verdict]int{check.Skip: 0, check.Pass: 0, check.Warn: 1, check.Undecided: 2, check.Fail: 3}
	return rank[r.Verdict] > rank[b[r.ID]]
}

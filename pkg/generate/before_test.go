package generate_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
)

// The earlier content is of the same call, is a correct payload, and says less.
func TestBeforeAnalysis(t *testing.T) {
	v := strict(t)
	for _, result := range julian.ResultTypes() {
		body, err := generate.New(3).Payload(generate.Spec{ResultType: result.Name, Lifecycle: julian.SequenceDone})
		if err != nil {
			t.Fatal(err)
		}
		before := generate.BeforeAnalysis(body)
		var full, less julian.CallEvent
		if err := json.Unmarshal(body, &full); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(before, &less); err != nil {
			t.Fatal(err)
		}
		if less.CallResult.ResultType != julian.ProcessingAnalysis || less.Sequence.LifecycleStatus != julian.SequenceInProgress ||
			len(less.CallResult.ExtractedVariables)+len(less.CallResult.AgentActions)+len(less.CallResult.Outcomes) > 0 {
			t.Errorf("%s: %s", result.Name, before)
		}
		less.CallResult, full.CallResult = julian.CallResult{}, julian.CallResult{}
		less.Sequence, less.RescheduledAt, full.Sequence, full.RescheduledAt = nil, nil, nil, nil
		if diff := cmp.Diff(full, less); diff != "" {
			t.Errorf("%s (-full +before):\n%s", result.Name, diff)
		}
		correct(t, v, string(result.Name), before)
	}
	for _, body := range []string{``, `no JSON`, `{"callId":"call.1"}`, `{"callResult":7}`, `[1]`} {
		if got := generate.BeforeAnalysis([]byte(body)); string(got) != body {
			t.Errorf("%s became %s", body, got)
		}
	}
}

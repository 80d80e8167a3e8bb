package generate

import (
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// BeforeAnalysis returns a delivery of the same call with what is known of it once it
// has ended: its result is Processing Analysis, and what only the analysis tells is
// empty. Every other byte stays as it is. A body that is no call's is returned
// unchanged.
func BeforeAnalysis(body []byte) []byte {
	if !gjson.ValidBytes(body) || !gjson.GetBytes(body, "callResult").IsObject() {
		return body
	}
	out := body
	for _, edit := range []struct{ path, raw string }{
		{"callResult.resultType", `"` + string(julian.ProcessingAnalysis) + `"`},
		{"callResult.summary", `"` + kindOf(julian.ProcessingAnalysis).summaries[0] + `"`},
		{"callResult.extractedVariables", `{}`},
		{"callResult.agentActions", `[]`},
		{"callResult.humanActions", `[]`},
		{"callResult.outcomes", `[]`},
		{"callResult.followUpMeetingDetails", `null`},
		{"rescheduledAt", `null`},
		{"sequence.lifecycleStatus", `"` + string(inProgress) + `"`},
	} {
		if !gjson.GetBytes(out, edit.path).Exists() {
			continue
		}
		edited, err := sjson.SetRawBytes(out, edit.path, []byte(edit.raw))
		if err != nil {
			return body
		}
		out = edited
	}
	return out
}

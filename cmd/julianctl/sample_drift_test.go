package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/mockapi"
	"github.com/tidwall/sjson"
)

// Each alteration of the documented sample is found, as what it is and where;
// the sample itself is as documented.
func TestSampleDrift(t *testing.T) {
	const remove = "(removed)"
	for _, tt := range []struct{ path, value, want string }{
		{"", "", ""},
		{"newField", `1`, "new /newField"},
		{"callResult.sentiment", `"good"`, "new /callResult/sentiment"},
		{"callResult.outcomes.0.score", `0.5`, "new /callResult/outcomes/0/score"},
		{"callResult.agentActions.0.id", `"a"`, "new /callResult/agentActions/0/id"},
		{"sequence.step", `2`, "new /sequence/step"},
		{"timezone", remove, "missing /timezone"},
		{"callId", remove, "missing /callId"},
		{"callResult.summary", remove, "missing /callResult/summary"},
		{"callResult.outcomes.0.reasoning", remove, "missing /callResult/outcomes/0/reasoning"},
		{"sequence.sequenceId", remove, "missing /sequence/sequenceId"},
		{"duration", `"46"`, "retyped /duration"},
		{"name", `null`, "retyped /name"},
		{"customInputVariables", `[]`, "retyped /customInputVariables"},
		{"callResult.outcomes", `{}`, "retyped /callResult/outcomes"},
		{"rescheduledAt", `0`, "retyped /rescheduledAt"},
		{"callResult.resultType", `"Transferred"`, "new-value /callResult/resultType"},
		{"sequence.lifecycleStatus", `"paused"`, "new-value /sequence/lifecycleStatus"},
		{"direction", `"web"`, "new-value /direction"},
		{"scheduledAt", `"25.09.2025 08:20"`, "other /scheduledAt"},
		{"phoneNumber", `"555 1234"`, "other /phoneNumber"},
		// What is in an object whose keys are the agent's own is no drift.
		{"customInputVariables.prospect_age", `44`, ""},
	} {
		sample := julian.Sample()
		var err error
		switch tt.value {
		case "":
		case remove:
			sample, err = sjson.DeleteBytes(sample, tt.path)
		default:
			sample, err = sjson.SetRawBytes(sample, tt.path, []byte(tt.value))
		}
		if err != nil {
			t.Fatal(err)
		}
		api, err := mockapi.New(mockapi.Options{Sample: sample})
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(api)
		env := map[string]string{"JULIAN_API_KEY": mockapi.DefaultKey, "JULIAN_BASE_URL": srv.URL + "/api/v1"}
		code, stdout, stderr := run(t, env, "", "sample", mockapi.DefaultAgent, "--check", "--format", "json")
		srv.Close()
		var got []string
		for line := range strings.Lines(stdout) {
			var d struct{ Kind, Drift, Pointer string }
			if err := json.Unmarshal([]byte(line), &d); err != nil {
				t.Fatal(err)
			}
			if d.Kind == "drift" {
				got = append(got, d.Drift+" "+d.Pointer)
			}
		}
		var want []string
		wantCode := cli.ExitYes
		if tt.want != "" {
			want, wantCode = []string{tt.want}, cli.ExitNo
		}
		if !slices.Equal(got, want) || code != wantCode {
			t.Errorf("%s = %s: exit %d, %q, want %d, %q\n%s", tt.path, tt.value, code, got, wantCode, want, stderr)
		}
	}
}

// A fixture that did not change is left alone, with its time.
func TestSampleSave(t *testing.T) {
	api, err := mockapi.New(mockapi.Options{Agents: []string{"agent.two"}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(api)
	defer srv.Close()
	env := map[string]string{"JULIAN_API_KEY": mockapi.DefaultKey, "JULIAN_BASE_URL": srv.URL + "/api/v1"}
	dir := filepath.Join(t.TempDir(), "fixtures")
	save := func() string {
		t.Helper()
		code, stdout, stderr := run(t, env, "", "sample", mockapi.DefaultAgent, "agent.two", "--save", dir)
		if code != cli.ExitYes || stdout != "" {
			t.Fatalf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
		}
		return strings.ReplaceAll(stderr, dir, "")
	}
	if diff := cmp.Diff("new        /agent.abc123.json\nnew        /agent.two.json\n", save()); diff != "" {
		t.Error(diff)
	}
	path := filepath.Join(dir, "agent.abc123.json")
	if got, err := os.ReadFile(path); err != nil || string(got) != string(julian.Sample()) {
		t.Errorf("%v: %q", err, got)
	}
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "agent.two.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("unchanged  /agent.abc123.json\nchanged    /agent.two.json\n", save()); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(path); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("%v: written again at %v", err, info.ModTime())
	}
}

package cli

import (
	"fmt"
	"os"

	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/shape"
	"github.com/spf13/cobra"
)

// AgentShapeFlag declares --agent-shape.
func AgentShapeFlag(cmd *cobra.Command, into *string, doc string) {
	cmd.Flags().StringVar(into, "agent-shape", "", doc+` (a file of "julianctl schema infer --agent")`)
}

// ReadAgentShape is what the file of --agent-shape says of an agent: its id, empty
// when the file does not say, and what is its own.
func ReadAgentShape(path string) (id string, own *generate.AgentShape, err error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return "", nil, Failure(fmt.Errorf("--agent-shape: %w", err), "")
	}
	s, err := shape.FromSchema(body)
	if err != nil {
		return "", nil, UsageError(fmt.Errorf("--agent-shape: %q %w", path, err), `"julianctl schema infer --agent ID" writes one`)
	}
	if agent, _ := s.Find("/agentId"); len(agent.Values) == 1 {
		id = agent.Values[0]
	}
	own = &generate.AgentShape{Inputs: variables(s, shape.CustomInputVariables), Extracted: variables(s, shape.ExtractedVariables)}
	if outcome, found := s.Find(shape.OutcomeName); found {
		own.Outcomes = outcome.Values
	}
	return id, own, nil
}

// variables are nil when the shape says nothing of the object at pointer.
func variables(s shape.Shape, pointer string) []generate.Variable {
	if _, found := s.Find(pointer); !found {
		return nil
	}
	list := []generate.Variable{}
	for _, f := range s.Children(pointer) {
		list = append(list, generate.Variable{Name: f.Name(), Kind: f.Kinds.First(), Format: f.Format, Values: f.Values, Always: f.Always})
	}
	return list
}

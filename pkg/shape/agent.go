package shape

// What is an agent's own in a payload: the provider gives each agent variables
// and outcomes of its own, within the shape that all agents share.
const (
	CustomInputVariables = "/customInputVariables"
	ExtractedVariables   = "/callResult/extractedVariables"
	OutcomeName          = "/callResult/outcomes/*/name"
)

// Agent writes what is one agent's own in s as a JSON Schema: its variables,
// of which there may be no others, and the names of its outcomes. It says
// nothing of the rest of the payload. What s does not know, it leaves open.
func Agent(id string, s Shape) ([]byte, error) {
	root := &node{
		Schema:      Draft,
		Title:       "Payloads of agent " + id,
		Description: "What is this agent's own: its variables and the names of its outcomes.",
		Type:        "object",
		Properties:  properties{{"agentId", &node{Const: id}}},
	}
	result := &node{Type: "object"}
	if _, seen := s.Find(CustomInputVariables); seen {
		root.Properties = append(root.Properties, property{"customInputVariables", s.closed(CustomInputVariables)})
	}
	if _, seen := s.Find(ExtractedVariables); seen {
		result.Properties = append(result.Properties, property{"extractedVariables", s.closed(ExtractedVariables)})
	}
	if name, seen := s.Find(OutcomeName); seen && name.Values != nil {
		outcome := &node{Type: "object", Properties: properties{{"name", s.node(OutcomeName)}}}
		result.Properties = append(result.Properties, property{"outcomes", &node{Type: "array", Items: outcome}})
	}
	if len(result.Properties) > 0 {
		root.Properties = append(root.Properties, property{"callResult", result})
	}
	return root.write()
}

// closed is the schema of the object at pointer, which may hold no other keys.
func (s Shape) closed(pointer string) *node {
	n := s.node(pointer)
	n.Additional = new(false)
	return n
}

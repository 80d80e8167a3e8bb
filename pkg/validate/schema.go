package validate

import "github.com/julianctl/julianctl/pkg/jsonschema"

// checkSchema holds the document that was read against the user's schema.
func (s *slowPath) checkSchema(schema *jsonschema.Schema) {
	for f := range schema.Failures(s.index) {
		if rule := ruleOf(f.Keyword); s.wants(rule, Error) {
			x := f.Explain()
			s.reportBelow(x.Path, f.Offset, rule, Error, x.Message, x.Hint)
		}
	}
}

// ruleOf is the rule that a value breaks which does not fit a keyword.
func ruleOf(keyword string) string {
	switch keyword {
	case "type":
		return RuleType
	case "required", "dependentRequired":
		return RuleRequired
	case "const", "enum":
		return RuleEnum
	case "format":
		return RuleFormat
	case "additionalProperties", "unevaluatedProperties":
		return RuleUnknownField
	}
	return RuleSchema
}

package julian

import (
	"encoding/json"
)

// OpenAPI returns an OpenAPI 3.1 document, as JSON, that describes the delivery
// as a webhook, with [Schema] as its schema and [Sample] as its example.
func OpenAPI() []byte {
	type object = map[string]any
	sample, schema := json.RawMessage(Sample()), json.RawMessage(Schema())
	document := struct {
		OpenAPI    string `json:"openapi"`
		Info       object `json:"info"`
		Webhooks   object `json:"webhooks"`
		Components object `json:"components"`
	}{
		OpenAPI: "3.1.0",
		Info: object{
			"title":       "Julian call webhook",
			"version":     "1",
			"description": "What Julian delivers after each call. Deliveries may repeat: callId is the idempotency key.",
		},
		Webhooks: object{"call": object{"post": object{
			"operationId": "receiveCall",
			"summary":     "A call was completed and analysed",
			"requestBody": object{
				"required": true,
				"content": object{"application/json": object{
					"schema":   object{"$ref": "#/components/schemas/CallEvent"},
					"examples": object{"sample": object{"summary": "The documented sample", "value": sample}},
				}},
			},
			"responses": object{"2XX": object{"description": "The delivery is acknowledged"}},
		}}},
		Components: object{"schemas": object{"CallEvent": schema}},
	}
	// Strings, and two files that tests hold to be JSON, always encode.
	out, _ := json.MarshalIndent(document, "", "  ")
	return append(out, '\n')
}

package julian_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The types lose nothing of the sample: what is decoded encodes to the same
// values, milliseconds included.
func TestSampleRoundTrip(t *testing.T) {
	var event julian.CallEvent
	dec := json.NewDecoder(bytes.NewReader(julian.Sample()))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&event); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decode(t, julian.Sample()), decode(t, encoded)); diff != "" {
		t.Errorf("sample changed in a round trip (-sample +encoded):\n%s", diff)
	}
}

func decode(t *testing.T, body []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// Every struct field has a row of the same kind, and every row a struct field.
func TestFieldsMatchTypes(t *testing.T) {
	types := map[string]julian.Kind{}
	optional := map[string]bool{}
	walk(reflect.TypeFor[julian.CallEvent](), "", types, optional)
	rows := map[string]julian.Kind{}
	for _, f := range julian.Fields {
		if _, twice := rows[f.Pointer]; twice {
			t.Errorf("%s has two rows", f.Pointer)
		}
		rows[f.Pointer] = f.Kind
		if got := f.Presence == julian.Optional && !strings.HasSuffix(f.Pointer, "/*"); got != optional[f.Pointer] {
			t.Errorf("%s: optional is %t in Fields, omitempty is %t in the type", f.Pointer, got, optional[f.Pointer])
		}
	}
	if diff := cmp.Diff(types, rows); diff != "" {
		t.Errorf("types and Fields differ (-types +Fields):\n%s", diff)
	}
}

func walk(typ reflect.Type, pointer string, kinds map[string]julian.Kind, optional map[string]bool) {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	kind := julian.Kind("")
	switch {
	case typ == reflect.TypeFor[julian.Timestamp](), typ.Kind() == reflect.String:
		kind = julian.String
	case typ.Kind() == reflect.Float64:
		kind = julian.Number
	case typ.Kind() == reflect.Slice:
		kind = julian.Array
		walk(typ.Elem(), pointer+"/*", kinds, optional)
	case typ.Kind() == reflect.Map:
		kind = julian.Object
	case typ.Kind() == reflect.Struct:
		kind = julian.Object
		for field := range fields(typ) {
			name, opts, _ := strings.Cut(field.Tag.Get("json"), ",")
			child := pointer + "/" + name
			optional[child] = opts == "omitempty"
			walk(field.Type, child, kinds, optional)
		}
	}
	if pointer != "" {
		kinds[pointer] = kind
	}
}

func fields(typ reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for field := range typ.Fields() {
			if !yield(field) {
				return
			}
		}
	}
}

func TestTimestamp(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`"2025-01-20T14:00:00.000Z"`, `"2025-01-20T14:00:00.000Z"`},
		{`"2025-01-20T14:00:00Z"`, `"2025-01-20T14:00:00.000Z"`},
		{`"2025-01-20T15:00:00.1239+01:00"`, `"2025-01-20T14:00:00.123Z"`},
	} {
		var ts julian.Timestamp
		if err := json.Unmarshal([]byte(tt.in), &ts); err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got, _ := json.Marshal(ts); string(got) != tt.want {
			t.Errorf("%s became %s, want %s", tt.in, got, tt.want)
		}
	}
	var ts julian.Timestamp
	if err := json.Unmarshal([]byte(`"yesterday"`), &ts); err == nil {
		t.Error(`"yesterday" was read as a time`)
	}
	if _, err := json.Marshal(julian.Timestamp{Time: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}); err == nil {
		t.Error("the year 12000 was written as a timestamp")
	}
}

// The documented counts, groups and words.
func TestEnums(t *testing.T) {
	var terminal, open, connected, notConnected, unstated []string
	for _, v := range julian.ResultTypes() {
		if v.Meaning == "" || !v.Name.Known() {
			t.Errorf("%q: meaning %q, known %t", v.Name, v.Meaning, v.Name.Known())
		}
		if v.Name.Terminal() {
			terminal = append(terminal, string(v.Name))
		} else {
			open = append(open, string(v.Name))
		}
		switch v.Name.Connection() {
		case julian.Connected:
			connected = append(connected, string(v.Name))
		case julian.NotConnected:
			notConnected = append(notConnected, string(v.Name))
		default:
			unstated = append(unstated, string(v.Name))
		}
	}
	got := map[string][]string{"terminal": terminal, "open": open, "connected": connected, "not connected": notConnected, "unstated": unstated}
	want := map[string][]string{
		"terminal":      {"Goal Completed", "Goal Not Completed", "Voicemail", "Busy", "No Conversation", "Opted Out", "Invalid Phone Number", "Cancelled", "Failed"},
		"open":          {"Scheduled", "Rescheduled", "Processing Analysis", "Calling"},
		"connected":     {"Goal Completed", "Goal Not Completed", "No Conversation", "Opted Out"},
		"not connected": {"Busy", "Invalid Phone Number", "Cancelled"},
		"unstated":      {"Voicemail", "Failed", "Scheduled", "Rescheduled", "Processing Analysis", "Calling"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	var statuses []string
	for _, v := range julian.LifecycleStatuses() {
		statuses = append(statuses, string(v.Name))
	}
	if diff := cmp.Diff([]string{"done", "in progress", "cancelled", "failed"}, statuses); diff != "" {
		t.Errorf("lifecycle statuses (-want +got):\n%s", diff)
	}
	for _, unknown := range []julian.ResultType{"", "goal completed", "Busy "} {
		if unknown.Known() || unknown.Terminal() || unknown.Connection() != julian.ConnectionUnstated {
			t.Errorf("%q is taken for a documented result type", unknown)
		}
	}
}

// The schema is a correct draft 2020-12 document by an independent validator,
// accepts the sample, and refuses what breaks it.
func TestSchemaByIndependentValidator(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(julian.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("julian.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("julian.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, old, new string
		valid          bool
	}{
		{"the sample", "", "", true},
		{"unknown field", `"agentId"`, `"new": 1, "agentId"`, true},
		{"sequence null", `"sequence": {`, `"crmSchedulingDetails": null, "sequence": {`, true},
		{"web call", `"+15559876543"`, `""`, true},
		{"no agent name", `"agentName": "Inbound Agent",`, ``, true},
		{"callId missing", `"callId": "call.abc123",`, ``, false},
		{"callId empty", `"callId": "call.abc123"`, `"callId": ""`, false},
		{"callId null", `"callId": "call.abc123"`, `"callId": null`, false},
		{"unknown result type", `Goal Completed`, `goal completed`, false},
		{"duration a string", `46`, `"46"`, false},
		{"not a number to call", `+15551234567`, `+05551234567`, false},
		{"bad time", `"scheduledAt": "2025-09-25T`, `"scheduledAt": "2025-13-25T`, false},
		{"outcome a string", `"outcomes": [`, `"outcomes": ["interested",`, false},
	} {
		body := julian.Sample()
		if tt.old != "" {
			body = bytes.Replace(body, []byte(tt.old), []byte(tt.new), 1)
			if bytes.Equal(body, julian.Sample()) {
				t.Fatalf("%s: %q is not in the sample", tt.name, tt.old)
			}
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if err := schema.Validate(value); (err == nil) != tt.valid {
			t.Errorf("%s: valid is %t, want %t (%v)", tt.name, err == nil, tt.valid, err)
		}
	}
}

package mockapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/validate"
)

const (
	maxContacts       = 1000
	maxIdempotencyKey = 255     // characters
	maxBody           = 4 << 20 // bytes
	defaultZone       = "UTC"   // of a contact without a time zone: open
)

// contact is one that is to be called.
type contact struct {
	agent       string
	name, phone string
	email       *string
	zone        string
	scheduled   time.Time // zero: at once
	inputs      map[string]any
	groupBy     string // a field; empty: none

	sequence
}

// documented are the fields of a contact that are no variables of the agent.
var documented = []string{"name", "phoneNumber", "toEmailAddress", "timezone", "scheduledAt", "bypassAllowedCallWindow", "groupByField"}

// batchFields are those of a batch, beside the contacts. What normalizeFields does is
// open: it does nothing here, no more than bypassAllowedCallWindow, as nothing says when
// calls are allowed.
type batchFields struct {
	Contacts        []map[string]json.RawMessage `json:"contacts"`
	Timezone        string                       `json:"timezone"`
	GroupByField    string                       `json:"groupByField"`
	AllowDuplicates bool                         `json:"allowDuplicates"`
}

// notObject is said of a body that is none.
const notObject = "body: is not a JSON object"

// readBody decodes the JSON body of a request.
func readBody(r *http.Request, into any) (refused *reply) {
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return &tooLarge
	}
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err == nil {
		return nil
	}
	rep := invalid(notObject)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		rep = invalid(wrong.Field + ": cannot be a " + wrong.Value)
	}
	return &rep
}

// scheduleSequence enrols one contact. HEAD asks whether key and agent are right.
func (a *Provider) scheduleSequence(r *http.Request) reply {
	agent := r.PathValue("agent")
	if !slices.Contains(a.agents, agent) {
		return noAgent
	}
	if r.Method == http.MethodHead {
		return reply{status: http.StatusOK, body: []byte{}}
	}
	var fields map[string]json.RawMessage
	if refused := readBody(r, &fields); refused != nil {
		return *refused
	}
	c, problems := a.readContact(agent, fields)
	if len(problems) > 0 {
		return invalid(problems...)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broke() {
		return noCredits
	}
	a.enrol(c, agent+"\x00"+c.groupBy)
	type step struct {
		StepType     string `json:"stepType"`
		DelaySeconds int    `json:"delaySeconds"`
	}
	type sequence struct {
		SequenceID           string           `json:"sequenceId"`
		Name                 string           `json:"name"`
		PhoneNumber          string           `json:"phoneNumber"`
		ScheduledAt          julian.Timestamp `json:"scheduledAt"`
		ToEmailAddress       *string          `json:"toEmailAddress"`
		CustomInputVariables map[string]any   `json:"customInputVariables"`
		Timezone             string           `json:"timezone"`
		ScheduledBy          string           `json:"scheduledBy"`
		Steps                []step           `json:"steps"`
	}
	return answered(http.StatusOK, map[string]sequence{"sequence": {
		c.id(), c.name, c.phone, julian.Timestamp{Time: c.scheduled}, c.email, c.inputs, c.zone, "API", []step{{"CALL", 0}},
	}})
}

// rejected is a contact of a batch that is not enrolled.
type rejected struct {
	Index       int    `json:"index"`
	PhoneNumber string `json:"phoneNumber"`
	Error       string `json:"error"`
}

// batchAnswer is the answer to a batch.
type batchAnswer struct {
	BatchID  string     `json:"batchId"`
	Total    int        `json:"total"`
	Accepted int        `json:"accepted"`
	Rejected []rejected `json:"rejected"`
}

// scheduleSequences enrols the contacts of a batch. With the key of an earlier one it
// gives that one's answer, whatever the content; that the answer is the same is open.
func (a *Provider) scheduleSequences(r *http.Request) reply {
	agent := r.PathValue("agent")
	if !slices.Contains(a.agents, agent) {
		return noAgent
	}
	key := r.Header.Get("Idempotency-Key")
	if len([]rune(key)) > maxIdempotencyKey {
		return invalid(fmt.Sprintf("Idempotency-Key: has more than %d characters", maxIdempotencyKey))
	}
	a.mu.Lock()
	earlier, again := a.batches[key]
	a.mu.Unlock()
	if again && key != "" {
		return earlier
	}
	var batch batchFields
	if refused := readBody(r, &batch); refused != nil {
		if refused.message == notObject {
			refused.message += `; a batch is {"contacts": [{"name": …, "phoneNumber": …}]}`
		}
		return *refused
	}
	switch n := len(batch.Contacts); {
	case n < 1 || n > maxContacts:
		return invalid(fmt.Sprintf("contacts: has %d, wants 1 to %d", n, maxContacts))
	case batch.GroupByField != "" && batch.AllowDuplicates:
		return invalid("groupByField: does not go with allowDuplicates")
	}
	valid, answer := a.readBatch(agent, batch)
	if len(valid) == 0 {
		return invalid("contacts: none is valid; " + answer.Rejected[0].Error)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if earlier, again := a.batches[key]; again && key != "" {
		return earlier // two at a time
	}
	if a.broke() {
		return noCredits
	}
	a.batchCount++
	answer.BatchID = fmt.Sprintf("batch.julianctl-%d", a.batchCount)
	for _, c := range valid {
		a.enrol(c, answer.BatchID)
	}
	rep := answered(http.StatusAccepted, answer)
	if key != "" {
		a.batches[key] = rep
	}
	return rep
}

// readBatch reads the contacts of a batch, and says which are rejected. The texts are
// invented.
func (a *Provider) readBatch(agent string, batch batchFields) (valid []*contact, answer batchAnswer) {
	answer = batchAnswer{Total: len(batch.Contacts), Rejected: []rejected{}}
	seen := map[string]bool{}
	for i, fields := range batch.Contacts {
		var phone string
		_ = json.Unmarshal(fields["phoneNumber"], &phone) // readContact says what is wrong with it
		if normal := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(phone); !batch.AllowDuplicates {
			phone = normal
			fields["phoneNumber"], _ = json.Marshal(phone) // a string always encodes
		}
		if _, given := fields["timezone"]; !given && batch.Timezone != "" {
			fields["timezone"], _ = json.Marshal(batch.Timezone)
		}
		c, problems := a.readContact(agent, fields)
		if !batch.AllowDuplicates && seen[phone] && len(problems) == 0 {
			problems = append(problems, "phoneNumber: is that of an earlier contact")
		}
		if len(problems) > 0 {
			answer.Rejected = append(answer.Rejected, rejected{i, phone, strings.Join(problems, "; ")})
			continue
		}
		seen[phone] = true
		c.groupBy = batch.GroupByField
		valid = append(valid, c)
	}
	answer.Accepted = len(valid)
	return valid, answer
}

// readContact reads one contact, and says what is wrong with its fields.
func (a *Provider) readContact(agent string, fields map[string]json.RawMessage) (c *contact, problems []string) {
	c = &contact{agent: agent, zone: defaultZone, inputs: map[string]any{}}
	text := func(name string, format julian.Format, required bool) string {
		var value *string
		err := json.Unmarshal(fields[name], &value)
		switch {
		case fields[name] == nil || err == nil && (value == nil || *value == ""):
			if required {
				problems = append(problems, name+": is required")
			}
			return ""
		case err != nil:
			problems = append(problems, name+": wants a string")
			return ""
		}
		if format != "" {
			if want, ok := validate.Fits(format, *value); !ok {
				problems = append(problems, name+": wants "+want)
			}
		}
		return *value
	}
	c.name = text("name", "", true)
	c.phone = text("phoneNumber", julian.E164, true)
	if email := text("toEmailAddress", julian.Email, a.opts.RequireEmail); email != "" {
		c.email = &email
	}
	if zone := text("timezone", julian.Zone, false); zone != "" {
		c.zone = zone
	}
	if at := text("scheduledAt", julian.DateTime, false); at != "" {
		c.scheduled, _ = time.Parse(time.RFC3339, at) // text has said what is wrong with it
	}
	c.groupBy = text("groupByField", "", false)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(documented, name) {
			c.inputs[name] = text(name, "", false)
		}
	}
	if a.opts.Shape != nil {
		for _, v := range a.opts.Shape.Inputs {
			if v.Always && fields[v.Name] == nil {
				problems = append(problems, v.Name+": is required, as a variable of the agent")
			}
		}
	}
	return c, problems
}

// field is the value of a contact that a reference or a group names; empty: none.
func (c *contact) field(name string) string {
	switch name {
	case "name":
		return c.name
	case "phoneNumber":
		return c.phone
	case "sequenceId":
		return c.id()
	case "toEmailAddress":
		if c.email != nil {
			return *c.email
		}
		return ""
	}
	text, _ := c.inputs[name].(string)
	return text
}

// cancelSequences cancels the contacts whose field has a value. Which fields may be
// named is open: any of a contact's, its variables and sequenceId.
func (a *Provider) cancelSequences(r *http.Request) reply {
	var body struct{ ReferenceKey, ReferenceValue string }
	if refused := readBody(r, &body); refused != nil {
		return *refused
	}
	var problems []string
	if body.ReferenceKey == "" {
		problems = append(problems, "referenceKey: is required")
	}
	if body.ReferenceValue == "" {
		problems = append(problems, "referenceValue: is required")
	}
	if problems != nil {
		return invalid(problems...)
	}
	a.cancelWhere(body.ReferenceKey, body.ReferenceValue)
	return answered(http.StatusOK, map[string]bool{"success": true})
}

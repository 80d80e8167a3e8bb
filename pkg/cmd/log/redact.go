package log

import (
	"crypto/sha256"
	"net/http"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/redact"
	"github.com/tidwall/gjson"
)

// redactEntry takes the personal data out of a delivery that leaves the log:
// its payload has pseudonyms, and who sent it, with which header, what was found
// wrong and what came of sending it again is left out. It reports false when the body is not a payload that
// can be redacted.
func redactEntry(r *redact.Redactor, e *journal.Entry) bool {
	body, err := e.Payload()
	if err != nil {
		return false
	}
	if body, err = r.Payload(body); err != nil {
		return false
	}
	hash := sha256.Sum256(body)
	e.Body, e.Hash, e.Size = body, hash[:], int64(len(body))
	if e.CallID != "" {
		e.CallID = gjson.GetBytes(body, "callId").Str
	}
	e.Contact = journal.Contact{Name: gjson.GetBytes(body, "name").Str, Direction: e.Direction}
	e.Header = http.Header{"Content-Type": {"application/json"}}
	e.Remote, e.Host, e.URI, e.Reason = "", "", "/", ""
	if e.Outcome != nil {
		e.Outcome.Findings, e.Outcome.Forward = nil, nil
	}
	e.Attempts = nil // what endpoints answered may name the contact
	return true
}

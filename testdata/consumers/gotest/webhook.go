// Package gotest is a consumer in Go that is tested with juliantest in its own tests:
// right, and with each of eight faults (faults.go).
package gotest

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"github.com/julianctl/julianctl/pkg/julian"
)

// Webhook books a meeting for every call.
type Webhook struct {
	secret string
	table  table

	// The parts that faults replace.
	authorized func(secret string) bool
	key        func(julian.CallEvent) string
	book       func(key string, e julian.CallEvent) error
}

// New returns a webhook that insists on a secret in X-Webhook-Secret.
func New(secret string) *Webhook {
	w := &Webhook{secret: secret, table: table{bookings: map[string]string{}}}
	w.authorized = func(got string) bool { return subtle.ConstantTimeCompare([]byte(got), []byte(w.secret)) == 1 }
	w.key = func(e julian.CallEvent) string { return e.CallID }
	w.book = w.table.insert
	return w
}

// Bookings counts those of a call.
func (h *Webhook) Bookings(_ context.Context, callID string) (int, error) {
	return h.table.count(callID), nil
}

func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.authorized(r.Header.Get("X-Webhook-Secret")) {
		http.Error(w, "wrong secret", http.StatusUnauthorized)
		return
	}
	if r.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<20))
	var event julian.CallEvent
	if err != nil || json.Unmarshal(body, &event) != nil || event.CallID == "" || event.CallResult.ResultType == "" {
		http.Error(w, "not a call event", http.StatusBadRequest)
		return
	}
	if err := h.book(h.key(event), event); err != nil {
		http.Error(w, "try again", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// table stands for one in a database, whose primary key is the key.
type table struct {
	mu       sync.Mutex
	bookings map[string]string // key: call id
}

// insert is INSERT … ON CONFLICT DO NOTHING.
func (t *table) insert(key string, e julian.CallEvent) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, there := t.bookings[key]; !there {
		t.bookings[key] = e.CallID
	}
	return nil
}

// count is SELECT count(*) … WHERE call_id = ….
func (t *table) count(callID string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range t.bookings {
		if id == callID {
			n++
		}
	}
	return n
}

package checklist_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/julian"
	_ "modernc.org/sqlite" // the driver
)

const (
	secretName  = "X-Webhook-Secret"
	secretValue = "correct horse battery staple"
)

// store keeps the effects of calls.
type store interface {
	// add makes an effect of a call, whatever there is already.
	add(callID string, body []byte) error
	// addOnce makes an effect of a call unless key was used before.
	addOnce(key, callID string, body []byte) error
	count(callID string) (int, error)
}

// memory is a store that forgets with the process.
type memory struct {
	mu      sync.Mutex
	keys    map[string]bool
	effects map[string]int
}

func newMemory(*testing.T) store {
	return &memory{keys: map[string]bool{}, effects: map[string]int{}}
}

func (m *memory) add(callID string, _ []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.effects[callID]++
	return nil
}

func (m *memory) addOnce(key, callID string, _ []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.keys[key] {
		m.keys[key] = true
		m.effects[callID]++
	}
	return nil
}

func (m *memory) count(callID string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.effects[callID], nil
}

// database is a store in SQLite, with a unique index for keys.
type database struct{ db *sql.DB }

func newDatabase(t *testing.T) store {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "calls.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`
		CREATE TABLE keys (key TEXT PRIMARY KEY);
		CREATE TABLE effects (call_id TEXT, body BLOB);
		CREATE INDEX by_call ON effects (call_id)`)
	if err != nil {
		t.Fatal(err)
	}
	return &database{db}
}

func (d *database) add(callID string, body []byte) error {
	_, err := d.db.Exec(`INSERT INTO effects VALUES (?, ?)`, callID, body)
	return err
}

func (d *database) addOnce(key, callID string, body []byte) error {
	tx, err := d.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	done, err := tx.Exec(`INSERT INTO keys VALUES (?) ON CONFLICT DO NOTHING`, key)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); n == 0 || err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO effects VALUES (?, ?)`, callID, body); err != nil {
		return err
	}
	return tx.Commit()
}

func (d *database) count(callID string) (n int, err error) {
	err = d.db.QueryRow(`SELECT count(*) FROM effects WHERE call_id = ?`, callID).Scan(&n)
	return n, err
}

// fault is one thing that a reference consumer does wrong; the zero fault is
// none.
type fault string

const (
	correct        fault = "correct"
	noDedupe       fault = "no dedupe"
	checkInsert    fault = "check-then-insert race"
	bodyHash       fault = "dedupe on body hash"
	smallCache     fault = "small dedupe cache"
	marksEarly     fault = "marks as seen before it succeeds"
	answersEarly   fault = "answers before it stores and loses on failure"
	slowWork       fault = "slow synchronous work"
	strictEnum     fault = "strict enum"
	chokesOnNull   fault = "chokes on null"
	crashes        fault = "crashes on malformed"
	blankRecord    fault = "blank record on missing callId"
	anySecret      fault = "accepts any secret"
	redirects      fault = "redirects"
	byPhone        fault = "over-eager dedupe by phone"
	refusesRepeats fault = "refuses repeats"
	oneAtATime     fault = "reads one body at a time"
	echoes         fault = "echoes what it got"
	takesAnything  fault = "200 for everything"
	failsAlways    fault = "500 for everything"
)

// consumer is a reference consumer with one fault.
type consumer struct {
	fault fault
	store store

	inFlight atomic.Int32
	mu       sync.Mutex
	recent   []string // of smallCache
	seen     sync.Map // of marksEarly
}

func (c *consumer) probe(_ context.Context, callID string) (effects.Reading, error) {
	n, err := c.store.count(callID)
	return effects.Reading{Count: n}, err
}

var callIDInText = regexp.MustCompile(`"callId":\s*"([^"]+)"`)

func (c *consumer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch c.fault {
	case redirects:
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	case takesAnything:
		return
	case failsAlways:
		http.Error(w, "no", http.StatusInternalServerError)
		return
	case oneAtATime:
		c.mu.Lock()
		defer c.mu.Unlock()
	}
	secret := r.Header.Get(secretName)
	if secret != secretValue && (c.fault != anySecret || secret == "") {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if r.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	body, readErr := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<20))
	if c.fault == marksEarly {
		if id := callIDInText.FindSubmatch(body); id != nil {
			if _, again := c.seen.LoadOrStore(string(id[1]), true); again {
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
	}
	if c.fault == crashes && readErr == nil && !json.Valid(body) {
		panic(http.ErrAbortHandler)
	}
	e, err := parse(body)
	switch {
	case readErr != nil || err != nil || e.CallID == "" && c.fault != blankRecord:
		answer := "not a call event"
		if c.fault == echoes {
			answer += fmt.Sprintf(": %.400s\nTraceback (most recent call last)", body)
		}
		http.Error(w, answer, http.StatusBadRequest)
	case c.fault == chokesOnNull && regexp.MustCompile(`"(sequence|crmSchedulingDetails)":\s*null`).Match(body):
		http.Error(w, "nil dereferenced", http.StatusInternalServerError)
	case c.fault == strictEnum && !slices.Contains([]julian.ResultType{julian.GoalCompleted, julian.GoalNotCompleted}, e.CallResult.ResultType):
		http.Error(w, "unheard of", http.StatusUnprocessableEntity)
	default:
		c.take(w, e, body)
	}
}

// event is as much of a payload as the consumers look at.
type event struct {
	CallID      string
	PhoneNumber string
	CallResult  *struct {
		ResultType julian.ResultType
		Outcomes   []struct{}
	}
}

func parse(body []byte) (event, error) {
	var e event
	err := json.Unmarshal(body, &e)
	if err == nil && e.CallResult == nil {
		err = fmt.Errorf("no callResult")
	}
	return e, err
}

// take makes the effect of a call.
func (c *consumer) take(w http.ResponseWriter, e event, body []byte) {
	var err error
	status := http.StatusNoContent
	switch c.fault {
	default:
		err = c.store.addOnce(e.CallID, e.CallID, body)
	case noDedupe, marksEarly:
		err = c.store.add(e.CallID, body)
	case checkInsert:
		var n int
		if n, err = c.store.count(e.CallID); err == nil && n == 0 {
			<-time.After(time.Millisecond) // the window
			err = c.store.add(e.CallID, body)
		}
	case bodyHash:
		err = c.store.addOnce(fmt.Sprintf("%x", sha256.Sum256(body)), e.CallID, body)
	case smallCache:
		if !c.recently(e.CallID) {
			err = c.store.add(e.CallID, body)
		}
	case answersEarly:
		// A queue for a few: what comes when it is full is acknowledged and
		// dropped.
		full := c.inFlight.Add(1) > 8
		<-time.After(2 * time.Millisecond)
		if !full {
			err = c.store.addOnce(e.CallID, e.CallID, body)
		}
		c.inFlight.Add(-1)
	case slowWork:
		<-time.After(20*time.Millisecond + time.Duration(len(body))*600*time.Millisecond>>20)
		err = c.store.addOnce(e.CallID, e.CallID, body)
	case byPhone:
		err = c.store.addOnce(e.PhoneNumber, e.CallID, body)
	case refusesRepeats:
		if n, _ := c.store.count(e.CallID); n > 0 {
			status = http.StatusConflict
		}
		err = c.store.addOnce(e.CallID, e.CallID, body)
	case echoes:
		status = http.StatusOK
		err = c.store.addOnce(e.CallID, e.CallID, body)
		defer w.Write(body[:min(400, len(body))])
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(status)
}

// recently remembers a few ids, and says whether this one was among them.
func (c *consumer) recently(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.recent, id) {
		return true
	}
	c.recent = append(c.recent, id)
	c.recent = c.recent[max(0, len(c.recent)-20):]
	return false
}

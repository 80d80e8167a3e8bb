// Command go_sqlite is a consumer that keeps what it knows in a file: in SQLite,
// or in one of JSON. FAULT names the fault; empty: none. FOLDER is where
// the files are.
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver
)

func main() {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(os.Getenv("FOLDER"), "calls.db")+
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		log.Fatal(err)
	}
	_, err = db.Exec(`
		CREATE TABLE IF NOT EXISTS seen (call_id TEXT PRIMARY KEY);
		CREATE TABLE IF NOT EXISTS effects (call_id TEXT)`)
	if err != nil {
		log.Fatal(err)
	}
	ways := map[string]func(string) error{
		"":                   func(id string) error { return together(db, id) },
		"effect-then-marker": func(id string) error { return effectThenMarker(db, id) },
		"marker-then-effect": func(id string) error { return markerThenEffect(db, id) },
		"rewrite":            rewrite,
	}
	process, ok := ways[os.Getenv("FAULT")]
	if !ok {
		log.Fatalf("unknown fault %q", os.Getenv("FAULT"))
	}
	http.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			CallID string `json:"callId"`
		}
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil || event.CallID == "" {
			http.Error(w, "not a call event", http.StatusBadRequest)
			return
		}
		if err := process(event.CallID); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	http.HandleFunc("GET /calls/{id}/count", func(w http.ResponseWriter, r *http.Request) {
		n := written()[r.PathValue("id")]
		if err := db.QueryRow(`SELECT ? + count(*) FROM effects WHERE call_id = ?`, n, r.PathValue("id")).Scan(&n); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, n)
	})
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// together has the effect and its marker in one transaction.
func together(db *sql.DB, id string) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	marked, err := tx.Exec(`INSERT OR IGNORE INTO seen VALUES (?)`, id)
	if err != nil {
		return err
	}
	if n, err := marked.RowsAffected(); n == 0 || err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO effects VALUES (?)`, id); err != nil {
		return err
	}
	return tx.Commit()
}

func effectThenMarker(db *sql.DB, id string) error {
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM seen WHERE call_id = ?`, id).Scan(&n); n > 0 || err != nil {
		return err
	}
	if _, err := db.Exec(`INSERT INTO effects VALUES (?)`, id); err != nil {
		return err
	}
	_, err := db.Exec(`INSERT OR IGNORE INTO seen VALUES (?)`, id)
	return err
}

func markerThenEffect(db *sql.DB, id string) error {
	marked, err := db.Exec(`INSERT OR IGNORE INTO seen VALUES (?)`, id)
	if err != nil {
		return err
	}
	if n, err := marked.RowsAffected(); n == 0 || err != nil {
		return err
	}
	_, err = db.Exec(`INSERT INTO effects VALUES (?)`, id)
	return err
}

// written is what is in the file that rewrite writes.
func written() map[string]int {
	calls := map[string]int{}
	data, err := os.ReadFile(filepath.Join(os.Getenv("FOLDER"), "calls.json"))
	if err != nil || json.Unmarshal(data, &calls) != nil {
		return map[string]int{}
	}
	return calls
}

var writing sync.Mutex

// rewrite writes all calls over the file that holds them.
func rewrite(id string) error {
	writing.Lock()
	defer writing.Unlock()
	calls := written()
	calls[id] = 1
	data, err := json.Marshal(calls)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(os.Getenv("FOLDER"), "calls.json"), data, 0o600)
}

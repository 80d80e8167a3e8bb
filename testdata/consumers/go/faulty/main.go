// The program faulty is a consumer with net/http and SQLite, and a fault: the
// unique index is on a hash of the body, and a repeat in other bytes is another
// call to it.
package main

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	_ "modernc.org/sqlite" // the driver
)

func main() {
	file := ":memory:"
	if len(os.Args) > 2 {
		file = os.Args[2]
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(1) // SQLite has one writer
	if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS calls (call_id TEXT, hash BLOB UNIQUE, body BLOB)`); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<20))
		var event struct {
			CallID     string `json:"callId"`
			CallResult *struct {
				ResultType string `json:"resultType"`
			} `json:"callResult"`
		}
		if err != nil || json.Unmarshal(body, &event) != nil || event.CallID == "" || event.CallResult == nil {
			http.Error(w, "not a call event", http.StatusBadRequest)
			return
		}
		hash := sha256.Sum256(body)
		if _, err := db.Exec(`INSERT INTO calls VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, event.CallID, hash[:], body); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent) // stored first, worked on later
	})
	mux.HandleFunc("GET /calls/{id}/count", func(w http.ResponseWriter, r *http.Request) {
		var count int
		if err := db.QueryRow(`SELECT count(*) FROM calls WHERE call_id = ?`, r.PathValue("id")).Scan(&count); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, count)
	})
	port := "8080"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s/webhook\n", listener.Addr())
	server := &http.Server{Handler: mux, ReadTimeout: 30 * time.Second}
	log.Fatal(server.Serve(listener))
}

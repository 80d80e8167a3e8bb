// Command go_pgx is a consumer on PostgreSQL by pgx, whose pool pings. FAULT
// names the fault; empty: none. DATABASE_URL is the database.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func main() {
	pool, err := pgxpool.New(context.Background(), os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	fault := os.Getenv("FAULT")
	http.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			CallID string `json:"callId"`
		}
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil || event.CallID == "" {
			http.Error(w, "not a call event", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := process(ctx, pool, fault, event.CallID)
		if err != nil && fault != "swallow" {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	http.HandleFunc("GET /calls/{id}/count", func(w http.ResponseWriter, r *http.Request) {
		var n int
		if err := pool.QueryRow(r.Context(), `SELECT count(*) FROM effects WHERE call_id = $1`, r.PathValue("id")).Scan(&n); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, n)
	})
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func process(ctx context.Context, pool *pgxpool.Pool, fault, id string) error {
	both := func(tx pgx.Tx) error {
		marked, err := tx.Exec(ctx, `INSERT INTO seen (call_id) VALUES ($1) ON CONFLICT DO NOTHING`, id)
		if err != nil || marked.RowsAffected() == 0 {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO effects (call_id, what) VALUES ($1, 'booked')`, id)
		return err
	}
	err := pgx.BeginFunc(ctx, pool, both)
	if err != nil && fault == "retry-effect" {
		// What is not known to have happened is done again, without the marker.
		_, err = pool.Exec(ctx, `INSERT INTO effects (call_id, what) VALUES ($1, 'booked')`, id)
	}
	return err
}

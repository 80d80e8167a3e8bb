package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/julian"
)

// consumerMain is the script program "consumer": an endpoint for scripts to
// deliver to. It writes its URL to --ready-file, appends every body it got to
// --save, and answers as --status says; 0 means as a correct consumer does. The
// first of --fail-first get 503. At …/count/ID it tells how many records a call
// has; with --twice each delivery makes one. With --die it says so and ends.
func consumerMain() {
	ready := flag.String("ready-file", "", "")
	save := flag.String("save", "", "")
	status := flag.Int("status", 0, "")
	twice := flag.Bool("twice", false, "")
	failures := flag.Int("fail-first", 0, "")
	port := flag.Int("port", 0, "")
	die := flag.String("die", "", "")
	flag.Parse()
	if *die != "" {
		fmt.Fprintln(os.Stderr, *die)
		os.Exit(1)
	}
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		panic(err)
	}
	if *ready == "" {
		*ready = os.DevNull
	}
	if err := cli.WriteFile(*ready, []byte("http://"+ln.Addr().String()+"/hook")); err != nil {
		panic(err)
	}
	var mu sync.Mutex
	records := map[string]int{}
	panic(http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, id, ok := strings.Cut(r.URL.Path, "/count/"); ok {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprint(w, records[id])
			return
		}
		body, err := io.ReadAll(r.Body)
		var e julian.CallEvent
		answer := http.StatusNoContent
		if err != nil || json.Unmarshal(body, &e) != nil || e.CallID == "" {
			answer = http.StatusBadRequest
		}
		if *status != 0 {
			answer = *status
		}
		mu.Lock()
		defer mu.Unlock()
		if *failures > 0 {
			*failures--
			answer = http.StatusServiceUnavailable
		}
		if answer == http.StatusNoContent {
			if records[e.CallID]++; !*twice {
				records[e.CallID] = 1
			}
		}
		if *save != "" {
			f, err := os.OpenFile(*save, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			defer f.Close()
			if _, err := f.Write(body); err != nil {
				panic(err)
			}
		}
		w.WriteHeader(answer)
	})))
}

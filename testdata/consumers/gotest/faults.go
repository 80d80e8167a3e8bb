package gotest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"text/template"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// Faults are ways to break a webhook, by name.
var Faults = map[string]func(*Webhook){
	"no dedupe": func(w *Webhook) {
		var serial atomic.Int64
		w.key = func(julian.CallEvent) string { return fmt.Sprint(serial.Add(1)) }
	},
	"looks, then inserts": func(w *Webhook) {
		var serial atomic.Int64
		w.book = func(_ string, e julian.CallEvent) error {
			if w.table.count(e.CallID) > 0 {
				return nil
			}
			time.Sleep(200 * time.Microsecond) // the way to the database and back
			return w.table.insert(fmt.Sprint(serial.Add(1)), e)
		}
	},
	"key holds the result": func(w *Webhook) {
		w.key = func(e julian.CallEvent) string { return e.CallID + string(e.CallResult.ResultType) }
	},
	"trims the id": func(w *Webhook) {
		w.key = func(e julian.CallEvent) string { return strings.TrimSpace(e.CallID) }
	},
	"summary is a template": func(w *Webhook) {
		w.book = func(key string, e julian.CallEvent) error {
			if _, err := template.New("mail").Parse(e.CallResult.Summary); err != nil {
				return err
			}
			return w.table.insert(key, e)
		}
	},
	"part of the secret": func(w *Webhook) {
		w.authorized = func(got string) bool { return got != "" && strings.HasPrefix(w.secret, got) }
	},
	"acknowledges, then fails": func(w *Webhook) {
		w.book = func(key string, e julian.CallEvent) error {
			go func() {
				if e.CallResult.ResultType != julian.Voicemail { // whose recording it cannot fetch
					_ = w.table.insert(key, e)
				}
			}()
			return nil
		}
	},
	"slow with long transcripts": func(w *Webhook) {
		w.book = func(key string, e julian.CallEvent) error {
			kib := time.Duration(len(e.CallResult.Transcription) >> 10)
			time.Sleep(kib * kib * time.Microsecond) // each line against all the others
			return w.table.insert(key, e)
		}
	},
}

package juliantest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/juliantest"
	"github.com/julianctl/julianctl/pkg/sender"
	"github.com/julianctl/julianctl/testdata/consumers/gotest"
)

// Every sender has a name here, too.
func TestSenders(t *testing.T) {
	var names []string
	for _, s := range []juliantest.Sender{juliantest.Once, juliantest.Retell, juliantest.ElevenLabs, juliantest.Dialpad, juliantest.Telnyx, juliantest.Worst} {
		names = append(names, string(s))
	}
	if d := gocmp.Diff(sender.Names(), names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// enrol schedules contacts, as the code under test would.
func enrol(t *testing.T, p *juliantest.Provider, from, to int) {
	t.Helper()
	type contact struct {
		Name        string `json:"name"`
		PhoneNumber string `json:"phoneNumber"`
	}
	var contacts []contact
	for i := from; i < to; i++ {
		contacts = append(contacts, contact{fmt.Sprintf("Contact %d", i), fmt.Sprintf("+4420794600%02d", i)})
	}
	body, err := json.Marshal(map[string]any{"contacts": contacts})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/agents/"+p.Agent+"/schedule/sequences", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", p.Key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		t.Fatal(answer.Status)
	}
}

// Whatever the sender does, a right consumer books each call once, though it fails at
// first; one without dedupe does not.
func TestMakeCalls(t *testing.T) {
	t.Parallel()
	for _, s := range []juliantest.Sender{juliantest.Once, juliantest.Retell, juliantest.Worst} {
		for _, fault := range []string{"", "no dedupe"} {
			p := juliantest.NewProvider(t, s)
			webhook := gotest.New(secret)
			if fault != "" {
				gotest.Faults[fault](webhook)
			}
			e := endpoint(webhook)
			var failed atomic.Int32
			e.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if s == juliantest.Retell && failed.Add(1) == 1 {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				webhook.ServeHTTP(w, r)
			})
			enrol(t, p, 0, 20)
			calls := p.MakeCalls(e)
			enrol(t, p, 20, 25)
			calls = append(calls, p.MakeCalls(e)...)
			contacts, booked, tries := map[string]bool{}, 0, 0
			for _, call := range calls {
				var event julian.CallEvent
				if err := json.Unmarshal(call.Payload, &event); err != nil || event.CallID != call.CallID || !call.Acknowledged {
					t.Errorf("%s: %v, %+v", s, err, call)
				}
				contacts[event.Name] = true
				n, _ := webhook.Bookings(t.Context(), call.CallID)
				booked += n
				tries += call.Tries
			}
			wantBooked, wantTries := len(calls), len(calls)
			switch s {
			case juliantest.Retell:
				wantTries++
			case juliantest.Worst:
				wantTries = 5 * len(calls)
			}
			if fault != "" && s == juliantest.Worst {
				wantBooked = wantTries
			}
			if len(contacts) != 25 || booked != wantBooked || tries != wantTries {
				t.Errorf("%s, %s: %d contacts, %d calls, booked %d, want %d, in %d deliveries, want %d", s, fault, len(contacts), len(calls), booked, wantBooked, tries, wantTries)
			}
			ids := make([]string, len(calls))
			for i, call := range calls {
				ids[i] = call.CallID
			}
			slices.Sort(ids)
			if len(slices.Compact(ids)) != len(calls) {
				t.Errorf("%s: a call comes twice", s)
			}
		}
	}
}

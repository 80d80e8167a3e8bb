// Package juliantest tests a consumer of Julian's call webhooks inside go test: the
// checks of "julianctl check" as subtests, payloads, duplicates, and a stand-in for
// the provider.
//
// A test of a handler, which takes about 3 seconds:
//
//	func TestWebhook(t *testing.T) {
//		db := testDatabase(t)
//		juliantest.Check(t, juliantest.Endpoint{
//			Handler: app.New(db),
//			Path:    "/webhooks/julian",
//			// Counts what the webhook is for: bookings, tickets, messages.
//			Probe: func(ctx context.Context, callID string) (effects int, err error) {
//				err = db.QueryRowContext(ctx, `SELECT count(*) FROM bookings WHERE call_id = $1`, callID).Scan(&effects)
//				return effects, err
//			},
//		})
//	}
//
// It says of a handler that looks for a call before it inserts one:
//
//	--- FAIL: TestWebhook/together (0.31s)
//	    webhook_test.go:12: 3 of 25 calls: processed 2 times, expected 1 (released within 54µs)
//	        check:  the endpoint processes copies at one instant only once
//	        effect: call.julianctl-1566b328becfc031: processed 2 times, expected 1
//	        …
//	        why:    two copies that arrive at once both look, find nothing, and both insert: a double booking
//	        hint:   let the database decide: insert with a unique key on callId and ON CONFLICT DO NOTHING, in the transaction of the effect
//	        rerun:  go test -run '^TestWebhook$/^together$'
//
// Your code enrols contacts, and the webhooks of their calls come in as a platform sends
// them that tries again, doubles, and delivers out of order:
//
//	provider := juliantest.NewProvider(t, juliantest.Worst)
//	service := app.New(db, provider.URL, provider.Key)
//	service.EnrolLeads(t.Context())
//	for _, call := range provider.MakeCalls(juliantest.Endpoint{Handler: service, Path: "/webhooks/julian"}) {
//		// What does db know of call.CallID?
//	}
//
// Every payload is made up, with ids that contain "julianctl-": a database of tests
// is the place for them. What only a process that can be killed shows, crashes and
// restarts, "julianctl check --exec" looks for.
//
// The package is public: what it exports keeps working. Which checks there are, and
// what they find, grows with each release, as linters do; Skip leaves one out.
//
// It imports neither the command framework nor a database. What comes with it is listed
// in TestDependencies: fasthttp, gjson, sjson, compress, hdrhistogram-go and what those
// need; 18 s of CPU when they are compiled first, and 4 MB in the test binary.
package juliantest

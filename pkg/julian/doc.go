// Package julian is for Go programs that receive Julian's call webhooks: types of the
// payload, its documented enumerations and fields, a JSON Schema, the provider's sample,
// and a client for the API.
//
// A handler that is idempotent, quick, and loses nothing:
//
//	func webhook(w http.ResponseWriter, r *http.Request) {
//		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<20))
//		var event julian.CallEvent
//		if err != nil || json.Unmarshal(body, &event) != nil || event.CallID == "" {
//			http.Error(w, "not a call event", http.StatusBadRequest)
//			return
//		}
//		// INSERT … ON CONFLICT (call_id) DO NOTHING: a repeat changes nothing.
//		if err := store(r.Context(), event.CallID, body); err != nil {
//			http.Error(w, "try again", http.StatusServiceUnavailable)
//			return
//		}
//		w.WriteHeader(http.StatusNoContent) // stored first, worked on later
//	}
//
// The package imports the standard library only.
package julian

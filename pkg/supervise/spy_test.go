package supervise

import (
	"net/http"
	"strings"
	"testing"
)

// A request that may be repeated counts once, and any other each time.
func TestSpyEffects(t *testing.T) {
	t.Parallel()
	spy, err := NewSpy("crm", SpyAnswer{Status: http.StatusOK}, nil, NewRecorder())
	if err != nil {
		t.Fatal(err)
	}
	defer spy.Close()
	for id, tt := range map[string]struct {
		method, key string
		bodies      []string
		want        int
	}{
		"call.read":    {http.MethodGet, "", []string{""}, 0},
		"call.posted":  {http.MethodPost, "", []string{"a", "a"}, 2},
		"call.keyed":   {http.MethodPost, "k1", []string{"a", "b"}, 1},
		"call.put":     {http.MethodPut, "", []string{"a", "a"}, 1},
		"call.changed": {http.MethodPut, "", []string{"a", "b"}, 2},
		"call.deleted": {http.MethodDelete, "", []string{"", ""}, 1},
		"call.patched": {http.MethodPatch, "", []string{"a", "a"}, 2},
	} {
		for _, body := range tt.bodies {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, "http://"+spy.Addr()+"/calls/"+id, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.key != "" {
				r.Header.Set("Idempotency-Key", tt.key)
			}
			a, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = a.Body.Close()
		}
		if n, err := spy.Effects(t.Context(), id); err != nil || n != tt.want {
			t.Errorf("%s: %d, %v, want %d", id, n, err, tt.want)
		}
	}
}

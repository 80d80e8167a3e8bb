package wait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("gone")
		ended, end := context.WithCancelCause(t.Context())
		end(gone)
		ending, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, tt := range []struct {
			name       string
			ctx        context.Context
			wait, took time.Duration
			want       error
		}{
			{"until the context ends", ending, time.Minute, time.Second, context.DeadlineExceeded},
			{"for a time", t.Context(), time.Minute, time.Minute, nil},
			{"not at all", t.Context(), 0, 0, nil},
			{"after the context's end", ended, time.Minute, 0, gone},
			{"not at all, after its end", ended, 0, 0, gone},
		} {
			start := time.Now()
			if err := For(tt.ctx, tt.wait); !errors.Is(err, tt.want) || time.Since(start) != tt.took {
				t.Errorf("%s: %v after %s, want %v after %s", tt.name, err, time.Since(start), tt.want, tt.took)
			}
		}
	})
}

func TestBetween(t *testing.T) {
	for retries, want := range []time.Duration{100, 200, 400, 500, 500} {
		for range 100 {
			if d := Between(retries, 100, 500); d < want/2 || d >= want {
				t.Fatalf("%d after %d retries, want from %d to %d", d, retries, want/2, want)
			}
		}
	}
	if d := Between(1000, time.Second, time.Hour); d <= 0 || d >= time.Hour {
		t.Errorf("%s after 1000 retries", d)
	}
}

package cli

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// Whoever books, no window holds more than the limit, and none is left unused.
func TestTakeTurn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "turns", "key")
	now := time.Unix(1_700_000_000, 0)
	var mu sync.Mutex
	booked := map[time.Duration]int{}
	var wg sync.WaitGroup
	for range 5 * julian.LimitRequests {
		wg.Go(func() {
			wait, err := takeTurn(path, now)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			booked[wait]++
		})
	}
	wg.Wait()
	for i := range 5 {
		if n := booked[time.Duration(i)*julian.LimitWindow]; n != julian.LimitRequests {
			t.Errorf("%d requests begin after %d windows, want %d", n, i, julian.LimitRequests)
		}
	}
	// Once the last window is over, nobody waits.
	if wait, err := takeTurn(path, now.Add(5*julian.LimitWindow)); err != nil || wait != 0 {
		t.Errorf("waits %v, %v", wait, err)
	}
}

// A file that cannot be what it should be does not stop anybody.
func TestTakeTurnOddFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	now := time.Unix(1_700_000_000, 0)
	for name, content := range map[string]string{
		"empty": "", "short": "abc", "index": "\xff\xff\xff\xff\xff\xff\xff\x7f" + string(make([]byte, 80)),
		"future": string(make([]byte, 8)) + "\x00\x00\x00\x00\x00\x00\x00\x70" + string(make([]byte, 72)),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if wait, err := takeTurn(path, now); err != nil || wait != 0 {
			t.Errorf("%s: waits %v, %v", name, wait, err)
		}
	}
	if _, err := takeTurn(filepath.Join(path, "below", "a", "file"), now); err == nil {
		t.Error("no error where there can be no file")
	}
}

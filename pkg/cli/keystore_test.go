package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/zalando/go-keyring"
)

func TestImpatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		release := make(chan struct{})
		_, err := withTimeout(t.Context(), keyringPatience, func() (string, error) { <-release; return "late", nil })
		if took := time.Since(start); err == nil || err.Error() != "no answer within 3s" || took != 3*time.Second {
			t.Errorf("%v after %v, want an error after 3s", err, took)
		}
		defer close(release)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := withTimeout(ctx, time.Hour, func() (string, error) { <-release; return "", nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
		if got, err := withTimeout(t.Context(), time.Hour, func() (string, error) { return "k", ErrNoKeyring }); got != "k" || err != ErrNoKeyring {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// The keyring of these tests is in memory.
func TestKeyStores(t *testing.T) {
	present := func() bool { return true }
	absent := func() bool { return false }
	dir := t.TempDir()
	for _, store := range []KeyStore{keyringStore{present}, fileStore{filepath.Join(dir, "keys")}} {
		keyring.MockInit()
		if _, err := store.Get(t.Context(), "h:1"); !errors.Is(err, ErrNoStoredKey) {
			t.Errorf("%s, empty: %v", store, err)
		}
		if err := store.Remove(t.Context(), "h:1"); !errors.Is(err, ErrNoStoredKey) {
			t.Errorf("%s, removing nothing: %v", store, err)
		}
		for _, key := range []string{"first", "second"} {
			if err := store.Set(t.Context(), "h:1", key); err != nil {
				t.Fatal(err)
			}
			if got, err := store.Get(t.Context(), "h:1"); got != key || err != nil {
				t.Errorf("%s: %q, %v; want %q", store, got, err, key)
			}
		}
		if _, err := store.Get(t.Context(), "../h:1"); !errors.Is(err, ErrNoStoredKey) {
			t.Errorf("%s, another host: %v", store, err)
		}
		if err := store.Remove(t.Context(), "h:1"); err != nil {
			t.Error(err)
		}
		if _, err := store.Get(t.Context(), "h:1"); !errors.Is(err, ErrNoStoredKey) {
			t.Errorf("%s, removed: %v", store, err)
		}
	}
	if _, err := (keyringStore{absent}).Get(t.Context(), "h"); !errors.Is(err, ErrNoKeyring) {
		t.Errorf("no keyring: %v", err)
	}
}

// A key goes to the keyring, or else to the file; the newest is the one found,
// wherever an older one is.
func TestNewestKeyWins(t *testing.T) {
	a := testApp(t)
	a.Style, a.ErrStyle = a.Styles("never")
	stores := []KeyStore{fileStore{filepath.Join(t.TempDir(), "keys")}, keyringStore{func() bool { return true }}}
	login := func(key string, keyringWorks bool) {
		t.Helper()
		if !keyringWorks {
			keyring.MockInitWithError(errors.New("locked"))
		}
		kept, err := a.KeepKey(t.Context(), "h", key, stores)
		if err != nil {
			t.Fatal(err)
		}
		if _, inKeyring := kept.(keyringStore); inKeyring != keyringWorks {
			t.Errorf("kept in %s", kept)
		}
		found, err := a.findKey(t.Context(), "h", stores)
		if err != nil || found.Value != key {
			t.Errorf("found %q, %v; want %q", found.Value, err, key)
		}
	}
	keyring.MockInit()
	login("one", true)
	login("two", false)
	keyring.MockInit() // unlocked again, with a key from before
	if err := keyring.Set(keyringService, "h", "one"); err != nil {
		t.Fatal(err)
	}
	if found, err := a.findKey(t.Context(), "h", stores); err != nil || found.Value != "two" {
		t.Errorf("found %q, %v; want the newer key", found.Value, err)
	}
	login("three", true)
	if _, err := stores[0].Get(t.Context(), "h"); !errors.Is(err, ErrNoStoredKey) {
		t.Errorf("an older key is left in the file: %v", err)
	}
	// A keyring that fails is named; one that is not there is not.
	keyring.MockInitWithError(errors.New("locked"))
	_, err := a.findKey(t.Context(), "h", stores)
	if want := "no API key for h; the keyring: locked"; fmt.Sprint(err) != want || !errors.Is(err, julian.ErrNoKey) {
		t.Errorf("%v, want %s", err, want)
	}
}

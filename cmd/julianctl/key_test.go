package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/zalando/go-keyring"
)

const canaryKey = "canary-7c1e/Key+%2"

// run runs one command line in an app of its own and returns the exit code and
// both streams.
func run(t *testing.T, env map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	a := testApp(t)
	a.in, a.out, a.err = strings.NewReader(stdin), newOutput(&out), newOutput(&err)
	a.env = func(name string) string { return env[name] }
	code = a.main(t.Context(), args)
	return code, out.String(), err.String()
}

// Whatever the API answers, and however much of the key it repeats, the key
// shows up in no output and in no file but the one that keeps it.
func TestKeyIsNeverShown(t *testing.T) {
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			key := r.Header.Get("X-Api-Key")
			w.Header().Set("Location", "/"+url.PathEscape(key)+"?key="+url.QueryEscape(key))
			w.Header().Set("Content-Type", "text/"+key)
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"error":%q,"message":"your key is %s, or %s"}`, key, key, url.QueryEscape(key))
		}
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		code    int // of sample
	}{
		{"ok", func(w http.ResponseWriter, _ *http.Request) { w.Write(julian.Sample()) }, 0},
		{"shape", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/credits/usage" {
				w.Write(julian.Sample())
				return
			}
			fmt.Fprintf(w, `{"organization":{"spentCredits":%q}}`, r.Header.Get("X-Api-Key"))
		}, 0},
		{"html", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "<b>%s", r.Header.Get("X-Api-Key")) }, 3},
		{"redirect", echo(302), 3},
		{"400", echo(400), 3},
		{"401", echo(401), 4},
		{"404", echo(404), 1},
		{"429", echo(429), 3},
		{"500", echo(500), 3},
		{"hang up", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprintf(conn, "%s nonsense\r\n\r\n", r.Header.Get("X-Api-Key"))
			conn.Close()
		}, 3},
		{"dead", nil, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tt.handler)
			defer srv.Close()
			if tt.handler == nil {
				srv.Close()
			}
			home := t.TempDir()
			timeout := "30s"
			if tt.code == exitUnable {
				timeout = "200ms" // nothing better comes of waiting
			}
			env := map[string]string{
				"HOME": home, "JULIAN_API_KEY": canaryKey, "JULIAN_BASE_URL": srv.URL,
				"JULIANCTL_KEY_STORE": "file", "JULIANCTL_TIMEOUT": timeout, "JULIAN_AGENT_ID": "agent.abc123",
			}
			for _, args := range [][]string{
				{"sample"},
				{"sample", "agent.one", "agent.two", "-o", filepath.Join(home, "out")},
				{"sample", "--check", "-o", filepath.Join(home, "one.json")},
				{"sample", "--api-key-file", "-"},
				{"auth", "status"},
				{"auth", "status", "--format", "json"},
				{"auth", "login"},
				{"config", "list", "--origin"},
				{"config", "list", "--format", "json"},
				{"auth", "status", "--api-key-file", "-"},
			} {
				code, stdout, stderr := run(t, env, canaryKey+"\n", args...)
				if args[0] == "sample" && code != tt.code {
					t.Errorf("%v: exit %d, want %d\n%s", args, code, tt.code, stderr)
				}
				for _, part := range []string{"canary", "7c1e"} {
					if strings.Contains(stdout+stderr, part) {
						t.Errorf("%v shows the key:\n%s%s", args, stdout, stderr)
					}
				}
			}
			var holders []string
			err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				data, err := os.ReadFile(path)
				if bytes.Contains(data, []byte("7c1e")) {
					rel, _ := filepath.Rel(home, path)
					holders = append(holders, filepath.Dir(rel))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if want := []string{filepath.Join(".config", "julianctl", "keys")}; !cmp.Equal(want, holders) {
				t.Errorf("the key is in %q, want %q only", holders, want)
			}
		})
	}
}

func TestImpatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		release := make(chan struct{})
		_, err := impatient(t.Context(), keyringPatience, func() (string, error) { <-release; return "late", nil })
		if took := time.Since(start); err == nil || err.Error() != "no answer within 3s" || took != 3*time.Second {
			t.Errorf("%v after %v, want an error after 3s", err, took)
		}
		defer close(release)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := impatient(ctx, time.Hour, func() (string, error) { <-release; return "", nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
		if got, err := impatient(t.Context(), time.Hour, func() (string, error) { return "k", errNoKeyring }); got != "k" || err != errNoKeyring {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// The keyring of these tests is in memory.
func TestKeyStores(t *testing.T) {
	present := func() bool { return true }
	absent := func() bool { return false }
	dir := t.TempDir()
	for _, store := range []keyStore{keyringStore{present}, fileStore{filepath.Join(dir, "keys")}} {
		keyring.MockInit()
		if _, err := store.get(t.Context(), "h:1"); !errors.Is(err, errNoStoredKey) {
			t.Errorf("%s, empty: %v", store, err)
		}
		if err := store.remove(t.Context(), "h:1"); !errors.Is(err, errNoStoredKey) {
			t.Errorf("%s, removing nothing: %v", store, err)
		}
		for _, key := range []string{"first", "second"} {
			if err := store.set(t.Context(), "h:1", key); err != nil {
				t.Fatal(err)
			}
			if got, err := store.get(t.Context(), "h:1"); got != key || err != nil {
				t.Errorf("%s: %q, %v; want %q", store, got, err, key)
			}
		}
		if _, err := store.get(t.Context(), "../h:1"); !errors.Is(err, errNoStoredKey) {
			t.Errorf("%s, another host: %v", store, err)
		}
		if err := store.remove(t.Context(), "h:1"); err != nil {
			t.Error(err)
		}
		if _, err := store.get(t.Context(), "h:1"); !errors.Is(err, errNoStoredKey) {
			t.Errorf("%s, removed: %v", store, err)
		}
	}
	if _, err := (keyringStore{absent}).get(t.Context(), "h"); !errors.Is(err, errNoKeyring) {
		t.Errorf("no keyring: %v", err)
	}
}

// A key goes to the keyring, or else to the file; the newest is the one found,
// wherever an older one is.
func TestNewestKeyWins(t *testing.T) {
	a := testApp(t)
	a.style, a.errStyle = a.styles("never")
	stores := []keyStore{fileStore{filepath.Join(t.TempDir(), "keys")}, keyringStore{func() bool { return true }}}
	login := func(key string, keyringWorks bool) {
		t.Helper()
		if !keyringWorks {
			keyring.MockInitWithError(errors.New("locked"))
		}
		kept, err := a.keepKey(t.Context(), "h", key, stores)
		if err != nil {
			t.Fatal(err)
		}
		if _, inKeyring := kept.(keyringStore); inKeyring != keyringWorks {
			t.Errorf("kept in %s", kept)
		}
		found, err := a.findKey(t.Context(), "h", stores)
		if err != nil || found.value != key {
			t.Errorf("found %q, %v; want %q", found.value, err, key)
		}
	}
	keyring.MockInit()
	login("one", true)
	login("two", false)
	keyring.MockInit() // unlocked again, with a key from before
	if err := keyring.Set(keyringService, "h", "one"); err != nil {
		t.Fatal(err)
	}
	if found, err := a.findKey(t.Context(), "h", stores); err != nil || found.value != "two" {
		t.Errorf("found %q, %v; want the newer key", found.value, err)
	}
	login("three", true)
	if _, err := stores[0].get(t.Context(), "h"); !errors.Is(err, errNoStoredKey) {
		t.Errorf("an older key is left in the file: %v", err)
	}
	// A keyring that fails is named; one that is not there is not.
	keyring.MockInitWithError(errors.New("locked"))
	_, err := a.findKey(t.Context(), "h", stores)
	if want := "no API key for h; the keyring: locked"; fmt.Sprint(err) != want || !errors.Is(err, julian.ErrNoKey) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestMockPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	code, stdout, stderr := run(t, nil, "", "mock", "--addr", ln.Addr().String())
	want := fmt.Sprintf("julianctl: --addr %q is taken by another program\nhint: --addr with port 0 takes any free port\n", ln.Addr())
	if code != exitUnable || stdout != "" || stderr != want {
		t.Errorf("exit %d, stdout %q, stderr %q; want 3 and %q", code, stdout, stderr, want)
	}
}

func TestLoopbackHost(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.8.8.8": true, "::1": true, "localhost": true, "LOCALHOST": true,
		"": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "localhost.example": false, "127.0.0.1.example": false,
	} {
		if got := loopbackHost(host); got != want {
			t.Errorf("%q: %t, want %t", host, got, want)
		}
	}
}

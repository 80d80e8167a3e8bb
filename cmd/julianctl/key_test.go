package main

import (
	"bytes"
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

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cli/clitest"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/terminal"
)

const canaryKey = "canary-7c1e/Key+%2"

// run runs one command line in an app of its own and returns the exit code and
// both streams.
func run(t *testing.T, env map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	a := clitest.App(t)
	a.In, a.Out, a.Err = strings.NewReader(stdin), terminal.NewOutput(&out), terminal.NewOutput(&err)
	a.Env = func(name string) string { return env[name] }
	code = root.Run(t.Context(), a, args)
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
			if tt.code == cli.ExitFailure {
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
				{"auth", "login", "--no-verify"},
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

func TestMockPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	code, stdout, stderr := run(t, nil, "", "mock", "--addr", ln.Addr().String())
	want := fmt.Sprintf("julianctl: --addr %q is taken by another program\nhint: --addr 127.0.0.1:0 takes any free port\n", ln.Addr())
	if code != cli.ExitFailure || stdout != "" || stderr != want {
		t.Errorf("exit %d, stdout %q, stderr %q; want 3 and %q", code, stdout, stderr, want)
	}
}

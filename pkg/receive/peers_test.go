package receive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/needs"
)

// oddBody is JSON that survives nothing but being left alone.
func oddBody() []byte {
	return []byte("{\"callId\" :\t\"call.pe\\u0065r\", \"x\": 1.0e+2,\r\n \"é\": \"日本\\ud83d\",\n\"pad\": \"" + strings.Repeat("0123456789abcdef", 4<<10) + "\" }\n")
}

// Senders of many kinds deliver byte for byte.
func TestPeers(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "body.json")
	if err := os.WriteFile(file, oddBody(), 0o600); err != nil {
		t.Fatal(err)
	}
	python := `
import sys, urllib.request
body = open(sys.argv[2], "rb").read()
request = urllib.request.Request(sys.argv[1], data=body, headers={"Content-Type": "application/json"})
print(urllib.request.urlopen(request).status)`
	chunked := `
import http.client, sys, urllib.parse
u = urllib.parse.urlsplit(sys.argv[1])
body = open(sys.argv[2], "rb").read()
c = http.client.HTTPConnection(u.netloc)
for i in range(2):
    c.request("POST", u.path, body=iter([body[:10], body[10:]]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    r = c.getresponse(); r.read()
print(r.status)`
	node := `
const body = require("fs").readFileSync(process.argv[2]);
fetch(process.argv[1], {method: "POST", body, headers: {"Content-Type": "application/json"}}).then(r => console.log(r.status));`
	tests := map[string]struct {
		program string
		args    []string // behind them: URL, file
		count   int
	}{
		"curl":            {"curl", []string{"-sS", "--noproxy", "*", "-o", os.DevNull, "-w", "%{http_code}\n", "--data-binary", "@" + file}, 1},
		"curl, HTTP/1.0":  {"curl", []string{"-sS", "--noproxy", "*", "--http1.0", "-o", os.DevNull, "-w", "%{http_code}\n", "--data-binary", "@" + file}, 1},
		"curl, chunked":   {"curl", []string{"-sS", "--noproxy", "*", "-H", "Transfer-Encoding: chunked", "-o", os.DevNull, "-w", "%{http_code}\n", "--data-binary", "@" + file}, 1},
		"curl, expects":   {"curl", []string{"-sS", "--noproxy", "*", "-H", "Expect: 100-continue", "-o", os.DevNull, "-w", "%{http_code}\n", "--data-binary", "@" + file}, 1},
		"python":          {"python3", []string{"-c", python}, 1},
		"python, chunked": {"python3", []string{"-c", chunked}, 2},
		"node":            {"node", []string{"-e", node}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := needs.Program(t, tt.program)
			r := run(t, Options{})
			args := append(slices.Clone(tt.args), r.url()+"hook")
			if tt.program != "curl" {
				args = append(args, file)
			}
			cmd := exec.CommandContext(t.Context(), path, args...)
			cmd.Env = append(cmd.Environ(), "no_proxy=*", "NO_PROXY=*")
			out, err := cmd.CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != "204" {
				t.Errorf("%s: %v", out, err)
			}
			r.whole(tt.count)
		})
	}
}

// whole ends the server and checks that it took so many odd bodies.
func (r *running) whole(n int) {
	r.t.Helper()
	seen := r.end()
	for _, d := range seen {
		if d.Refusal != "" || d.CallID != "call.peer" || !bytes.Equal(d.Body, oddBody()) {
			r.t.Errorf("%s %s from %q: %d bytes", d.Refusal, d.Reason, d.Header["User-Agent"], len(d.Body))
		}
	}
	if len(seen) != n {
		r.t.Errorf("%d of %d seen", len(seen), n)
	}
}

// nginx as a proxy in front, with its connections kept alive and without.
func TestBehindNginx(t *testing.T) {
	nginx, curl := needs.Program(t, "nginx"), needs.Program(t, "curl")
	for _, version := range []string{"1.0", "1.1"} {
		t.Run("HTTP/"+version, func(t *testing.T) {
			r := run(t, Options{})
			dir := t.TempDir()
			front := freePort(t)
			config := fmt.Sprintf(`
daemon off; master_process off; pid nginx.pid; error_log stderr crit; user root;
events {}
http {
  access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream back { server %s; keepalive 4; }
  server { listen %s; location / { proxy_pass http://back; proxy_http_version %s; proxy_set_header Connection ""; client_body_buffer_size 8k; } }
}`, r.addr, front, version)
			if os.Geteuid() != 0 {
				config = strings.Replace(config, "user root;", "", 1)
			}
			if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			proxy := exec.CommandContext(t.Context(), nginx, "-p", dir, "-e", "stderr", "-c", "nginx.conf")
			var said bytes.Buffer
			proxy.Stderr = &said
			if err := proxy.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = proxy.Process.Kill()
				_ = proxy.Wait() // it was killed
			}()
			body := filepath.Join(dir, "body.json")
			if err := os.WriteFile(body, oddBody(), 0o600); err != nil {
				t.Fatal(err)
			}
			const n = 3
			for i := range n {
				out, err := exec.CommandContext(t.Context(), curl, "-sS", "--noproxy", "*", "--retry", "20", "--retry-connrefused", "--retry-delay", "0", "--retry-max-time", "20",
					"-o", os.DevNull, "-w", "%{http_code}", "--data-binary", "@"+body, "http://"+front+"/hook").Output()
				if err != nil || string(out) != "204" {
					t.Fatalf("%d: %s, %v\n%s", i, out, err, said.String())
				}
			}
			r.whole(n)
		})
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// wrk, as loud as it can for a moment: all that it counts was seen.
func TestWrk(t *testing.T) {
	wrk := needs.Program(t, "wrk")
	script := filepath.Join(t.TempDir(), "post.lua")
	lua := fmt.Sprintf("wrk.method = \"POST\"\nwrk.body = %s\n", luaString(payload))
	if err := os.WriteFile(script, []byte(lua), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, Options{})
	out, err := exec.CommandContext(t.Context(), wrk, "-t1", "-c8", "-d1s", "-s", script, r.url()).CombinedOutput()
	if err != nil || strings.Contains(string(out), "Non-2xx") {
		t.Errorf("%s%v", out, err)
	}
	seen := r.end()
	counted := 0
	for line := range strings.Lines(string(out)) {
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "%d requests in", &counted); err == nil {
			break
		}
	}
	for _, d := range seen {
		if d.Acknowledged() && string(d.Body) != payload {
			t.Fatalf("saw %q", d.Body)
		}
	}
	if counted == 0 || len(seen) < counted {
		t.Errorf("%d seen, %d counted by wrk\n%s", len(seen), counted, out)
	}
}

func luaString(s string) string {
	quoted, _ := json.Marshal(s) // a string always can be
	return string(quoted)
}

// A sender that stays after its answer does not hold the end up.
func TestKeptAliveAtTheEnd(t *testing.T) { bothWays(t, testKeptAliveAtTheEnd) }

func testKeptAliveAtTheEnd(t *testing.T, netHTTP bool) {
	r := run(t, Options{netHTTP: netHTTP})
	conn := r.hang(strings.Replace(post("/"), "Connection: close\r\n", "", 1))
	readHead(t, conn)
	start := time.Now()
	if seen := r.end(); len(seen) != 1 || time.Since(start) > 3*time.Second {
		t.Errorf("%d seen after %s", len(seen), time.Since(start))
	}
}

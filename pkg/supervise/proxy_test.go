package supervise

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// passHook counts steps and lets all of them through.
type passHook struct {
	mu    sync.Mutex
	steps []string
}

func (h *passHook) Before(s *Step) Action { return Pass }

func (h *passHook) After(s *Step) Action {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.Ended.IsZero() {
		h.steps = append(h.steps, s.Text+" -> "+s.Answer)
	}
	return Pass
}

// listen accepts connections in place of what a consumer uses, and has each of
// them served until the test ends.
func listen(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// proxyTo is a proxy in front of addr until the test ends.
func proxyTo(t *testing.T, name, addr string, hook Hook) *Proxy {
	t.Helper()
	p, err := NewProxy(name, "127.0.0.1:0", addr, hook)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// connect is a connection of a consumer through a proxy.
func connect(t *testing.T, p *Proxy) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// say writes to a connection.
func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// conversation is what a consumer and a target say in turn, as bytes.
type conversation []struct{ says, answer string }

// talk has a consumer say its lines through a proxy to a target that answers
// them, and returns what the two received.
func talk(t *testing.T, hook Hook, lines conversation) (target, consumer string) {
	t.Helper()
	got := make(chan string, 1)
	addr := listen(t, func(conn net.Conn) {
		var all strings.Builder
		for _, l := range lines {
			part := make([]byte, len(l.says))
			n, err := io.ReadFull(conn, part)
			all.Write(part[:n])
			if err != nil {
				break
			}
			if _, err := io.WriteString(conn, l.answer); err != nil {
				break
			}
		}
		rest, _ := io.ReadAll(conn)
		all.Write(rest)
		got <- all.String()
	})
	conn := connect(t, proxyTo(t, "db", addr, hook))
	var all strings.Builder
	for _, l := range lines {
		say(t, conn, l.says)
		part := make([]byte, len(l.answer))
		n, err := io.ReadFull(conn, part)
		all.Write(part[:n])
		if err != nil {
			break
		}
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(conn)
	all.Write(rest)
	return <-got, all.String()
}

// pg is a message of PostgreSQL with a type.
func pg(kind byte, body string) string {
	n := len(body) + 4
	return string([]byte{kind, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + body
}

const (
	pgHello = "\x00\x00\x00\x17\x00\x03\x00\x00user\x00postgres\x00\x00"
	pgIdle  = "Z\x00\x00\x00\x05I"
	pgInTx  = "Z\x00\x00\x00\x05T"
)

func TestStepsOfProtocols(t *testing.T) {
	tests := map[string]struct {
		lines conversation
		steps []string
	}{
		"postgres, simple queries": {conversation{
			{pgHello, pg('R', "\x00\x00\x00\x00") + pgIdle},
			{pg('Q', "SELECT 1\x00"), pg('C', "SELECT 1\x00") + pgIdle},
			{pg('Q', "BEGIN\x00"), pg('C', "BEGIN\x00") + pgInTx},
			{pg('Q', "INSERT INTO a VALUES ('x', 12)\x00"), pg('C', "INSERT 0 1\x00") + pgInTx},
			{pg('Q', "COMMIT\x00"), pg('C', "COMMIT\x00") + pgIdle},
			{pg('Q', "-- ping\x00"), pg('I', "") + pgIdle},
		}, []string{"BEGIN -> BEGIN", "INSERT INTO a VALUES ('…', #) -> INSERT 0 1", "COMMIT -> COMMIT"}},
		"postgres, prepared statements": {conversation{
			{pgHello, pgIdle},
			{pg('P', "s1\x00INSERT INTO a VALUES ($1)\x00\x00\x00") + pg('S', ""), pg('1', "") + pgIdle},
			{pg('B', "\x00s1\x00\x00\x00") + pg('E', "\x00\x00\x00\x00\x00") + pg('S', ""), pg('2', "") + pg('C', "INSERT 0 1\x00") + pgIdle},
			{pg('B', "\x00s1\x00\x00\x00") + pg('E', "\x00\x00\x00\x00\x00") + pg('S', ""), pg('E', "SERROR\x00C23505\x00\x00") + pgIdle},
		}, []string{"INSERT INTO a VALUES (#) -> INSERT 0 1", "INSERT INTO a VALUES (#) -> ERROR 23505"}},
		"postgres, copy": {conversation{
			{pgHello, pgIdle},
			{pg('Q', "COPY a FROM STDIN\x00"), pg('G', "\x00\x00\x00")},
			{pg('d', "1\n") + pg('c', ""), pg('C', "COPY 1\x00") + pgIdle},
			{pg('Q', "SELECT 2 FROM a\x00"), pg('C', "SELECT 1\x00") + pgIdle},
		}, []string{"COPY a FROM STDIN -> COPY 1", "SELECT # FROM a -> SELECT 1"}},
		"redis": {conversation{
			{"*1\r\n$4\r\nPING\r\n", "+PONG\r\n"},
			{"*3\r\n$3\r\nSET\r\n$10\r\ncall:abc-1\r\n$1\r\n1\r\n", "+OK\r\n"},
			{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "$-1\r\n"},
			{"*1\r\n$5\r\nMULTI\r\n", "+OK\r\n"},
			{"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n", "+QUEUED\r\n"},
			{"*1\r\n$4\r\nEXEC\r\n", "*1\r\n:5\r\n"},
		}, []string{"SET call:# … -> OK", "GET k -> nil", "MULTI; INCR n; EXEC -> 1 value"}},
		"http": {conversation{
			{"POST /notes/12?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nabc"},
			{"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"},
			{"HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"},
			{"DELETE /c HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"},
		}, []string{"POST /notes/# -> 201", "PUT /a -> 200", "HEAD /b -> 200", "DELETE /c -> 204"}},
		"unknown": {conversation{
			{"hello there\n", "yes"},
			{"\x01\x02", "no"},
		}, []string{"hello there. -> answer", ". -> answer"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook := &passHook{}
			target, consumer := talk(t, hook, tt.lines)
			var says, answers strings.Builder
			for _, l := range tt.lines {
				says.WriteString(l.says)
				answers.WriteString(l.answer)
			}
			if d := cmp.Diff(says.String(), target); d != "" {
				t.Errorf("the target received other bytes:\n%s", d)
			}
			if d := cmp.Diff(answers.String(), consumer); d != "" {
				t.Errorf("the consumer received other bytes:\n%s", d)
			}
			hook.mu.Lock()
			defer hook.mu.Unlock()
			if d := cmp.Diff(tt.steps, hook.steps); d != "" {
				t.Error(d)
			}
		})
	}
}

// Commands that are sent without waiting are steps one after the other.
func TestPipeline(t *testing.T) {
	addr := listen(t, func(conn net.Conn) {
		lines := bufio.NewScanner(conn)
		for n := 0; lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "INCR") {
				n++
				_, _ = fmt.Fprintf(conn, ":%d\r\n", n)
			}
		}
	})
	hook := &passHook{}
	conn := connect(t, proxyTo(t, "cache", addr, hook))
	say(t, conn, "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*2\r\n$4\r\nINCR\r\n$1\r\nb\r\n")
	got := make([]byte, 8)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != ":1\r\n:2\r\n" {
		t.Errorf("%q, %v", got, err)
	}
	hook.mu.Lock()
	defer hook.mu.Unlock()
	if d := cmp.Diff([]string{"INCR a -> 1", "INCR b -> 2"}, hook.steps); d != "" {
		t.Error(d)
	}
}

func TestTLSIsRefused(t *testing.T) {
	received := make(chan string, 1)
	addr := listen(t, func(conn net.Conn) {
		got := make([]byte, len(pgHello))
		n, _ := io.ReadFull(conn, got)
		received <- string(got[:n])
	})
	conn := connect(t, proxyTo(t, "db", addr, &passHook{}))
	say(t, conn, "\x00\x00\x00\x08\x04\xd2\x16\x2f") // SSLRequest
	no := make([]byte, 1)
	if _, err := io.ReadFull(conn, no); err != nil || no[0] != 'N' {
		t.Fatalf("answer %q, %v", no, err)
	}
	say(t, conn, pgHello)
	if got := <-received; got != pgHello {
		t.Errorf("the target received %q", got)
	}
}

// FuzzProxy: whatever the two say, the bytes come out as they went in.
func FuzzProxy(f *testing.F) {
	f.Add([]byte(pgHello+pg('Q', "BEGIN\x00")), []byte(pgIdle+pgIdle))
	f.Add([]byte("*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), []byte("+PONG\r\n$-1\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\n\r\nrest"))
	f.Add([]byte("*3\r\n$99999999\r\n"), []byte("-ERR\r\n"))
	f.Add([]byte("\x00\x00\x00\x08\x00\x03\x00\x00Q\xff\xff\xff\xff"), []byte("Z\x00"))
	f.Add([]byte("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"), []byte("\x00"))
	f.Add([]byte("x"), []byte(""))
	f.Fuzz(func(t *testing.T, says, answer []byte) {
		if isPostgres(says) && bytes.Contains(says[:min(len(says), 8)], []byte{0x04, 0xd2, 0x16}) {
			t.Skip("a question for TLS is answered here")
		}
		target, consumer := talkOnce(t, says, answer)
		if !bytes.Equal(target, says) {
			t.Errorf("the target received %q, want %q", target, says)
		}
		if !bytes.Equal(consumer, answer) {
			t.Errorf("the consumer received %q, want %q", consumer, answer)
		}
	})
}

// talkOnce has the consumer say all it has and end its side, and the target then
// all that it has.
func talkOnce(t *testing.T, says, answer []byte) (target, consumer []byte) {
	got := make(chan []byte, 1)
	addr := listen(t, func(conn net.Conn) {
		_, _ = conn.Write(answer)
		all, _ := io.ReadAll(conn)
		got <- all
	})
	conn := connect(t, proxyTo(t, "db", addr, &passHook{}))
	say(t, conn, string(says))
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	consumer, _ = io.ReadAll(conn)
	return <-got, consumer
}

// TestHold holds a step before the target gets it, cuts one after its answer,
// and refuses connections.
func TestHold(t *testing.T) {
	received := make(chan string, 10)
	addr := listen(t, func(conn net.Conn) {
		buf := make([]byte, 1024)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			received <- string(buf[:n])
			_, _ = io.WriteString(conn, "+OK\r\n")
		}
	})
	rec := NewRecorder()
	p := proxyTo(t, "cache", addr, rec)
	dial := func() net.Conn {
		conn := connect(t, p)
		say(t, conn, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n")
		return conn
	}
	ok := make([]byte, 5)
	first := dial()
	if _, err := io.ReadFull(first, ok); err != nil {
		t.Fatal(err)
	}
	<-received
	point := rec.Steps()[0].Point

	rec.Begin()
	hold := rec.Hold(point, false)
	held := dial()
	<-hold.Hit()
	if rec.Rested() != 0 || len(received) != 0 {
		t.Error("the step is not held")
	}
	other := dial() // the second with that hash: another point
	if _, err := io.ReadFull(other, ok); err != nil {
		t.Fatal(err)
	}
	<-received
	rec.Release(hold, Pass)
	if _, err := io.ReadFull(held, ok); err != nil {
		t.Fatal(err)
	}
	<-received

	rec.Begin()
	lost := rec.Hold(point, true)
	cut := dial()
	<-lost.Hit()
	<-received // the target has done it
	rec.Release(lost, Cut)
	if n, err := cut.Read(ok); err == nil {
		t.Errorf("an answer of %d bytes came through", n)
	}

	p.Refuse()
	if _, err := io.ReadFull(held, ok); err == nil {
		t.Error("a connection survives a target that is down")
	}
	if conn, err := net.Dial("tcp", p.Addr()); err == nil {
		conn.Close()
		t.Error("a target that is down takes connections")
	}
	if err := p.Accept(); err != nil {
		t.Fatal(err)
	}
	rec.Begin()
	if _, err := io.ReadFull(dial(), ok); err != nil {
		t.Error(err)
	}
	<-received
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := rec.Quiet(ctx, time.Millisecond); err != nil {
		t.Error(err)
	}
}

func TestLoopbackOnly(t *testing.T) {
	if _, err := NewProxy("x", "0.0.0.0:0", "127.0.0.1:1", NewRecorder()); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("%v", err)
	}
}

func TestBlank(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT * FROM a WHERE id = 'it''s' AND n = 12":    "SELECT * FROM a WHERE id = '…' AND n = #",
		"INSERT INTO public.calls (a) VALUES ($1, 1.5e10)": "INSERT INTO public.calls (a) VALUES (#, #)",
		"call.julianctl-01ab:seen":                         "#:seen",
		"  a\n\tb ":                                        "a b",
		"'open":                                            "'…'",
		`SELECT E'it\'s secret', 'x'`:                      "SELECT E'…', '…'",
		`SELECT E'open\`:                                   "SELECT E'…'",
		"DO $$ it's secret; $$; SELECT $a$secret$a$, $1":   "DO '…'; SELECT '…', #",
		"SELECT $$open secret":                             "SELECT '…'",
		"$":                                                "$",
		"/calls/8f14e45f-ceea-467d/notes":                  "/calls/#/notes",
	} {
		if got := blank(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A name with a digit is no value.
func TestBlankSQL(t *testing.T) {
	for in, want := range map[string]string{
		"INSERT INTO leads2 (a1, b) VALUES ($1, 17, 1e5)":      "INSERT INTO leads2 (a1, b) VALUES (#, #, #)",
		`INSERT INTO "Seen2"("x1") VALUES (2)`:                 `INSERT INTO "Seen2"("x1") VALUES (#)`,
		"UPDATE crm2.leads_2025 SET n2 = n2+1 WHERE id = 4711": "UPDATE crm2.leads_2025 SET n2 = n2+# WHERE id = #",
		"SELECT t1.a FROM t1 LIMIT 10":                         "SELECT t1.a FROM t1 LIMIT #",
		"SAVEPOINT sp_1":                                       "SAVEPOINT #",
		"INSERT INTO tmp_1764450000 VALUES ('a1')":             "INSERT INTO # VALUES ('…')",
		"DROP TABLE t8f14e45f":                                 "DROP TABLE #",
	} {
		if got := blankSQL(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A value that is longer than what is kept hides nothing that comes after it.
func TestBlankLongValue(t *testing.T) {
	long := "INSERT INTO a VALUES ('" + strings.Repeat("x y ", 10*maxText) + "') ON CONFLICT DO NOTHING"
	if got, want := blank(long), "INSERT INTO a VALUES ('…') ON CONFLICT DO NOTHING"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestChanges(t *testing.T) {
	for statement, want := range map[string]bool{
		"SELECT * FROM a FOR UPDATE":                     false,
		"SELECT update_time FROM a":                      false,
		"WITH x AS (DELETE FROM a RETURNING 1) SELECT 1": true,
		"insert into a values (1)":                       true,
		"CALL book()":                                    true,
		"SET search_path = a":                            false,
		"PREPARE TRANSACTION 'x'":                        true,
	} {
		if got := changes(statement); got != want {
			t.Errorf("%q: %v", statement, got)
		}
	}
}

// How often a worker polls is measured while nobody asks the consumer for
// anything: the checks' own questions are noise, and say nothing of its pace.
func TestPauseIsTheWorkers(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	asked := time.Now()
	step := func(text string, after time.Duration) {
		s := &Step{Text: text, Point: Point{Hash: hashOf("database", text)}, Began: asked.Add(after)}
		if r.Before(s) != Pass || r.After(s) != Pass {
			t.Errorf("%q is not passed on", text)
		}
	}
	done := r.LearnNoise(false)
	step("SELECT count", 0)
	step("SELECT count", 500*time.Millisecond)
	done()
	done = r.LearnNoise(true)
	step("SELECT job", 600*time.Millisecond)
	step("SELECT job", 800*time.Millisecond)
	done()
	if got := r.Pause(); got != 200*time.Millisecond {
		t.Errorf("pause %s, want 200ms", got)
	}
	if len(r.noise) != 2 {
		t.Errorf("%d steps of noise, want 2", len(r.noise))
	}
}

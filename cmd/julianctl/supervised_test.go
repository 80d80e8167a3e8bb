//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/needs"
)

// supervisedRow is a consumer of testdata/consumers/supervised in one of its
// ways, and what check --exec has to find.
type supervisedRow struct {
	consumer string // of supervisedConsumers
	fault    string // or the way that is right
	// fails are the checks that must fail, and may those that chance decides. No
	// other one may fail or stay undecided.
	fails, may string
	gate       bool // a change has to pass it; the others run with JULIANCTL_LONG
}

func (r supervisedRow) String() string {
	if r.fault == "" {
		return r.consumer + "/unique-key"
	}
	return r.consumer + "/" + r.fault
}

var supervisedRows = []supervisedRow{
	// Right ones, of different kinds.
	{consumer: "flask", gate: true},
	{consumer: "flask", fault: "row-lock"},
	{consumer: "flask", fault: "serializable"},
	{consumer: "flask", fault: "outbox"},
	{consumer: "flask", fault: "queue"},
	{consumer: "flask", fault: "lease"},
	{consumer: "fastapi"},
	{consumer: "node"},
	{consumer: "node", fault: "one-statement", gate: true},
	{consumer: "node", fault: "lock"},
	{consumer: "express", gate: true},
	{consumer: "express", fault: "lock"},
	{consumer: "pgx", gate: true},
	{consumer: "sqlite", gate: true},
	// Wrong ones.
	{consumer: "flask", fault: "effect-then-marker", fails: "crash lost-answer interleaved replicas", gate: true},
	{consumer: "flask", fault: "marker-then-effect", fails: "crash lost-answer"},
	{consumer: "flask", fault: "look-then-insert", fails: "interleaved replicas", gate: true},
	{consumer: "flask", fault: "in-memory", fails: "restart crash lost-answer replicas sigterm", gate: true},
	{consumer: "flask", fault: "acknowledge-first", fails: "crash lost-answer database-down database-back"},
	{consumer: "flask", fault: "errors-are-fine", fails: "database-down lost-answer database-back"},
	{consumer: "flask", fault: "dead-pool", fails: "database-back lost-answer"},
	{consumer: "flask", fault: "no-dedupe", fails: "restart crash lost-answer interleaved replicas sigterm database-back"},
	{consumer: "flask", fault: "crm-forgotten", fails: "downstream-down crash lost-answer"},
	{consumer: "flask", fault: "lease-unchecked", fails: "crash lost-answer", may: "interleaved replicas sigterm"}, // a busy machine lets a lease run out,
	{consumer: "fastapi", fault: "two-transactions", fails: "crash lost-answer"},
	{consumer: "fastapi", fault: "background-task", fails: "crash lost-answer database-down"},
	{consumer: "node", fault: "autocommit", fails: "crash lost-answer interleaved replicas sigterm"},
	{consumer: "node", fault: "marker-autocommit", fails: "crash lost-answer sigterm"},
	{consumer: "node", fault: "process-mutex", fails: "replicas crash lost-answer sigterm", gate: true},
	{consumer: "node", fault: "retry-blindly", fails: "lost-answer interleaved replicas", gate: true},
	{consumer: "node", fault: "swallow", fails: "database-down lost-answer"},
	{consumer: "node", fault: "single-connection", fails: "database-back crash lost-answer sigterm"},
	{consumer: "express", fault: "no-key", fails: "restart crash lost-answer interleaved replicas sigterm database-back downstream-down"},
	{consumer: "express", fault: "marker-then-effect", fails: "crash lost-answer"},
	{consumer: "express", fault: "effect-then-marker", fails: "crash lost-answer interleaved replicas"},
	{consumer: "express", fault: "get-then-multi", fails: "interleaved replicas"},
	{consumer: "express", fault: "in-memory", fails: "restart crash lost-answer replicas sigterm"},
	{consumer: "express", fault: "tell-and-forget", fails: "downstream-down crash"},
	{consumer: "express", fault: "queue-in-memory", fails: "crash lost-answer sigterm database-down downstream-down"},
	{consumer: "express", fault: "no-dedupe", fails: "restart crash lost-answer interleaved replicas sigterm database-back"},
	{consumer: "pgx", fault: "swallow", fails: "database-down lost-answer database-back", gate: true},
	{consumer: "pgx", fault: "retry-effect", fails: "lost-answer"},
	{consumer: "sqlite", fault: "effect-then-marker", fails: "crash-files replicas"},
	{consumer: "sqlite", fault: "marker-then-effect", fails: "crash-files", gate: true},
	{consumer: "sqlite", fault: "rewrite", fails: "crash-files", may: "replicas"},
}

// supervisedConsumer is how a consumer is started.
type supervisedConsumer struct {
	needs []string
	exec  string
	flags []string
}

var supervisedConsumers = map[string]supervisedConsumer{
	"flask":   {[]string{"postgres", "gunicorn", "flask"}, "gunicorn --threads 16 -b 127.0.0.1:{port} flask_pg:app", []string{"--through", "DATABASE_URL"}},
	"fastapi": {[]string{"postgres", "fastapi"}, "/usr/bin/python3 -m uvicorn --port {port} --log-level warning fastapi_pg:app", []string{"--through", "DATABASE_URL"}},
	"node":    {[]string{"postgres", "pg"}, "node node_pg.cjs", []string{"--through", "DATABASE_URL"}},
	"express": {[]string{"redis-server", "express"}, "node express_redis.cjs", []string{"--through", "REDIS_URL"}},
	"pgx":     {[]string{"postgres", "pgx"}, "go_pgx", []string{"--through", "DATABASE_URL"}},
	"sqlite":  {[]string{"go"}, "go_sqlite", nil},
}

// TestSupervisedConsumers checks consumers on the real things: PostgreSQL and
// Redis, which it starts, drivers and servers as people use them. The faults are
// found by the checks that are named for them, and right ones give no alarm.
// JULIANCTL_SUPERVISED_RUNS is how often each is checked (3), and
// JULIANCTL_SUPERVISED_AT_ONCE how many at a time. Most of the time goes by
// waiting, so that is more than there are cores (6).
func TestSupervisedConsumers(t *testing.T) {
	t.Parallel()
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
			return n
		}
		return otherwise
	}
	runs := number("JULIANCTL_SUPERVISED_RUNS", 3)
	s := &services{t: t, dir: filepath.Join("..", "..", "testdata", "consumers", "supervised"), programs: t.TempDir()}
	if raced {
		runs = 1
	}
	turns := make(chan struct{}, number("JULIANCTL_SUPERVISED_AT_ONCE", 6))
	var running sync.WaitGroup
	for run := range runs {
		for _, row := range supervisedRows {
			if !row.gate && os.Getenv("JULIANCTL_LONG") == "" {
				continue
			}
			turns <- struct{}{}
			running.Go(func() {
				defer func() { <-turns }()
				t.Run(fmt.Sprintf("%s/%d", row, run+1), func(t *testing.T) { s.check(t, row) })
			})
		}
	}
	running.Wait()
}

// check runs the group crashes against one consumer.
func (s *services) check(t *testing.T, row supervisedRow) {
	c := supervisedConsumers[row.consumer]
	env := append(os.Environ(), "FAULT="+row.fault, "HOME="+t.TempDir(), "JULIANCTL_LOG=off", "FOLDER="+t.TempDir())
	for _, need := range c.needs {
		env = append(env, s.need(t, need)...)
	}
	flags := c.flags
	// What tells the CRM of calls; for others a stand-in would be undecided.
	tells := strings.HasPrefix(row.fault, "crm-") || row.fault == "outbox"
	if row.consumer == "express" {
		tells = slices.Contains([]string{"", "lock", "no-key", "tell-and-forget", "queue-in-memory"}, row.fault)
	}
	if tells {
		flags = append(slices.Clone(flags), "--spy", "CRM_URL")
	}
	settle := "500ms"
	if row.fault == "lease-unchecked" {
		settle = "3s" // the lease is over then, and the work done again
	}
	args := append([]string{
		"check", "--config", os.DevNull, "--exec", c.exec, "--to", "/webhook", "--only", "crashes", "--format", "json", "--settle", settle,
		"--probe-url", "http://127.0.0.1:{port}/calls/{callId}/count",
	}, flags...)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "julianctl", args...)
	cmd.Dir, cmd.Env = s.dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	want := map[string]string{}
	for id := range strings.FieldsSeq(row.fails) {
		want[id] = "FAIL"
	}
	got := map[string]string{}
	var said []string
	for line := range bytes.Lines(out.Bytes()) {
		var r struct {
			Kind, ID, Verdict, Message string
			Details                    []string
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if r.Kind != "check" || r.Verdict == "PASS" || r.Verdict == "SKIP" || r.Verdict == "WARN" {
			continue
		}
		said = append(said, fmt.Sprintf("%s %s: %s %s", r.Verdict, r.ID, r.Message, r.Details))
		if r.Verdict != "FAIL" || want[r.ID] != "" || !slices.Contains(strings.Fields(row.may), r.ID) {
			got[r.ID] = r.Verdict
		}
	}
	if out.Len() == 0 {
		t.Fatalf("%v: %s", err, errs.String())
	}
	load, _ := os.ReadFile("/proc/loadavg") // an error: another system
	t.Logf("%.1f s, load %.4s", time.Since(began).Seconds(), load)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("verdicts (-want +got):\n%s\n%s\n%s", d, strings.Join(said, "\n"), errs.String())
	}
	wantCode := 0
	if len(want) > 0 {
		wantCode = 1
	}
	if code := cmd.ProcessState.ExitCode(); code != wantCode && len(got) == len(want) {
		t.Errorf("exit code %d, want %d", code, wantCode)
	}
}

// services are what consumers stand on, started when the first one needs it.
type services struct {
	t        *testing.T // of all: it ends them
	dir      string
	programs string // folder for what is built

	mu  sync.Mutex
	got map[string]func(*testing.T) ([]string, error)
}

// errAbsent says that something is not installed.
var errAbsent = errors.New("is not installed")

// need makes sure of one thing and returns what to add to the environment. The
// test skips where it is not to be had, and fails where JULIANCTL_NEEDS says
// that it is.
func (s *services) need(t *testing.T, what string) []string {
	t.Helper()
	s.mu.Lock()
	if s.got == nil {
		s.got = map[string]func(*testing.T) ([]string, error){}
	}
	if s.got[what] == nil {
		s.got[what] = s.start(what)
	}
	get := s.got[what]
	s.mu.Unlock()
	env, err := get(t)
	if errors.Is(err, errAbsent) {
		needs.Missing(t, what, err.Error())
	}
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return env
}

// start returns what gives each test its share of a service.
func (s *services) start(what string) func(*testing.T) ([]string, error) {
	same := func(get func() ([]string, error)) func(*testing.T) ([]string, error) {
		once := sync.OnceValues(get)
		return func(*testing.T) ([]string, error) { return once() }
	}
	switch what {
	case "postgres":
		start := sync.OnceValues(s.postgres)
		return func(t *testing.T) ([]string, error) {
			server, err := start()
			if err != nil {
				return nil, err
			}
			return server.fresh(t)
		}
	case "redis-server":
		return same(s.redis)
	case "pg", "express":
		return same(func() ([]string, error) {
			out, err := exec.Command("node", "-e", "for (const m of process.argv.slice(1)) require(m)", what).CombinedOutput()
			if err != nil {
				return nil, fmt.Errorf("%w: %.200s", errAbsent, out)
			}
			return nil, nil
		})
	case "fastapi", "flask":
		modules := map[string]string{"fastapi": "import fastapi, psycopg, uvicorn", "flask": "import flask, psycopg2"}[what]
		return same(func() ([]string, error) {
			if out, err := exec.Command("/usr/bin/python3", "-c", modules).CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%w: %.200s", errAbsent, out)
			}
			return nil, nil
		})
	case "go":
		return same(func() ([]string, error) {
			return s.build("go_sqlite", "./"+filepath.ToSlash(filepath.Join(s.dir, "go_sqlite")), "")
		})
	case "pgx":
		return same(func() ([]string, error) {
			dir := filepath.Join(s.dir, "go_pgx")
			list := exec.Command("go", "list", "-deps", ".")
			list.Dir, list.Env = dir, append(os.Environ(), "GOPROXY=off") // a test downloads nothing
			if out, err := list.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%w: %.200s", errAbsent, out)
			}
			return s.build("go_pgx", ".", dir)
		})
	}
	return same(func() ([]string, error) {
		if _, err := exec.LookPath(what); err != nil {
			return nil, errAbsent
		}
		return nil, nil
	})
}

// build makes a program of a Go package, in a folder that PATH has then.
func (s *services) build(name, pkg, dir string) ([]string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, errAbsent
	}
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(s.programs, name), pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return []string{"PATH=" + s.programs + string(filepath.ListSeparator) + os.Getenv("PATH")}, nil
}

func (s *services) redis() ([]string, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errAbsent
	}
	port, err := unusedPort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", s.t.TempDir())
	return []string{"REDIS_URL=redis://127.0.0.1:" + port}, s.run(cmd, port, syscall.SIGTERM)
}

// postgresServer is a PostgreSQL server of the test's own.
type postgresServer struct {
	bin, port string
	mu        sync.Mutex
	databases int
}

// postgres starts one. It does not run as root, so the user postgres has it
// then.
func (s *services) postgres() (*postgresServer, error) {
	var bin string
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin"); err == nil && len(found) > 0 {
		bin = found[len(found)-1]
	} else if path, err := exec.LookPath("initdb"); err == nil {
		bin = filepath.Dir(path)
	} else {
		return nil, errAbsent
	}
	folder, err := os.MkdirTemp("", "julianctl-postgres")
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(func() { os.RemoveAll(folder) })
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		who, err := user.Lookup("postgres")
		if err != nil {
			return nil, errAbsent
		}
		uid, uidErr := strconv.ParseUint(who.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(who.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr, os.Chown(folder, int(uid), int(gid))); err != nil {
			return nil, err
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "--no-sync", "--auth=trust", "--username=postgres", "--no-locale", "--encoding=UTF8", "-D", data)
	initdb.Dir, initdb.SysProcAttr = folder, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := unusedPort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-k", folder,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=300", "-c", "autovacuum=off")
	cmd.Dir, cmd.SysProcAttr = folder, attr
	if err := s.run(cmd, port, syscall.SIGQUIT); err != nil {
		return nil, err
	}
	p := &postgresServer{bin: bin, port: port}
	tables, err := os.ReadFile(filepath.Join(s.dir, "pg.sql"))
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
		// It may accept connections before it serves.
		if err = p.sql("template1", string(tables)); err == nil || time.Now().After(end) {
			return p, err
		}
	}
}

// fresh is a database of the test's own.
func (p *postgresServer) fresh(t *testing.T) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.databases++
	name := fmt.Sprintf("consumer%d", p.databases)
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if err := p.sql("postgres", "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return []string{"DATABASE_URL=postgres://postgres@127.0.0.1:" + p.port + "/" + name}, p.sql("postgres", "CREATE DATABASE "+name)
}

func (p *postgresServer) sql(database, text string) error {
	out, err := exec.Command(filepath.Join(p.bin, "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", p.port, "-U", "postgres", "-c", text, database).CombinedOutput()
	if err != nil {
		return fmt.Errorf("psql: %w: %s", err, out)
	}
	return nil
}

// run starts a server and waits until its port accepts connections. The signal
// ends it when the test does.
func (s *services) run(cmd *exec.Cmd, port string, end syscall.Signal) error {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(end) // an error: it has ended
		<-gone
	})
	for limit := time.Now().Add(30 * time.Second); ; <-time.After(10 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-gone:
			gone <- err
			return fmt.Errorf("ended: %w: %s", err, said.String())
		default:
		}
		if time.Now().After(limit) {
			return err
		}
	}
}

func unusedPort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// The table has what it should: right and wrong ones, and every check of the
// group has a consumer that it is named for.
func TestSupervisedTable(t *testing.T) {
	t.Parallel()
	right, wrong, gate := 0, 0, 0
	found := map[string]int{}
	for _, row := range supervisedRows {
		if row.fails == "" {
			right++
		} else {
			wrong++
			found[strings.Fields(row.fails)[0]]++
		}
		if row.gate {
			gate++
		}
	}
	if right < 12 || wrong < 16 || gate < 9 {
		t.Errorf("%d right ones, %d wrong ones, %d in the gate", right, wrong, gate)
	}
	for _, id := range []string{"restart", "crash", "lost-answer", "interleaved", "replicas", "database-down", "database-back", "downstream-down", "crash-files"} {
		if found[id] == 0 {
			t.Errorf("no consumer for %s; there are %v", id, slices.Sorted(maps.Keys(found)))
		}
	}
}

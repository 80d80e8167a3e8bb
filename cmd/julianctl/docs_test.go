//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// docBlock is a fenced block of a document. Marks are comments that stand before
// its fence, such as <!-- exit: 3 -->.
type docBlock struct {
	line                    int
	section, kind, file     string
	text                    string
	exit                    int
	name, printedBy, notRun string
	needs                   []string // of the section
}

var docMark = regexp.MustCompile(`^<!-- ([a-z ]+): (.*) -->$`)

// docBlocks reads the blocks of a document.
func docBlocks(t *testing.T, document string) (blocks []docBlock) {
	t.Helper()
	var next docBlock
	var needs []string
	section, inside := "", false
	for i, line := range strings.Split(document, "\n") {
		mark := docMark.FindStringSubmatch(line)
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case inside && isFence:
			inside = false
			blocks = append(blocks, next)
			next = docBlock{}
		case inside:
			next.text += line + "\n"
		case isFence:
			next.kind, next.file, _ = strings.Cut(fence, " ")
			next.line, next.section, next.needs, inside = i+1, section, needs, true
		case strings.HasPrefix(line, "#"):
			section, needs = strings.TrimLeft(line, "# "), nil
		case mark == nil:
		case mark[1] == "needs":
			needs = strings.Fields(mark[2])
		case mark[1] == "exit":
			next.exit, _ = strconv.Atoi(mark[2])
		case mark[1] == "name":
			next.name = mark[2]
		case mark[1] == "printed by":
			next.printedBy = mark[2]
		case mark[1] == "not run":
			next.notRun = mark[2]
		default:
			t.Errorf("line %d: unknown mark %q", i+1, mark[1])
		}
	}
	return blocks
}

// The README's commands are typed one after the other in one folder, its files
// are written, its changes made, and what it says is printed is printed. What
// .ci/run does, and what the network is needed for, is counted.
func TestDocsInOrder(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not here")
	}
	readme := filepath.Join("..", "..", "README.md")
	document, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	s := &services{t: t, dir: filepath.Join("..", "..", "testdata", "consumers", "supervised"), programs: t.TempDir()}
	dir, home := t.TempDir(), t.TempDir()
	testdata, err := filepath.Abs(filepath.Join("..", "..", "testdata"))
	if err == nil {
		err = os.Symlink(testdata, filepath.Join(dir, "testdata"))
	}
	port, portErr := unusedPort()
	if err != nil || portErr != nil {
		t.Fatal(err, portErr)
	}
	own := strings.NewReplacer("listen &", "listen --addr 127.0.0.1:"+port+" &", "4040", port)
	env := append(os.Environ(), "HOME="+home, "XDG_STATE_HOME=", "XDG_CONFIG_HOME=", "JULIANCTL_LOG=", "CI=")

	blocks := docBlocks(t, string(document))
	var commands []string // of .ci/run
	named := map[string]string{}
	typed, shown, omitted, output := 0, 0, 0, ""
	for i := 0; i < len(blocks); {
		section := blocks[i].section
		first := i
		for i < len(blocks) && blocks[i].section == section {
			i++
		}
		t.Run(section, func(t *testing.T) {
			env := env
			for _, need := range blocks[first].needs {
				env = append(env, s.need(t, need)...)
			}
			for _, b := range blocks[first:i] {
				at := fmt.Sprintf("README.md:%d", b.line)
				switch {
				case b.notRun != "":
					omitted++
				case b.kind == "sh" && len(commands) < 2:
					commands = append(commands, b.text)
				case b.kind == "sh":
					typed++
					output = runBlock(t, at, bash, dir, own.Replace(b.text), b.exit, env)
					named[b.name] = output
					if strings.Contains(b.text, " &") {
						awaitPort(t, port)
					}
				case b.kind == "text" && b.printedBy != "":
					continue // below
				case b.kind == "text":
					shown++
					mustShow(t, at, own.Replace(b.text), output)
				case b.kind == "diff":
					change(t, at, filepath.Join(dir, b.file), b.text)
				case b.file != "":
					if err := os.WriteFile(filepath.Join(dir, b.file), []byte(b.text), 0o600); err != nil {
						t.Fatal(err)
					}
				default:
					t.Errorf("%s: a block %q that nobody tries", at, b.kind)
				}
			}
		})
	}
	for _, b := range blocks {
		if output, ran := named[b.printedBy]; b.printedBy != "" && ran {
			shown++
			mustShow(t, fmt.Sprintf("README.md:%d", b.line), b.text, output)
		}
	}
	if want := []string{"go run ./cmd/julianctl demo\n", "go test ./...\n"}; len(commands) != 2 || commands[0] != want[0] || commands[1] != want[1] {
		t.Errorf("the first commands are %q, want %q", commands, want)
	}
	if omitted > 1 || typed < 6 || shown < 2 {
		t.Errorf("%d blocks were typed, %d looked at, %d left out", typed, shown, omitted)
	}
}

// runBlock types a block into a shell of its own, which stops at the first
// command that fails, and returns all that was printed. What it starts in the
// background ends with the test.
func runBlock(t *testing.T, at, bash, dir, text string, exit int, env []string) string {
	t.Helper()
	for _, e := range env {
		if url, ok := strings.CutPrefix(e, "DATABASE_URL="); ok {
			text = strings.ReplaceAll(text, "postgres://postgres@127.0.0.1:5432/test", url)
		}
	}
	// A file and no pipe: what runs on in the background would keep a pipe open.
	printed, err := os.Create(filepath.Join(t.TempDir(), "printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	cmd := exec.Command(bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", text)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, printed, printed
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(5*time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	_ = cmd.Wait() // its code is looked at
	late.Stop()
	if strings.Contains(text, " &") {
		t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) })
	}
	content, err := os.ReadFile(printed.Name())
	if err != nil {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != exit {
		t.Errorf("%s: exit code %d, want %d\n%s\n%s", at, code, exit, text, content)
	}
	return string(content)
}

// awaitPort waits until something accepts connections there.
func awaitPort(t *testing.T, port string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

var (
	digits = regexp.MustCompile(`[0-9]+([.,][0-9]+)*( to [0-9]+)?`)
	unit   = regexp.MustCompile(`#(ns|µs|ms|s)\b`)
)

// bare is text without what changes from run to run: figures, the unit of a
// time, and where a line is folded.
func bare(text string) string {
	text = unit.ReplaceAllString(digits.ReplaceAllString(text, "#"), "#")
	return strings.Join(strings.Fields(text), "")
}

// mustShow holds what a document says is printed against what was: every line of
// it is there. A line may be cut short with "…", as the program does it.
func mustShow(t *testing.T, at, want, got string) {
	t.Helper()
	printed := bare(got)
	for line := range strings.Lines(want) {
		rest, missing := printed, false
		for i, part := range strings.Split(bare(line), "…") {
			if runes := []rune(part); i == 0 && strings.Contains(line, "…") {
				part = string(runes[:max(len(runes)/2, len(runes)-8)]) // the place of the cut depends on the widths
			}
			_, after, found := strings.Cut(rest, part)
			rest, missing = after, missing || !found
		}
		if missing {
			t.Errorf("%s: not printed: %s\nbut this:\n%s", at, line, got)
			return
		}
	}
}

// change does to a file what a block of lines with - and + says.
func change(t *testing.T, at, path, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed, before, after := string(content), "", ""
	apply := func() {
		if before != "" && strings.Count(changed, before) != 1 {
			t.Errorf("%s: not once in the file:\n%s", at, before)
		}
		changed = strings.Replace(changed, before, after, 1)
		before, after = "", ""
	}
	for line := range strings.Lines(text) {
		switch line[0] {
		case '-':
			if after != "" {
				apply()
			}
			before += line[1:]
		case '+':
			after += line[1:]
		}
	}
	apply()
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

var recipe = regexp.MustCompile("(?m)^\\| (.*) \\| `--probe (\"[^`]*\")` \\|$")

// The probes that the documents offer count: one for a call that is stored, none
// for another.
func TestDocsProbes(t *testing.T) {
	t.Parallel()
	s := &services{t: t, dir: filepath.Join("..", "..", "testdata", "consumers", "supervised"), programs: t.TempDir()}
	kinds := map[string]struct{ needs, fill string }{
		"PostgreSQL":       {"postgres psql", `psql -q "$DATABASE_URL" -c "create table if not exists calls (call_id text)" -c "delete from calls" -c "insert into calls values ('call.1')"`},
		"SQLite":           {"sqlite3", `sqlite3 calls.db "create table calls (call_id); insert into calls values ('call.1')"`},
		"Redis":            {"redis-server redis-cli", `redis-cli del calls:call.1; redis-cli rpush calls:call.1 x`},
		"Redis, a list":    {"redis-server redis-cli", `redis-cli del calls:call.1; redis-cli rpush calls:call.1 x`},
		"Redis, a counter": {"redis-server redis-cli", `redis-cli set processed:call.1 1`},
		"a file of lines":  {"grep", `printf 'call.0 x\ncall.1 y\n' > calls.log`},
		"MySQL":            {}, // no server in a test
	}
	tried := 0
	for name, text := range documents(t) {
		for _, row := range recipe.FindAllStringSubmatch(text, -1) {
			k, known := kinds[strings.TrimPrefix(row[1], "the call ends up in ")]
			if !known {
				t.Errorf("%s: nothing tries the probe of %s", name, row[1])
			}
			if k.needs == "" {
				continue
			}
			tried++
			t.Run(name+"/"+row[1], func(t *testing.T) {
				env := os.Environ()
				for need := range strings.FieldsSeq(k.needs) {
					env = append(env, s.need(t, need)...)
				}
				port := ""
				for _, e := range env {
					if url, ok := strings.CutPrefix(e, "REDIS_URL=redis://127.0.0.1:"); ok {
						port = url
					}
				}
				dir := t.TempDir()
				shell := func(text string) string {
					cmd := exec.Command("sh", "-ec", strings.ReplaceAll(text, "redis-cli", "redis-cli -p "+port))
					cmd.Dir, cmd.Env = dir, env
					out, err := cmd.CombinedOutput()
					if err != nil {
						t.Fatalf("%s: %v\n%s", text, err, out)
					}
					return strings.TrimSpace(string(out))
				}
				shell(k.fill)
				probe := strings.ReplaceAll(row[2], `\|`, "|") // as a table writes it
				for id, want := range map[string]string{"call.1": "1", "call.2": "0"} {
					// The shell takes the outer quotes away, check those inside.
					if got := shell("eval " + strings.ReplaceAll(probe, "{callId}", id)); got != want {
						t.Errorf("%s prints %q for %s, want %s", probe, got, id, want)
					}
				}
			})
		}
	}
	if tried < 8 {
		t.Errorf("found only %d probes", tried)
	}
}

//go:build unix

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// archiveOf is an archive of a release whose program is this script.
func archiveOf(t *testing.T, script string) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	files := tar.NewWriter(packed)
	for name, text := range map[string]string{"LICENSE": "MIT\n", "julianctl": script} {
		err := files.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))})
		if err == nil {
			_, err = files.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(files.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// programs looks for what a test needs, as services.need does.
func programs(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if slices.Contains(strings.Split(os.Getenv("JULIANCTL_NEEDS"), ","), name) {
			t.Fatalf("%s is not here", name)
		}
		t.Skipf("%s is not here", name)
	}
}

// The action takes a release that is right, builds with Go where there is none, and
// ends where what it got is wrong.
func TestActionInstalls(t *testing.T) {
	t.Parallel()
	programs(t, "bash", "curl", "tar", "awk")
	name := fmt.Sprintf("julianctl_1.2.3_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	archive := archiveOf(t, "#!/bin/sh\necho from the release\n")
	right := fmt.Sprintf("%x  %s\n", sha256.Sum256(archive), name)
	script, err := filepath.Abs(filepath.Join("..", "..", ".github", "actions", "check", "install"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, version string
		checksums     string // empty: there is no release
		attested      bool
		without       string // a program that is not there
		code          int
		prints        string // by julianctl; empty: it is not installed
		says          string
	}{
		{"latest", "latest", right, true, "", 0, "from the release", "installed julianctl v1.2.3"},
		{"a tag", "v1.2.3", right, true, "", 0, "from the release", "installed julianctl v1.2.3"},
		{"no gh", "latest", right, true, "gh", 0, "from the release", "::warning::without gh"},
		{"no such tag", "v9.9.9", right, true, "", 0, "from Go, @v9.9.9", "no release v9.9.9 was found: building it with Go"},
		{"no release", "latest", "", true, "", 0, "from Go, @latest", "no release was found: building it with Go"},
		{"no release, no Go", "latest", "", true, "go", 2, "", "::error::no release was found, and there is no Go"},
		{"other bytes", "latest", strings.Repeat("0", 64) + "  " + name + "\n", true, "", 2, "", "::error::" + name + " is not what its checksum says"},
		{"not in the checksums", "latest", right[:66] + "x" + name + "\n", true, "", 2, "", "do not name " + name},
		{"no provenance", "latest", right, false, "", 2, "", "has no provenance"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case tt.checksums == "":
					http.NotFound(w, r)
				case r.URL.Path == "/latest":
					http.Redirect(w, r, "/tag/v1.2.3", http.StatusFound)
				case r.URL.Path == "/tag/v1.2.3":
				case r.URL.Path == "/download/v1.2.3/checksums.txt":
					fmt.Fprint(w, strings.Repeat("1", 64)+"  another\n"+tt.checksums)
				case r.URL.Path == "/download/v1.2.3/"+name:
					_, _ = w.Write(archive)
				default:
					http.NotFound(w, r)
				}
			}))
			defer srv.Close()
			dir := t.TempDir()
			// A path on which julianctl is not, and gh and go are these.
			path := filepath.Join(dir, "path")
			scripts := map[string]string{
				"gh": fmt.Sprintf("#!/bin/sh\n[ \"$1 $2\" = 'attestation verify' ] && [ -f \"$3\" ] && %t\n", tt.attested),
				"go": "#!/bin/sh\n[ \"$1\" = install ] && mkdir -p \"$GOBIN\" && printf '#!/bin/sh\\necho from Go, @%s\\n' \"${2#*@}\" >\"$GOBIN/julianctl\" && chmod +x \"$GOBIN/julianctl\"\n",
			}
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, tool := range []string{"bash", "sh", "curl", "tar", "gzip", "awk", "uname", "mktemp", "rm", "mkdir", "chmod", "cat", "sha256sum", "shasum", "perl"} {
				if found, err := exec.LookPath(tool); err == nil {
					if err := os.Symlink(found, filepath.Join(path, tool)); err != nil {
						t.Fatal(err)
					}
				}
			}
			for tool, text := range scripts {
				if tool == tt.without {
					continue
				}
				if err := os.WriteFile(filepath.Join(path, tool), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("bash", "--noprofile", "--norc", script)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + path, "HOME=" + dir, "RUNNER_TEMP=" + dir, "GITHUB_PATH=" + filepath.Join(dir, "added"), "GH_TOKEN=x", "VERSION=" + tt.version, "RELEASES=" + srv.URL}
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != tt.code || !strings.Contains(string(out), tt.says) {
				t.Errorf("exit %d, want %d and %q\n%s", code, tt.code, tt.says, out)
			}
			added, _ := os.ReadFile(filepath.Join(dir, "added"))
			if tt.prints == "" {
				if len(added) > 0 {
					t.Errorf("%s was added to the path", added)
				}
				return
			}
			printed, err := exec.Command(filepath.Join(strings.TrimSpace(string(added)), "julianctl")).CombinedOutput()
			if got := strings.TrimSpace(string(printed)); got != tt.prints {
				t.Errorf("julianctl prints %q, want %q (%v)\n%s", got, tt.prints, err, out)
			}
		})
	}
}

// The npm packages are made of a release's archives and installed from files: the
// program of this platform runs, with its arguments, exit code and signals.
func TestNPMPackages(t *testing.T) {
	t.Parallel()
	programs(t, "bash", "node", "npm", "tar")
	dir := t.TempDir()
	archives := filepath.Join(dir, "archives")
	if err := os.Mkdir(archives, 0o700); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n[ \"$1\" != wait ] || { trap 'echo stopped; exit 130' TERM; echo waiting; while :; do sleep 0.1; done; }\necho \"$#: $*\"\nexit 3\n"
	for _, platform := range []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"} {
		if err := os.WriteFile(filepath.Join(archives, "julianctl_1.2.3_"+platform+".tar.gz"), archiveOf(t, script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(dir string, words ...string) (string, int) {
		t.Helper()
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "npm_config_update_notifier=false", "npm_config_audit=false", "npm_config_fund=false", "npm_config_fetch_retries=0")
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	pack, err := filepath.Abs(filepath.Join("..", "..", ".github", "npm", "pack"))
	if err != nil {
		t.Fatal(err)
	}
	if out, code := run(dir, pack, archives, filepath.Join(dir, "packages")); code != 0 {
		t.Fatal(out)
	}
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	platform := runtime.GOOS + "-" + arch
	user := filepath.Join(dir, "user")
	if err := os.Mkdir(user, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, code := run(user, "npm", "install", "--offline", "--no-save", "../packages/julianctl-"+platform+"-1.2.3.tgz", "../packages/julianctl-1.2.3.tgz"); code != 0 {
		t.Fatal(out)
	}
	if out, code := run(user, "npx", "--offline", "julianctl", "check", "--to", "a b"); code != 3 || out != "3: check --to a b\n" {
		t.Errorf("exit %d: %s", code, out)
	}
	// What stops the wrapper stops the program, which says how it ended.
	cmd := exec.Command("node", filepath.Join(user, "node_modules", "julianctl", "bin", "julianctl.js"), "wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	line := make([]byte, len("waiting\n"))
	if _, err := stdout.Read(line); err != nil || string(line) != "waiting\n" {
		t.Errorf("printed %q, %v", line, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	rest := make([]byte, 100)
	n, _ := stdout.Read(rest)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 || string(rest[:n]) != "stopped\n" {
		t.Errorf("%v, exit %d, printed %q", err, cmd.ProcessState.ExitCode(), rest[:n])
	}
	// Without the program it says what to do.
	if err := os.RemoveAll(filepath.Join(user, "node_modules", "@julianctl")); err != nil {
		t.Fatal(err)
	}
	if out, code := run(user, "node", "node_modules/julianctl/bin/julianctl.js"); code != 3 || !strings.Contains(out, "@julianctl/"+platform+" is not installed\nhint: ") {
		t.Errorf("exit %d: %s", code, out)
	}
}

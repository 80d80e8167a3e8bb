package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The ready file goes when the server does; a link to it and a pipe are the
// person's own and stay.
func TestReadyFileThroughLinks(t *testing.T) {
	dir := t.TempDir()
	real, link, pipe := filepath.Join(dir, "real"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := os.Symlink(real, link); err != nil {
		t.Skip(err)
	}
	f := ServerFlags{ReadyFile: link}
	remove, err := f.Announce("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(real); err != nil || string(data) != "http://127.0.0.1:1\n" {
		t.Errorf("%q, %v", data, err)
	}
	remove()
	if _, err := os.Lstat(real); err == nil {
		t.Error("the file is left")
	}
	if _, err := os.Lstat(link); err != nil {
		t.Error("the link is gone")
	}

	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Skip(err)
	}
	read := make(chan string)
	go func() {
		data, _ := os.ReadFile(pipe)
		read <- string(data)
	}()
	f.ReadyFile = pipe
	if remove, err = f.Announce("http://127.0.0.1:2"); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "http://127.0.0.1:2\n" {
		t.Errorf("read %q", got)
	}
	remove()
	if _, err := os.Lstat(pipe); err != nil {
		t.Error("the pipe is gone")
	}
}

// Folders of earlier runs go after a day; what is no such folder stays.
func TestTempFolder(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	if os.TempDir() != temp {
		t.Skip("the folder is not that of TMPDIR")
	}
	now := time.Now()
	a := &App{Now: func() time.Time { return now }}
	for name, age := range map[string]time.Duration{"x-old": 25 * time.Hour, "x-new": 23 * time.Hour, "other-old": 25 * time.Hour} {
		dir := filepath.Join(temp, name)
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "file"), nil, 0o600), os.Chtimes(dir, now, now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(temp, "x-file")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chtimes(file, now, now.Add(-25*time.Hour))); err != nil {
		t.Fatal(err)
	}
	dir, err := a.TempFolder("x-")
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(temp, "*"))
	want := []string{filepath.Join(temp, "other-old"), dir, file, filepath.Join(temp, "x-new")}
	slices.Sort(want)
	if err != nil || !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q, %v", left, want, err)
	}
}

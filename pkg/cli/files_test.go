package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
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

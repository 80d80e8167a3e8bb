package payload

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"
)

// What is read of a file does not depend on what of it is in memory.
func TestFromCache(t *testing.T) {
	content := bytes.Repeat([]byte("one line of a file\n"), 50_000)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	in := fromCache(f)
	first := make([]byte, 100)
	if _, err := f.Read(first[:50]); err != nil { // past the cache, from the same position
		t.Fatal(err)
	}
	if _, err := in.Read(first[50:]); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, content[:100]) {
		t.Errorf("got %q", first)
	}
	if err := iotest.TestReader(in, content[100:]); err != nil {
		t.Error(err)
	}
	_ = f.Close()
	if _, err := in.Read(first); err == nil {
		t.Error("read a closed file")
	}
	if _, other := in.(*os.File); other && runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		t.Error("the file is not read from the cache")
	}
}

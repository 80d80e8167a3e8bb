package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A summary of over 1 MiB is dropped by GitHub whole, with what others wrote.
func TestJobSummaryStaysBelowTheLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary.md")
	before := strings.Repeat("x", 100)
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := appendFile(path, []byte("0123456789"), 109); err == nil || !strings.Contains(err.Error(), "larger than 109B") {
		t.Errorf("10 bytes after 100 are taken, with a limit of 109: %v", err)
	}
	if err := appendFile(path, []byte("0123456789"), 110); err != nil {
		t.Error(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != before+"0123456789" {
		t.Errorf("%q, %v", got, err)
	}
}

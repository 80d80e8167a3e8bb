package inspect_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/julianctl/julianctl/pkg/inspect"
	"github.com/julianctl/julianctl/pkg/journal"
)

func openLog(t testing.TB) *journal.Log {
	t.Helper()
	l, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "log.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// serve serves an inspector of opts until the test ends, and returns its link.
func serve(t testing.TB, opts inspect.Options) string {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts.Addr = ln.Addr()
	h, err := inspect.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return h.Link()
}

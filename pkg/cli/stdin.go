package cli

import (
	"context"
	"io"
	"os"
	"sync"
)

// Stdin returns standard input until ctx ends, so that a command can end although nothing
// is written to it. Nothing is read before the first Read. done releases it.
func (a *App) Stdin(ctx context.Context) (in io.Reader, done func()) {
	if f, ok := a.In.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return f, func() {} // reading it never blocks
		}
	}
	pipe, w := io.Pipe()
	stop := context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
	read := &lazyReader{Reader: pipe, begin: sync.OnceFunc(func() {
		// A read of a pipe or a terminal cannot be called off: this goroutine stays
		// in one until it returns, or the process ends.
		go func() {
			_, err := io.Copy(w, a.In)
			w.CloseWithError(err) // nil is the end
		}()
	})}
	return read, func() {
		stop()
		w.CloseWithError(context.Canceled)
	}
}

// lazyReader calls begin before the first read.
type lazyReader struct {
	io.Reader
	begin func()
}

func (r *lazyReader) Read(p []byte) (int, error) {
	r.begin()
	return r.Reader.Read(p)
}

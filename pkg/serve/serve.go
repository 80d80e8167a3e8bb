// Package serve runs an HTTP server for as long as its context lasts.
//
// It owns how such a server ends. What is received as a delivery has limits and an end
// of its own, in pkg/receive.
package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Options are what servers differ in.
type Options struct {
	WriteTimeout time.Duration // from the header of a request to the end of its answer
	// Live answers do not end by themselves: the context of their request ends with that
	// of the server.
	Live bool
}

// HTTP answers on ln until ctx ends, which is not a failure; answers under way then have
// two seconds. A request has 10 s to come, its header 5 s and 64 KiB. It closes ln.
func HTTP(ctx context.Context, ln net.Listener, h http.Handler, opts Options) error {
	const grace = 2 * time.Second
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      opts.WriteTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // what a broken client does is no news
	}
	if opts.Live {
		srv.BaseContext = func(net.Listener) context.Context { return ctx }
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := srv.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}

package inspect

import (
	"context"
	"net"
	"time"

	"github.com/julianctl/julianctl/pkg/serve"
)

// Serve answers on ln until ctx ends, which is no failure. It closes ln.
func (h *Handler) Serve(ctx context.Context, ln net.Listener) error {
	const slow = 2 * time.Minute // for a delivery that is sent again to a slow endpoint
	return serve.HTTP(ctx, ln, h, serve.Options{WriteTimeout: slow, Live: true})
}

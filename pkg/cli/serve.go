package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// ServerFlags are the flags of every command that accepts connections.
type ServerFlags struct {
	Addr      string
	Expose    bool
	ReadyFile string
}

// Declare declares the flags. Without --addr the address is addr.
func (f *ServerFlags) Declare(cmd *cobra.Command, addr string) {
	flags := cmd.Flags()
	flags.StringVar(&f.Addr, "addr", addr, "address to listen on; port 0 takes any free one")
	flags.BoolVar(&f.Expose, "expose", false, "allow an address that other machines can reach")
	flags.StringVar(&f.ReadyFile, "ready-file", "", "file that holds the URL while connections are accepted")
}

// Listen opens the address. Only --expose lets other machines reach it.
func (f *ServerFlags) Listen(ctx context.Context) (net.Listener, error) {
	return ListenAt(ctx, "--addr", f.Addr, f.Expose)
}

// ListenAt opens the address that a flag gives.
func ListenAt(ctx context.Context, flag, addr string, expose bool) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		hint := "such as 127.0.0.1:0"
		if _, err := strconv.ParseUint(strings.TrimPrefix(addr, ":"), 10, 16); err == nil {
			hint = fmt.Sprintf("did you mean %q?", "127.0.0.1:"+strings.TrimPrefix(addr, ":"))
		}
		return nil, UsageError(fmt.Errorf("%s %q is not an address of host and port", flag, addr), hint)
	}
	if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
		return nil, UsageError(fmt.Errorf("%s %q: there is no port %q", flag, addr, port), "write a number up to 65535; 0 takes any free port")
	}
	if !expose && !loopbackHost(host) {
		return nil, UsageError(fmt.Errorf("%s %q can be reached by other machines", flag, addr), "use a loopback address such as 127.0.0.1, or say --expose")
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, Failure(fmt.Errorf("%s %q is taken by another program", flag, addr), flag+" "+net.JoinHostPort(host, "0")+" takes any free port")
	}
	if err != nil {
		return nil, Failure(fmt.Errorf("%s %q: %w", flag, addr, err), "")
	}
	return ln, nil
}

// SameAddress reports whether two addresses of listeners of this machine
// exclude each other. Port 0 is any free one.
func SameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	every := func(host string) bool { return host == "" || net.ParseIP(host).IsUnspecified() }
	one := func(host string) string {
		if strings.EqualFold(host, "localhost") {
			return "127.0.0.1"
		}
		return host
	}
	return every(hostA) || every(hostB) || one(hostA) == one(hostB)
}

// Announce writes the ready file, if one is asked for. The returned function
// removes it: a file that is left over would announce a server that is gone.
func (f *ServerFlags) Announce(url string) (remove func(), err error) {
	if f.ReadyFile == "" {
		return func() {}, nil
	}
	// The link of an inspector may contain a key.
	d, err := fileAt(f.ReadyFile, ownerOnly)
	if err := writeAll(d, []byte(url+"\n"), err); err != nil {
		return nil, Failure(fmt.Errorf("--ready-file: %w", err), "")
	}
	return func() {
		if d.path != "" { // not a device or pipe
			os.Remove(d.path)
		}
	}, nil
}

// loopbackHost reports whether host is this machine and no other can reach it.
func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

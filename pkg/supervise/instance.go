package supervise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// PortPlaceholder stands for the port in the words and the environment of a
// [Command].
const PortPlaceholder = "{port}"

// Command is how a consumer is started.
type Command struct {
	Argv []string // no shell reads it
	Env  []string // K=V, over the environment of this program
	Dir  string   // empty: this one
	// Shim is the command line that runs [Shim]; the words of Argv follow it.
	Shim []string
}

// Instance is a consumer that runs, with all that it has started.
type Instance struct {
	Port   int
	claim  io.Closer // to the port
	shim   *exec.Cmd
	order  *os.File      // what the shim is asked to do
	exited chan struct{} // closed when the consumer itself has ended
	gone   chan struct{} // closed when nothing of it is left
	output *tail

	mu    sync.Mutex
	exit  string // how it ended: "exit status 1"
	kills int    // processes that Kill ended
	files files
}

// ErrUnsupported says that this system cannot keep a consumer and all that it
// starts under control.
var ErrUnsupported = errors.New("starting a consumer is not supported on this system; it is on Linux and macOS")

// Start starts a consumer on a free port. It may take a while until it answers:
// see [Instance.Ready]. The caller ends it with Kill or Terminate.
func Start(c Command) (*Instance, error) {
	if !supported {
		return nil, ErrUnsupported
	}
	if len(c.Shim) == 0 || len(c.Argv) == 0 {
		return nil, errors.New("no command to start the consumer with")
	}
	port, claim, err := freePort()
	if err != nil {
		return nil, err
	}
	i, err := start(c, port, claim)
	if err != nil {
		_ = claim.Close()
	}
	return i, err
}

// start starts a consumer on this port. The claim to it ends with the consumer.
func start(c Command, port int, claim io.Closer) (*Instance, error) {
	number := strconv.Itoa(port)
	argv := append([]string{}, c.Shim...)
	for _, word := range c.Argv {
		argv = append(argv, strings.ReplaceAll(word, PortPlaceholder, number))
	}
	orderRead, order, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer orderRead.Close()
	status, statusWrite, err := os.Pipe()
	if err != nil {
		_ = order.Close()
		return nil, err
	}
	defer statusWrite.Close()
	i := &Instance{Port: port, claim: claim, order: order, exited: make(chan struct{}), gone: make(chan struct{}), output: &tail{}}
	i.shim = exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // the user's own command; Kill ends it
	i.shim.Dir = c.Dir
	i.shim.Env = append(i.shim.Environ(), "PORT="+number)
	for _, pair := range c.Env {
		i.shim.Env = append(i.shim.Env, strings.ReplaceAll(pair, PortPlaceholder, number))
	}
	i.shim.ExtraFiles = []*os.File{orderRead, statusWrite}
	i.shim.Stdout, i.shim.Stderr = i.output, i.output
	i.shim.WaitDelay = time.Second
	ownSession(i.shim)
	if err := i.shim.Start(); err != nil {
		_ = order.Close()
		_ = status.Close()
		return nil, err
	}
	go i.watch(status)
	return i, nil
}

// watch reads what the shim tells, until it ends.
func (i *Instance) watch(status *os.File) {
	defer close(i.gone)
	defer status.Close()
	ended := false
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if what, ok := strings.CutPrefix(lines.Text(), statusExited); ok && !ended {
			ended = true
			i.mu.Lock()
			i.exit = what
			i.mu.Unlock()
			close(i.exited)
			continue
		}
		if n, ok := strings.CutPrefix(lines.Text(), statusKilled); ok {
			i.mu.Lock()
			i.kills, _ = strconv.Atoi(n)
			i.mu.Unlock()
			continue
		}
		i.fileStatus(lines.Text())
	}
	_ = i.shim.Wait() // how the consumer ended was told
	_ = i.order.Close()
	_ = i.claim.Close()
	if !ended {
		close(i.exited)
	}
}

// Exited is closed when the program that was started has ended, which may leave
// others behind that serve.
func (i *Instance) Exited() <-chan struct{} { return i.exited }

// Gone is closed when nothing of it is left.
func (i *Instance) Gone() <-chan struct{} { return i.gone }

// Exit says how it ended, such as "exit status 1"; empty while it runs.
func (i *Instance) Exit() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.exit
}

// Killed is how many processes Kill has ended.
func (i *Instance) Killed() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.kills
}

// Output is the end of what the consumer printed, some 16 KiB.
func (i *Instance) Output() string { return i.output.String() }

// URL is the address of the consumer with this path.
func (i *Instance) URL(path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", i.Port, path)
}

// readyPoll is how often a consumer that starts is asked, and readyAnswer how
// long it may take to answer once it has accepted: a server may listen before
// its workers live.
const (
	readyPoll   = 15 * time.Millisecond
	readyAnswer = 5 * time.Second
)

// Ready waits until url gives any HTTP answer. The error says how the consumer
// ended, if it did.
func (i *Instance) Ready(ctx context.Context, url string, timeout time.Duration) error {
	err := WaitReady(ctx, url, timeout, i.gone)
	if errors.Is(err, ErrEnded) {
		return fmt.Errorf("%w: %s", err, i.Exit())
	}
	return err
}

// endTimeout is how long all that was started may take to be gone once it was
// killed.
const endTimeout = 10 * time.Second

// Kill ends the consumer and all that it started at once, as a crash does, and
// returns when nothing of it is left and the port refuses connections.
func (i *Instance) Kill() error {
	_, _ = io.WriteString(i.order, orderKill) // an error: it is gone already
	select {
	case <-i.gone:
	case <-time.After(endTimeout):
		_ = i.shim.Process.Kill() // its consumer may live on: said below
		return errors.New("the consumer could not be killed")
	}
	if accepts(net.JoinHostPort("127.0.0.1", strconv.Itoa(i.Port))) {
		return fmt.Errorf("something still answers on port %d after the consumer and all that it started was killed", i.Port)
	}
	return nil
}

// Signal sends SIGTERM and returns at once. One that has ended already is no
// error.
func (i *Instance) Signal() error {
	_, _ = io.WriteString(i.order, orderTerm)
	return nil
}

// Ports of consumers. They are below those that a system gives to connections and
// to whoever asks for any.
const (
	firstPort = 20000
	ports     = 12000
)

// freePort is a port that was free a moment ago, and that no other julianctl takes
// before claim is closed: from when a port is chosen until the consumer has it, it
// is free, and who else chose it would take that consumer for its own.
func freePort() (port int, claim net.PacketConn, err error) {
	for range 100 {
		port = firstPort + rand.IntN(ports)
		if claim, err = claimPort(port); err != nil {
			continue
		}
		var listener net.Listener
		if listener, err = listenLoopback(net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, claim, listener.Close()
		}
		_ = claim.Close()
	}
	return 0, nil, err
}

// claimPort takes the UDP port of that number, which an endpoint over HTTP has no
// use for: the system gives it to one process, and takes it back when that ends.
func claimPort(port int) (net.PacketConn, error) {
	return net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	data []byte
}

const maxTail = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if len(t.data) > 2*maxTail {
		t.data = append([]byte{}, t.data[len(t.data)-maxTail:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data[max(0, len(t.data)-maxTail):])
}

package supervise

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fileCall is a system call that changes or flushes a file.
type fileCall struct {
	name string
	// dir and path are which arguments name the file: a descriptor of the folder,
	// -1 where it is always the working directory, and a path in memory. Where path
	// is -1, dir is the descriptor of the file.
	dir, path int
	flags     int  // the argument that holds those of open; 0: it opens nothing
	makes     bool // it does nothing where the file is there
	flushes   bool
}

// fileCalls are those that every processor has; oldFileCalls adds to them.
var fileCalls = map[uint64]fileCall{
	unix.SYS_WRITE:     {name: "write", path: -1},
	unix.SYS_WRITEV:    {name: "writev", path: -1},
	unix.SYS_PWRITE64:  {name: "pwrite", path: -1},
	unix.SYS_PWRITEV:   {name: "pwritev", path: -1},
	unix.SYS_FTRUNCATE: {name: "ftruncate", path: -1},
	unix.SYS_FSYNC:     {name: "fsync", path: -1, flushes: true},
	unix.SYS_FDATASYNC: {name: "fdatasync", path: -1, flushes: true},
	unix.SYS_OPENAT:    {name: "open", path: 1, flags: 2},
	unix.SYS_LINKAT:    {name: "link", dir: 2, path: 3, makes: true},
	unix.SYS_SYMLINKAT: {name: "symlink", dir: 1, path: 2, makes: true},
	unix.SYS_MKDIRAT:   {name: "mkdir", path: 1, makes: true},
	unix.SYS_RENAMEAT2: {name: "rename", dir: 2, path: 3},
	unix.SYS_UNLINKAT:  {name: "unlink", path: 1},
}

// tracer follows the system calls of the consumer and all that it started. All of
// it runs on one thread: that is how the kernel wants it.
type tracer struct {
	f       *family
	status  io.Writer
	on      bool
	n, at   int
	after   bool
	wait    time.Duration
	pending int              // thread whose call is the at-th, until it returns
	kill    <-chan time.Time // nil: no kill is due
	sockets map[string]bool  // that were looked at
	port    string           // where the consumer listens, in hex
}

const traceOptions = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK |
	unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL

// reap waits for every child, adopted ones too, and tells how the main one
// ended. Where files are followed it serves the stops of those that are traced.
func (f *family) reap(status io.Writer, ended func(how string)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGCHLD)
	t := &tracer{f: f, status: status}
	for {
		var s unix.WaitStatus
		pid, err := unix.Wait4(-1, &s, unix.WNOHANG|unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return // no child is left
		case pid > 0 && s.Stopped():
			t.stopped(pid, s)
			continue
		case pid > 0:
			if pid == f.main {
				ended(how(syscall.WaitStatus(s)))
			}
			continue
		}
		select {
		case <-changed:
		case order := <-f.files:
			t.begin(order)
		case <-t.kill:
			t.kill = nil
			go f.kill()
		}
	}
}

// begin takes an order: at, after, wait, port.
func (t *tracer) begin(order string) {
	var after, wait, port int
	t.n, t.at, t.pending = 0, 0, 0
	t.sockets = map[string]bool{}
	if _, err := fmt.Sscan(order, &t.at, &after, &wait, &port); err != nil {
		fmt.Fprintf(t.status, "%s%v\n", statusUntraced, err)
		return
	}
	t.port = fmt.Sprintf("%04X", port)
	t.after, t.wait = after == 1, time.Duration(wait)*time.Millisecond
	if err := t.attach(); err != nil {
		fmt.Fprintf(t.status, "%s%v\n", statusUntraced, err)
		return
	}
	fmt.Fprintln(t.status, statusTraced)
}

// attach follows every thread there is. Those that they start later are followed
// by the kernel's doing.
func (t *tracer) attach() error {
	if t.on {
		return nil
	}
	known := map[string]bool{}
	for found := true; found; {
		found = false
		for _, pid := range t.f.members() {
			threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
			for _, path := range threads {
				tid, err := strconv.Atoi(filepath.Base(path))
				if err != nil || known[path] {
					continue
				}
				known[path], found = true, true
				if err := ptrace(unix.PTRACE_SEIZE, tid, 0, traceOptions); err != nil {
					if errors.Is(err, unix.ESRCH) || t.on && errors.Is(err, unix.EPERM) {
						continue // it has ended, or is followed already: one that was started meanwhile
					}
					return fmt.Errorf("the system does not let processes be traced: %w", err)
				}
				t.on = true
				_ = unix.PtraceInterrupt(tid) // an error: it has ended
			}
		}
	}
	return nil
}

func ptrace(request, tid int, addr, data uintptr) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, data, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// callInfo is struct ptrace_syscall_info, which is the same on every processor.
type callInfo struct {
	op   uint8
	_    [3]uint8
	_    uint32    // the processor
	_    [2]uint64 // instruction, stack
	nr   uint64    // or the result
	args [6]uint64
	_    [2]uint64
}

const (
	callEntry = 1
	callExit  = 2
)

// stopped decides how a thread goes on that has stopped.
func (t *tracer) stopped(tid int, s unix.WaitStatus) {
	sig := s.StopSignal()
	event := int(s) >> 16
	deliver := 0
	switch {
	case sig == unix.SIGTRAP|0x80:
		if t.call(tid) {
			fmt.Fprintln(t.status, statusHit)
			t.kill = time.After(t.wait)
			return // it stays where it is until it is killed
		}
	case event == unix.PTRACE_EVENT_STOP && sig != unix.SIGTRAP:
		_ = ptrace(unix.PTRACE_LISTEN, tid, 0, 0) // stopped by a signal, and stays so
		return
	case event == 0:
		deliver = int(sig)
	}
	_ = unix.PtraceSyscall(tid, deliver) // an error: it has ended
}

// call looks at the beginning or the end of a system call, and reports whether
// it is the one that is waited for.
func (t *tracer) call(tid int) bool {
	var info callInfo
	if err := ptrace(unix.PTRACE_GET_SYSCALL_INFO, tid, unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info))); err != nil { //nolint:gosec // the kernel fills it in during the call
		return false
	}
	if info.op == callExit && tid == t.pending {
		t.pending = 0
		return true
	}
	if info.op != callEntry {
		return false
	}
	if info.nr == unix.SYS_SENDTO || info.nr == unix.SYS_SENDMSG {
		t.talk(tid, fdTarget(tid, info.args[0]))
		return false
	}
	c, ok := fileCalls[info.nr]
	if !ok {
		c, ok = oldFileCalls[info.nr]
	}
	if !ok {
		return false
	}
	path, counts := c.file(tid, info.args)
	if !counts {
		t.talk(tid, path)
		return false
	}
	t.n++
	changes := 1
	if c.flushes {
		changes = 0
	}
	fmt.Fprintf(t.status, "%s%s%s%d%s%q\n", statusFile, c.name, filesSeparation, changes, filesSeparation, path)
	if t.at == 0 || t.n != t.at {
		return false
	}
	if t.after {
		t.pending = tid
		return false
	}
	return true
}

// file is what the call is about, and whether that is a regular file or its name.
// A call that opens one counts where it makes or empties it.
func (c fileCall) file(tid int, args [6]uint64) (path string, counts bool) {
	var st unix.Stat_t
	if c.path < 0 {
		path = fdTarget(tid, args[c.dir])
		err := unix.Stat(fmt.Sprintf("/proc/%d/fd/%d", tid, args[c.dir]), &st)
		return path, strings.HasPrefix(path, "/") && err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
	}
	path = textAt(tid, args[c.path])
	if !filepath.IsAbs(path) {
		folder := fmt.Sprintf("/proc/%d/cwd", tid)
		if c.dir >= 0 && int32(args[c.dir]) != unix.AT_FDCWD {
			folder = fmt.Sprintf("/proc/%d/fd/%d", tid, int32(args[c.dir]))
		}
		if known, err := os.Readlink(folder); err == nil {
			folder = known
		}
		path = filepath.Join(folder, path)
	}
	err := unix.Stat(path, &st)
	absent := errors.Is(err, unix.ENOENT)
	if c.flags == 0 {
		return path, absent || !c.makes
	}
	empties := args[c.flags]&unix.O_TRUNC != 0 && err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size > 0
	return path, empties || absent && args[c.flags]&unix.O_CREAT != 0
}

// textAt reads a text that ends with a zero byte from the memory of a thread.
func textAt(tid int, addr uint64) string {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", tid))
	if err != nil {
		return ""
	}
	defer memory.Close()
	text := make([]byte, unix.PathMax)
	n, _ := memory.ReadAt(text, int64(addr))
	path, _, _ := strings.Cut(string(text[:n]), "\x00")
	return path
}

// fdTarget is the file, pipe or socket behind a descriptor.
func fdTarget(tid int, fd uint64) string {
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(fd)))
	if err != nil {
		return ""
	}
	return target
}

// talk tells of a TCP connection that the consumer has opened itself.
func (t *tracer) talk(tid int, target string) {
	inode, ok := strings.CutPrefix(target, "socket:[")
	if inode = strings.TrimSuffix(inode, "]"); !ok || t.sockets[inode] {
		return
	}
	t.sockets[inode] = true
	for _, table := range []string{"tcp", "tcp6"} {
		file, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", tid, table))
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			// sl, local, remote, state, queues, timer, retransmits, uid, timeout, inode
			f := strings.Fields(lines.Text())
			if len(f) < 10 || f[9] != inode {
				continue
			}
			if _, local, _ := strings.Cut(f[1], ":"); local != t.port {
				fmt.Fprintf(t.status, "%s%s\n", statusPeer, hexAddress(f[2]))
			}
		}
		_ = file.Close()
	}
}

// hexAddress reads "0100007F:1F90": words of the address are in the order of the
// processor.
func hexAddress(s string) string {
	host, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	n, perr := strconv.ParseUint(port, 16, 16)
	if err != nil || perr != nil {
		return s
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	return net.JoinHostPort(net.IP(raw).String(), strconv.FormatUint(n, 10))
}

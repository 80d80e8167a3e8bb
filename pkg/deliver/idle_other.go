//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package deliver

import "syscall"

// idleCheck cannot be done on this system, so no connection is reused.
func idleCheck(syscall.RawConn) func() bool { return func() bool { return false } }

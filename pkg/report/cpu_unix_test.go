//go:build unix

package report_test

import (
	"syscall"
	"time"
)

// cpuTime is what the process has computed so far: unlike a clock, it does not
// go on while other programs run.
func cpuTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

package listen

import (
	"math"
	"runtime"
	"runtime/debug"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/receive"
)

// heapLimit is what all that waits or is remembered has room in: near it, the
// garbage collector runs more often.
const heapLimit = 80 << 20

// tuneListen sets up the runtime for a listener that many deliver to, and
// returns what restores it.
func tuneListen(a *cli.App, maxBody int64) (restore func()) {
	collected := a.CollectLess()
	// The scheduler takes a while to find out that a thread waits for the disk.
	// Two processors more let others go on at once: on 2 cores, durable deliveries
	// at 64 connections have 0.47 of the speed of a bare handler and not 0.39, with
	// a p99 of 35 ms and not 105.
	procs := runtime.GOMAXPROCS(0)
	if a.Env("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(procs + 2)
	}
	before := debug.SetMemoryLimit(-1)
	if before == math.MaxInt64 { // or GOMEMLIMIT says otherwise
		// As receive does, with room for two of the largest bodies, and their growing.
		debug.SetMemoryLimit(heapLimit + 4*max(0, maxBody-receive.DefaultMaxBody))
	}
	return func() {
		debug.SetMemoryLimit(before)
		runtime.GOMAXPROCS(procs)
		collected()
	}
}

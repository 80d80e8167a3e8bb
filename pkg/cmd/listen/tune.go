package listen

import (
	"math"
	"runtime"
	"runtime/debug"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/receive"
)

// heapLimit is what all that waits or is remembered has room in, ballast
// included: near it, the garbage collector runs more often.
const heapLimit = 96 << 20

// tuneListen makes the runtime fit for a listener that many deliver to. The
// caller ends it.
func tuneListen(a *cli.App, maxBody int64) (end func()) {
	held := make([]byte, cli.Ballast)
	// While the disk is waited for, others go on at once: the scheduler takes its
	// time to find out that a system call lasts.
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
		runtime.KeepAlive(held)
	}
}

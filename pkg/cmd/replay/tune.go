package replay

import (
	"runtime"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
)

// tune makes the runtime fit for a run. The caller ends it.
func tune(a *cli.App, plan deliver.Plan, target deliver.Target) (end func()) {
	held := make([]byte, cli.Ballast)
	procs := 0
	// An endpoint on this machine needs processors as much as the sender does,
	// and the sender does best on few: its work is short and wakes others. Those
	// that wait for the answers to copies would also hold up the one that
	// releases the copies. A rate is for precision, not for speed.
	if target.Loopback() && plan.Rate == 0 && a.Env("GOMAXPROCS") == "" {
		procs = runtime.GOMAXPROCS(max(1, runtime.NumCPU()/2))
	}
	return func() {
		if procs > 0 {
			runtime.GOMAXPROCS(procs)
		}
		runtime.KeepAlive(held)
	}
}

package main

import (
	"runtime"

	"github.com/julianctl/julianctl/pkg/deliver"
)

// ballast is memory that is never touched, and so never there, but counts in
// what the garbage collector measures by: it runs every 16 MiB and not every 4,
// which is a tenth of the processor time of a delivery.
const ballast = 16 << 20

// tune makes the runtime fit for a run. The caller ends it.
func tune(a *app, plan deliver.Plan, target deliver.Target) (end func()) {
	held := make([]byte, ballast)
	procs := 0
	// An endpoint on this machine needs processors as much as the sender does,
	// and the sender does best on few: its work is short and wakes others. Those
	// that wait for the answers to copies would also hold up the one that
	// releases the copies. A rate is for precision, not for speed.
	if target.Loopback() && plan.Rate == 0 && a.env("GOMAXPROCS") == "" {
		procs = runtime.GOMAXPROCS(max(1, runtime.NumCPU()/2))
	}
	return func() {
		if procs > 0 {
			runtime.GOMAXPROCS(procs)
		}
		runtime.KeepAlive(held)
	}
}

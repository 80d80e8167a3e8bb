package supervise

// The shim is a small process between this program and the consumer. It is the
// parent of all that the consumer starts, so that it can end all of it: when it
// is asked to, and when this program has ended, however it ended.

// What the shim is asked on descriptor 3, and what it tells on descriptor 4.
const (
	orderKill    = "kill\n"
	orderTerm    = "term\n"
	statusExited = "exited " // how the consumer itself ended
	statusKilled = "killed " // how many processes
)

// ShimArg is the first argument of this program that makes it a shim.
const ShimArg = "__consumer"

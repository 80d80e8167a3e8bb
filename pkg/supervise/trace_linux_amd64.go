package supervise

import "golang.org/x/sys/unix"

// oldFileCalls are calls that newer processors do without.
var oldFileCalls = map[uint64]fileCall{
	unix.SYS_RENAME:   {"rename", false, true},
	unix.SYS_RENAMEAT: {"rename", false, true},
	unix.SYS_UNLINK:   {"unlink", false, true},
	unix.SYS_TRUNCATE: {"truncate", false, true},
}

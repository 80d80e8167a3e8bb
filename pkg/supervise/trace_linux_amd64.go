package supervise

import "golang.org/x/sys/unix"

// oldFileCalls are calls that newer processors do without.
var oldFileCalls = map[uint64]fileCall{
	unix.SYS_OPEN:     {name: "open", dir: -1, flags: 1},
	unix.SYS_LINK:     {name: "link", dir: -1, path: 1, makes: true},
	unix.SYS_SYMLINK:  {name: "symlink", dir: -1, path: 1, makes: true},
	unix.SYS_MKDIR:    {name: "mkdir", dir: -1, makes: true},
	unix.SYS_RENAME:   {name: "rename", dir: -1, path: 1},
	unix.SYS_RENAMEAT: {name: "rename", dir: 2, path: 3},
	unix.SYS_UNLINK:   {name: "unlink", dir: -1},
	unix.SYS_TRUNCATE: {name: "truncate", dir: -1},
}

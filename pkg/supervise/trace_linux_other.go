//go:build linux && !amd64

package supervise

// oldFileCalls are calls that newer processors do without: renameat, which has one
// number on all that have it.
var oldFileCalls = map[uint64]fileCall{38: {name: "rename", dir: 2, path: 3}}

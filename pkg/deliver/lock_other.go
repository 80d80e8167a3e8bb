//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package deliver

import "os"

// lock cannot be had everywhere: two runs with one file are then the user's to
// avoid.
func lock(*os.File) error { return nil }

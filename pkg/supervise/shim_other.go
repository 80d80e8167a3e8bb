//go:build !unix

package supervise

import "os/exec"

const supported = false

func ownSession(*exec.Cmd) {}

// Shim does nothing here.
func Shim([]string) error { return ErrUnsupported }

//go:build !unix

package cli

import "os/exec"

// ownGroup does nothing: only the child itself is ended with its context.
func ownGroup(*exec.Cmd) {}

// EndGroup does nothing.
func EndGroup(*exec.Cmd) {}

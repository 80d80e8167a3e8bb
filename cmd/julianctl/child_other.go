//go:build !unix

package main

import "os/exec"

// ownGroup does nothing: only the child itself is ended with its context.
func ownGroup(*exec.Cmd) {}

// endGroup does nothing.
func endGroup(*exec.Cmd) {}

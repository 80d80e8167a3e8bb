//go:build !linux

package journal

import "os"

func syncData(f *os.File) error { return f.Sync() }

func isAt(f *os.File, path string) bool { return statIsAt(f, path) }

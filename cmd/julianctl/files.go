package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile writes data to path whole or not at all, readable by its owner
// only: what this program writes may hold payloads or keys. A path that is
// not a regular file, such as /dev/stdout, is written to directly.
func writeFile(path string, data []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, data, 0o600)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".julianctl-*") // 0600
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			p.Path = path // the name that the person knows
		}
		return err
	}
	defer os.Remove(tmp.Name()) // no-op once renamed
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

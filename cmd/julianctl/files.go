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
	err := replaceFile(path, data)
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		p.Path = path // the name that the person knows
	}
	return err
}

func replaceFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".julianctl-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone once renamed
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

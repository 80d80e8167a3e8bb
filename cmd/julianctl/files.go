package main

import (
	"bufio"
	"errors"
	"io"
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

// destination is where a stream of results goes: stdout, or a file that is
// there whole once Close says so, and not at all otherwise.
type destination struct {
	*bufio.Writer
	path string   // empty: stdout
	tmp  *os.File // nil: what is at path is written to directly, or it is done
	file io.Closer
}

// destinationAt is the file at path, which only its owner can read; stdout when
// path is empty or "-".
func (a *app) destinationAt(path string) (*destination, error) {
	if path == "" || path == "-" {
		return &destination{Writer: bufio.NewWriter(a.out)}, nil
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &destination{Writer: bufio.NewWriter(f), path: path, file: f}, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".julianctl-*") // 0600
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		p.Path = path // the name that the person knows
	}
	return &destination{Writer: bufio.NewWriter(tmp), path: path, tmp: tmp, file: tmp}, err
}

// Close makes the result whole.
func (d *destination) Close() error {
	err := d.Flush()
	switch {
	case d.tmp != nil:
		if err == nil {
			err = d.tmp.Sync()
		}
		if err = errors.Join(err, d.tmp.Close()); err == nil {
			err = os.Rename(d.tmp.Name(), d.path)
		}
		if err == nil {
			d.tmp = nil
		}
	case d.file != nil:
		err = errors.Join(err, d.file.Close())
	}
	return err
}

// Abort leaves nothing behind, unless Close was there before.
func (d *destination) Abort() {
	if d.tmp != nil {
		_ = d.tmp.Close() // what is wrong with it does not matter any more
		_ = os.Remove(d.tmp.Name())
	}
}

package cli

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/rogpeppe/go-internal/lockedfile"
)

// turn makes all processes of this person that use one key keep to its limit
// together: when the latest requests began is in a file that they share. Where
// there can be no such file, each process keeps to the limit by itself.
func (a *App) turn(host, key string) func(context.Context) error {
	dir := stateDir(a.Env)
	if dir == "" {
		return nil
	}
	// Whoever reads the name learns nothing about the key.
	sum := sha256.Sum256([]byte("julianctl turn\n" + host + "\n" + key))
	path := filepath.Join(dir, "turns", hex.EncodeToString(sum[:8]))
	return func(ctx context.Context) error {
		wait, err := takeTurn(path, time.Now())
		if err != nil {
			return nil // the client's own limit holds
		}
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// takeTurn books the next place in the file and returns how long it is until
// then. The file holds when the latest requests began, or will: a ring of
// nanoseconds since 1970, after the index of the oldest, each 8 bytes.
func takeTurn(path string, now time.Time) (time.Duration, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	f, err := lockedfile.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var ring [1 + julian.LimitRequests]int64
	// A file that is new, cut short or strange counts as empty.
	err = binary.Read(f, binary.LittleEndian, &ring)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || ring[0] < 0 || ring[0] >= julian.LimitRequests {
		ring = [1 + julian.LimitRequests]int64{}
	} else if err != nil {
		return 0, err
	}
	oldest := &ring[1+ring[0]]
	due := max(*oldest+int64(julian.LimitWindow), now.UnixNano())
	if due > now.Add(time.Minute).UnixNano() {
		due = now.UnixNano() // the clock was set back
	}
	*oldest = due
	ring[0] = (ring[0] + 1) % julian.LimitRequests
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return time.Duration(due - now.UnixNano()), binary.Write(f, binary.LittleEndian, ring)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/zalando/go-keyring"
)

var (
	errNoStoredKey = errors.New("no key is stored")
	errNoKeyring   = errors.New("there is none in this session")
)

// keyStore keeps one API key for each host. Its String is safe text for people.
type keyStore interface {
	fmt.Stringer
	get(ctx context.Context, host string) (string, error) // errNoStoredKey
	set(ctx context.Context, host, key string) error
	remove(ctx context.Context, host string) error // errNoStoredKey
}

// keyStores lists the stores in the order in which they are asked. The file
// comes first: it is written only where the keyring failed, and removed when a
// keyring takes a newer key, so what it holds is never the older one.
func (a *app) keyStores() []keyStore {
	var stores []keyStore
	if dir := configDir(a.env); dir != "" && a.cfg.KeyStore != "keyring" {
		stores = append(stores, fileStore{filepath.Join(dir, "keys")})
	}
	if a.cfg.KeyStore != "file" {
		stores = append(stores, keyringStore{available: a.hasKeyring})
	}
	return stores
}

// hasKeyring keeps the Linux library from starting a D-Bus daemon of its own
// where there is no desktop session.
func (a *app) hasKeyring() bool {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" || a.env("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	dir := a.env("XDG_RUNTIME_DIR")
	if dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "bus"))
	return err == nil
}

// keyringStore is the keyring of the operating system.
type keyringStore struct{ available func() bool }

const (
	keyringService = "julianctl"
	// A locked keyring may wait for a person who is not there.
	keyringPatience = 3 * time.Second
)

func (keyringStore) String() string { return "the keyring" }

func (k keyringStore) get(ctx context.Context, host string) (string, error) {
	return k.ask(ctx, func() (string, error) { return keyring.Get(keyringService, host) })
}

func (k keyringStore) set(ctx context.Context, host, key string) error {
	_, err := k.ask(ctx, func() (string, error) { return "", keyring.Set(keyringService, host, key) })
	return err
}

func (k keyringStore) remove(ctx context.Context, host string) error {
	_, err := k.ask(ctx, func() (string, error) { return "", keyring.Delete(keyringService, host) })
	return err
}

func (k keyringStore) ask(ctx context.Context, question func() (string, error)) (string, error) {
	if !k.available() {
		return "", errNoKeyring
	}
	key, err := impatient(ctx, keyringPatience, question)
	if errors.Is(err, keyring.ErrNotFound) {
		err = errNoStoredKey
	}
	return key, err
}

// impatient waits no longer than most for an answer. The question cannot be
// taken back: one that is never answered stays open until the program ends.
func impatient(ctx context.Context, most time.Duration, question func() (string, error)) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("no answer within %s", most))
	defer cancel()
	type answer struct {
		key string
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		key, err := question()
		answered <- answer{key, err}
	}()
	select {
	case got := <-answered:
		return got.key, got.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// fileStore keeps each key in a file of its own that only its owner can read.
type fileStore struct{ dir string }

func (s fileStore) path(host string) string { return filepath.Join(s.dir, safetext.Filename(host)) }

func (s fileStore) String() string { return "a file in " + safetext.Line(s.dir) }

func (s fileStore) get(_ context.Context, host string) (string, error) {
	path := s.path(host)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errNoStoredKey
	case err != nil:
		return "", err
	case readableByOthers(info):
		return "", fmt.Errorf("%q can be read by others; chmod 600 makes it yours alone", path)
	}
	data, err := os.ReadFile(path)
	return strings.TrimSpace(string(data)), err
}

func (s fileStore) set(_ context.Context, host, key string) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return writeFile(s.path(host), []byte(key+"\n"))
}

func (s fileStore) remove(_ context.Context, host string) error {
	err := os.Remove(s.path(host))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoStoredKey
	}
	return err
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/zalando/go-keyring"
)

// Errors of a store.
var (
	ErrNoStoredKey = errors.New("no key is stored")
	ErrNoKeyring   = errors.New("not available in this session")
)

// KeyStore keeps one API key for each host. Its String is safe to show.
type KeyStore interface {
	fmt.Stringer
	Get(ctx context.Context, host string) (string, error) // ErrNoStoredKey
	Set(ctx context.Context, host, key string) error
	Remove(ctx context.Context, host string) error // ErrNoStoredKey
}

// KeyStores lists the stores in the order in which they are asked. The file
// comes first: it is written only where the keyring failed, and removed when a
// keyring takes a newer key, so what it holds is never the older one.
func (a *App) KeyStores() []KeyStore {
	var stores []KeyStore
	if dir := configDir(a.Env); dir != "" && a.Config.KeyStore != "keyring" {
		stores = append(stores, fileStore{filepath.Join(dir, "keys")})
	}
	if a.Config.KeyStore != "file" {
		stores = append(stores, keyringStore{available: a.hasKeyring})
	}
	return stores
}

// hasKeyring keeps the Linux library from starting a D-Bus daemon of its own
// where there is no desktop session.
func (a *App) hasKeyring() bool {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" || a.Env("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	dir := a.Env("XDG_RUNTIME_DIR")
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
	// A locked keyring may wait for the user forever.
	keyringPatience = 3 * time.Second
)

func (keyringStore) String() string { return "the keyring" }

func (k keyringStore) Get(ctx context.Context, host string) (string, error) {
	return k.ask(ctx, func() (string, error) { return keyring.Get(keyringService, host) })
}

func (k keyringStore) Set(ctx context.Context, host, key string) error {
	_, err := k.ask(ctx, func() (string, error) { return "", keyring.Set(keyringService, host, key) })
	return err
}

func (k keyringStore) Remove(ctx context.Context, host string) error {
	_, err := k.ask(ctx, func() (string, error) { return "", keyring.Delete(keyringService, host) })
	return err
}

func (k keyringStore) ask(ctx context.Context, question func() (string, error)) (string, error) {
	if !k.available() {
		return "", ErrNoKeyring
	}
	key, err := withTimeout(ctx, keyringPatience, question)
	if errors.Is(err, keyring.ErrNotFound) {
		err = ErrNoStoredKey
	}
	return key, err
}

// withTimeout waits at most most for f. It cannot be cancelled: a call that never returns
// stays open until the program ends.
func withTimeout(ctx context.Context, most time.Duration, question func() (string, error)) (string, error) {
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

// fileStore keeps each key in its own file, which only its owner can read.
type fileStore struct{ dir string }

func (s fileStore) path(host string) string { return filepath.Join(s.dir, safetext.Filename(host)) }

func (s fileStore) String() string { return "a file in " + safetext.Line(s.dir) }

func (s fileStore) Get(_ context.Context, host string) (string, error) {
	path := s.path(host)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", ErrNoStoredKey
	case err != nil:
		return "", err
	case readableByOthers(info):
		return "", fmt.Errorf("%q can be read by others; chmod 600 makes it yours alone", path)
	}
	data, err := os.ReadFile(path)
	return strings.TrimSpace(string(data)), err
}

func (s fileStore) Set(_ context.Context, host, key string) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return WriteFile(s.path(host), []byte(key+"\n"))
}

func (s fileStore) Remove(_ context.Context, host string) error {
	err := os.Remove(s.path(host))
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoStoredKey
	}
	return err
}

// KeepKey saves the key in the last store that accepts it, and removes older keys from
// the stores that are read before that one.
func (a *App) KeepKey(ctx context.Context, host, key string, stores []KeyStore) (KeyStore, error) {
	for i, store := range slices.Backward(stores) {
		if err := store.Set(ctx, host, key); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			a.Note("not kept in %s: %s", store, safetext.Line(err.Error()))
			continue
		}
		for _, earlier := range stores[:i] {
			if err := earlier.Remove(ctx, host); err != nil && !errors.Is(err, ErrNoStoredKey) {
				return nil, Failure(fmt.Errorf("an older key in %s: %w", earlier, err), "")
			}
		}
		return store, nil
	}
	return nil, Failure(errors.New("the API key could not be kept anywhere"), "set "+KeyVariable+" instead")
}

package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/julian"
)

// ProjectRules says for each key what its value in a project file would do that needs
// the user's trust, as in "would …"; empty: harmless. root is the
// folder of the file. A project file comes with a checkout: without trust it
// runs no program, chooses neither where a delivery or a secret goes nor which
// file is read as a secret, writes nothing outside its folder, and makes
// nothing less safe. A key without a row is never taken from such a file.
var ProjectRules = map[string]func(root, value string) string{
	"agent-id": harmless, // a checked part of a path below the base URL
	"api-key-file": func(_, file string) string {
		return fmt.Sprintf("send what is in the file %q as the API key", file)
	},
	"base-url": func(_, to string) string {
		if strings.TrimRight(to, "/") == julian.DefaultBaseURL {
			return ""
		}
		return fmt.Sprintf("send the API key to %q", WithoutPassword(to))
	},
	"color":     harmless,
	"endpoints": deliverElsewhere,
	"fixtures": func(root, dir string) string {
		if insideFolder(root, dir) {
			return ""
		}
		return fmt.Sprintf("write fixtures into %q, outside its folder", dir)
	},
	"key-store": func(_, store string) string {
		if store == "auto" {
			return ""
		}
		return fmt.Sprintf("keep API keys in the %s store only", store)
	},
	"log": func(root, path string) string {
		switch {
		case path == NoLog:
			return "keep no delivery log"
		case insideFolder(root, path) && !linksOutside(root, path):
			return ""
		}
		return fmt.Sprintf("use the delivery log %q, outside its folder", path)
	},
	"redact-header": harmless, // adds to the user's own, see mergeProject
	"timeout":       harmless,
	"to":            deliverElsewhere,
}

func harmless(_, _ string) string { return "" }

// deliverElsewhere is for the URL that a name stands for, or the name.
func deliverElsewhere(_, to string) string {
	u, err := url.Parse(to)
	if err == nil {
		if _, err = (deliver.Guard{}).Target(u); err == nil {
			return "" // this machine
		}
	}
	return fmt.Sprintf("send deliveries to %q", WithoutPassword(to))
}

// insideFolder reports whether path, as a file in root may name it, is a place
// below root. Symbolic links are followed, and one that leads nowhere is none.
func insideFolder(root, path string) bool {
	if !filepath.IsLocal(path) || slices.Contains(strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == filepath.Separator }), "..") {
		return false
	}
	home, err := filepath.EvalSymlinks(root)
	if err != nil {
		return false
	}
	for at := filepath.Join(root, path); ; at = filepath.Dir(at) {
		if _, err := os.Lstat(at); errors.Is(err, fs.ErrNotExist) && at != root {
			continue
		}
		resolved, err := filepath.EvalSymlinks(at)
		if err != nil {
			return false
		}
		rel, err := filepath.Rel(home, resolved)
		return err == nil && filepath.IsLocal(rel)
	}
}

// linksOutside reports whether a symbolic link that leaves root has a name that
// begins with path, as the names of all files of a delivery log do, or lies in
// a folder of such a name.
func linksOutside(root, path string) bool {
	dir, name := filepath.Split(path)
	leaves := func(dir string, e fs.DirEntry) bool {
		return e.Type()&fs.ModeSymlink != 0 && !insideFolder(root, filepath.Join(dir, e.Name()))
	}
	entries, err := os.ReadDir(filepath.Join(root, dir))
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), name) {
			continue
		}
		if leaves(dir, e) {
			return true
		}
		below := filepath.Join(dir, e.Name())
		inner, err := os.ReadDir(filepath.Join(root, below))
		if slices.ContainsFunc(inner, func(e fs.DirEntry) bool { return leaves(below, e) }) || err != nil && e.IsDir() {
			return true
		}
	}
	return err != nil && !errors.Is(err, fs.ErrNotExist)
}

// TrustState says whether the user trusts a project file.
type TrustState string

const (
	untrusted TrustState = "not trusted"
	changed   TrustState = "changed since it was trusted"
	Trusted   TrustState = "trusted"
)

// Project is the project file that was read.
type Project struct {
	Path  string          // absolute; empty: there is none
	Keys  map[string]bool // that have their value from it
	Trust TrustState
}

// Allow is nil if value may be used for key, whose value it is or stands for.
// It may not if a project file set the key that is not trusted, and the value
// would do what needs trust; the error says what.
func (c *Config) Allow(key, value string) error {
	if !c.Project.Keys[key] || c.Project.Trust == Trusted {
		return nil
	}
	would := c.Project.would(key, value)
	if would == "" {
		return nil
	}
	return c.refusal(key, would)
}

// AllowCheck is nil if what an endpoint's settings ask check to do may be done:
// those of a project file that is not trusted start no program.
func (c *Config) AllowCheck(e Endpoint) error {
	if would := e.needsTrust(); would != nil && c.Project.Keys["endpoints"] && c.Project.Trust != Trusted {
		return c.refusal("endpoints", would[0])
	}
	return nil
}

// needsTrust is what the settings for check would do.
func (e Endpoint) needsTrust() []string {
	var would []string
	for _, s := range e.CheckSettings() {
		for _, v := range s.Values {
			would = append(would, fmt.Sprintf("%s %q", s.Would, WithoutPassword(v)))
		}
	}
	return would
}

func (c *Config) refusal(key, would string) error {
	state := "is not trusted"
	if c.Project.Trust == changed {
		state = "has changed since it was trusted"
	}
	return UsageError(fmt.Errorf("setting %q from %s would %s, and the file %s", key, ProjectFile, would, state),
		`read the file, then "julianctl config trust"`)
}

// would is what the value of a key would do that needs trust; may be empty.
func (p *Project) would(key, value string) string {
	if value == "" {
		return "" // as if it were not there
	}
	if rule := ProjectRules[key]; rule != nil {
		return rule(filepath.Dir(p.Path), value)
	}
	return fmt.Sprintf("be %q", value)
}

// NeedsTrust lists what the project file would do that needs trust, a line a
// value.
func (c *Config) NeedsTrust() []string {
	var lines []string
	all := reflect.ValueOf(*c)
	for i, s := range Settings() {
		var values, more []string
		switch v := all.Field(i).Interface().(type) {
		case string:
			values = []string{c.endpointURL(v)}
		case []string:
			values = v
		case []Endpoint:
			for _, e := range v {
				values = append(values, e.URL)
				more = append(more, e.needsTrust()...)
			}
		}
		if !c.Project.Keys[s.Key] {
			continue
		}
		var would []string
		for _, v := range values {
			would = append(would, c.Project.would(s.Key, v))
		}
		for _, w := range append(would, more...) {
			if w != "" {
				lines = append(lines, s.Key+": "+w)
			}
		}
	}
	return lines
}

// endpointURL is the URL of a named endpoint, or what it was given.
func (c *Config) endpointURL(to string) string {
	for _, e := range c.Endpoints {
		if e.Name == to {
			return e.URL
		}
	}
	return to
}

// TrustStore is the folder of trusted project files: one entry per file, named after its
// path, with the digest of its content.
type TrustStore struct{ dir string } // empty: there is no place for it

// NewTrustStore returns the store in the user's configuration folder.
func NewTrustStore(env func(string) string) TrustStore {
	dir := stateDir(env)
	if dir == "" {
		return TrustStore{}
	}
	return TrustStore{filepath.Join(dir, "trust")}
}

func (s TrustStore) entry(path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:]))
}

// mark is the content of an entry. The path is only information for the user.
func (s TrustStore) mark(path string, content []byte) []byte {
	return fmt.Appendf(nil, "sha256:%x\n%s\n", sha256.Sum256(content), path)
}

// state reports whether the user trusts content at path. An entry that cannot be read is
// not trusted.
func (s TrustStore) state(path string, content []byte) TrustState {
	if s.dir == "" {
		return untrusted
	}
	kept, err := os.ReadFile(s.entry(path))
	switch {
	case err != nil:
		return untrusted
	case !bytes.Equal(kept, s.mark(path, content)):
		return changed
	}
	return Trusted
}

// Add keeps that content is trusted at path.
func (s TrustStore) Add(path string, content []byte) error {
	if s.dir == "" {
		return UsageError(errors.New("there is no place to keep trust: HOME is not set"), "--config FILE uses a file without it")
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return Failure(err, "")
	}
	if err := WriteFile(s.entry(path), s.mark(path, content)); err != nil {
		return Failure(err, "")
	}
	return nil
}

// Remove reports whether there was something to remove.
func (s TrustStore) Remove(path string) (bool, error) {
	if s.dir == "" {
		return false, nil
	}
	err := os.Remove(s.entry(path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, Failure(err, "")
	}
	return true, nil
}

// TrustedPath is the one path by which a project file is known, whatever links
// lead to its folder.
func TrustedPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		return filepath.Join(dir, filepath.Base(abs)), nil
	}
	return abs, nil // the folder is gone
}

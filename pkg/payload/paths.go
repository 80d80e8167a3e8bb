package payload

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// path reads one argument.
func (r *reader) path(path string, emit emit) bool {
	if path == "-" {
		in := r.stdin
		if in == nil {
			in = strings.NewReader("")
		}
		return r.stream(Stdin, in, 0, emit)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return r.folder(path, emit)
	case err == nil:
		return r.file(path, emit)
	case strings.ContainsAny(path, "*?["):
		return r.glob(path, emit)
	}
	return emit(Chunk{}, &Error{Source: path, Err: cause(err)})
}

func (r *reader) file(path string, emit emit) bool {
	if r.visit != nil {
		return r.visit(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return emit(Chunk{}, &Error{Source: path, Err: cause(err)})
	}
	defer f.Close()
	var size int64
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return r.stream(path, f, size, emit)
}

// folder reads the payload files below dir in lexical order. It follows links to files,
// but not to folders, so there are no cycles.
func (r *reader) folder(dir string, emit emit) bool {
	found, on := false, true
	// Every error reaches emit, by the callback.
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			found = true // the folder may have files
			on = emit(Chunk{}, &Error{Source: path, Err: cause(err)})
		case isPayloadFile(path, entry):
			found = true
			on = r.file(path, emit)
		}
		if !on {
			return filepath.SkipAll
		}
		return nil
	})
	if on && !found {
		on = emit(Chunk{}, &Error{Source: dir, Err: ErrNoFiles})
	}
	return on
}

// isPayloadFile checks name and type. Opening a pipe could block forever.
func isPayloadFile(path string, entry fs.DirEntry) bool {
	name := uncompressedName(path)
	if !strings.HasSuffix(name, ".json") && !namedLines(name) {
		return false
	}
	if entry.Type()&fs.ModeSymlink != 0 {
		info, err := os.Stat(path)
		return err != nil || info.Mode().IsRegular() // a dead link is reported by open
	}
	return entry.Type().IsRegular()
}

// uncompressedName returns the name in lower case, without .gz or .zst.
func uncompressedName(name string) string {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(name, ".gz")
	return strings.TrimSuffix(name, ".zst")
}

func namedLines(name string) bool {
	name = uncompressedName(name)
	return strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".ndjson")
}

// glob reads what pattern matches; a match that is a folder is read as one.
func (r *reader) glob(pattern string, emit emit) bool {
	volume := filepath.VolumeName(pattern)
	rest := filepath.ToSlash(pattern[len(volume):])
	dir := volume
	if strings.HasPrefix(rest, "/") {
		dir += string(filepath.Separator)
	}
	parts := strings.FieldsFunc(rest, func(c rune) bool { return c == '/' })
	for _, part := range parts {
		if _, err := filepath.Match(part, ""); err != nil {
			return emit(Chunk{}, &Error{Source: pattern, Err: err})
		}
	}
	g := globber{reader: r, emit: emit, deep: slices.Contains(parts, "**")}
	on := g.expand(dir, parts)
	if on && !g.found {
		on = emit(Chunk{}, &Error{Source: pattern, Err: ErrNoMatch})
	}
	return on
}

// globber expands one pattern.
type globber struct {
	*reader
	emit  emit
	deep  bool // the pattern has **, which matches files in subfolders itself
	found bool // something matched, or could not be read
}

// expand reads what parts match below dir, in lexical order.
func (g *globber) expand(dir string, parts []string) bool {
	part, rest := parts[0], parts[1:]
	switch {
	case !strings.ContainsAny(part, "*?["):
		return g.enterPath(filepath.Join(dir, part), rest)
	case part == "**" && len(rest) == 0:
		g.found = true
		return g.folder(orHere(dir), g.emit)
	}
	entries, err := os.ReadDir(orHere(dir))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return true
		}
		g.found = true
		return g.emit(Chunk{}, &Error{Source: orHere(dir), Err: cause(err)})
	}
	if part == "**" && !g.expand(dir, rest) {
		return false
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		on := true
		if part == "**" {
			if entry.IsDir() {
				on = g.expand(path, parts)
			}
		} else if ok, _ := filepath.Match(part, entry.Name()); ok { // the pattern was checked
			on = g.enterPath(path, rest)
		}
		if !on {
			return false
		}
	}
	return true
}

// enter reads path if it is the end of the pattern, and goes below it if not.
func (g *globber) enterPath(path string, rest []string) bool {
	info, err := os.Stat(path)
	isDir := err == nil && info.IsDir()
	switch {
	case len(rest) > 0:
		return !isDir || g.expand(path, rest)
	case isDir && g.deep, errors.Is(err, fs.ErrNotExist):
		return true
	}
	g.found = true
	if isDir {
		return g.folder(path, g.emit)
	}
	return g.file(path, g.emit)
}

func orHere(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

package jsonschema

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/spelling"
)

// refer is the schema that a $ref or $dynamicRef at a place leads to.
func (c *compiler) refer(s *schema, at int) (*schema, error) {
	text := string(s.source.Text(at))
	ref, err := url.Parse(text)
	if err != nil {
		return nil, s.source.errorAt(at, fmt.Sprintf("is %s, want a URI", jsonscan.Quote([]byte(text))), "")
	}
	target := s.resource.base.ResolveReference(ref)
	fragment := target.Fragment
	target.Fragment, target.RawFragment = "", ""
	r := s.resource
	if target.String() != r.base.String() {
		if r, err = c.resource(target.String()); err != nil {
			return nil, s.source.refused(at, text, target.String(), err)
		}
	}
	found := r.at
	switch {
	case fragment == "":
	case fragment[0] == '/':
		found = r.source.walk(r.at, fragment)
	default:
		var ok bool
		if found, ok = r.anchors[fragment]; !ok {
			found = -1
		}
	}
	if found < 0 {
		return nil, s.source.errorAt(at, fmt.Sprintf("is %s, which leads nowhere", jsonscan.Quote([]byte(text))), r.hintFor(fragment))
	}
	return c.at(place{r.source, found})
}

// hintFor names what a fragment that leads nowhere may have meant.
func (r *resource) hintFor(fragment string) string {
	if fragment[0] != '/' {
		return spelling.DidYouMean(fragment, slices.Sorted(maps.Keys(r.anchors)))
	}
	for cut := strings.LastIndexByte(fragment, '/'); cut >= 0; cut = strings.LastIndexByte(fragment[:cut], '/') {
		parent := r.source.walk(r.at, fragment[:cut])
		if parent < 0 || r.source.Kind(parent) != '{' {
			continue
		}
		name, _, _ := strings.Cut(fragment[cut+1:], "/")
		var names []string
		for k := range r.source.Members(parent) {
			names = append(names, string(r.source.Text(k)))
		}
		if near := spelling.Nearest(name, names); near != "" {
			return fmt.Sprintf("did you mean %q?", "#"+fragment[:cut]+"/"+near)
		}
		return ""
	}
	return ""
}

// walk follows a JSON pointer, and returns -1 where it leads nowhere.
func (s *source) walk(at int, pointer string) int {
	if pointer == "" {
		return at
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = jsonscan.PointerKey(token)
		switch s.Kind(at) {
		case '{':
			at = s.find(at, token)
		case '[':
			next := -1
			for n, item := range s.Items(at) {
				if fmt.Sprint(n) == token {
					next = item
				}
			}
			at = next
		default:
			return -1
		}
		if at < 0 {
			return -1
		}
	}
	return at
}

// The reasons why a URI gives no schema.
var (
	errRemote  = errors.New("is not in the schema, and nothing is fetched")
	errOutside = errors.New("is outside of the schema's folder")
)

// refused is the error of a reference to another document.
func (s *source) refused(at int, text, target string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e // of that document
	}
	message := fmt.Sprintf("is %s", jsonscan.Quote([]byte(text)))
	if text != target && !strings.HasPrefix(target, "file:") {
		message += fmt.Sprintf(", that is %q", target)
	}
	hint := ""
	switch {
	case errors.Is(err, errRemote):
		hint = "put that schema into $defs, with its $id, or into a file beside this one, and refer to that"
	case errors.Is(err, errOutside):
		hint = "move the file below that folder"
	case errors.Is(err, fs.ErrNotExist):
		err = errors.New("is not there")
	}
	return s.errorAt(at, fmt.Sprintf("%s, which %v", message, err), hint)
}

// resource is that of a URI without fragment, read if it is not known.
func (c *compiler) resource(uri string) (*resource, error) {
	if r := c.resources[uri]; r != nil {
		return r, nil
	}
	if strings.HasPrefix(uri, draft) {
		if err := c.addDraft(); err != nil {
			return nil, err
		}
		if r := c.resources[uri]; r != nil {
			return r, nil
		}
	}
	path, ok := c.local(uri)
	if !ok && strings.HasPrefix(uri, "file:") {
		return nil, errOutside
	} else if !ok {
		return nil, errRemote
	}
	name, body, err := c.read(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && !strings.HasPrefix(uri, "file:") {
			return nil, errRemote
		}
		return nil, err
	}
	c.files = append(c.files, name)
	return c.add(name, path, uri, body)
}

// local is the path of a file below the folder of the first one.
func (c *compiler) local(uri string) (string, bool) {
	for _, folder := range []string{c.folder, c.home} {
		rest, ok := strings.CutPrefix(uri, folder)
		path, err := url.PathUnescape(rest)
		if ok && folder != "" && rest != "" && err == nil && c.read != nil {
			return path, true
		}
	}
	return "", false
}

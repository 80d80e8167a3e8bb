package deliveryview

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// maxInline is how long a body in a command line may be.
const maxInline = 8 << 10

// URLOf is where e came to. A log from before the scheme was kept says http.
func URLOf(e *journal.Entry) string {
	if !strings.HasPrefix(e.URI, "/") && strings.Contains(e.URI, "://") {
		return e.URI // as to a proxy
	}
	return cmp.Or(e.Scheme, "http") + "://" + e.Host + e.URI
}

// CurlCommand is a command for a POSIX shell that sends e to the URL to, and by
// default to where it came to. A body that a command line cannot hold comes out
// of the log at path.
func CurlCommand(e *journal.Entry, to, path string) string {
	if to == "" {
		to = URLOf(e)
	}
	words := []string{"curl"}
	if e.Method != "POST" {
		words = append(words, "-X", safetext.Shell(e.Method))
	}
	header := receive.EndToEnd(e.Header)
	for _, name := range []string{"Content-Length", "Host", "Expect"} {
		header.Del(name)
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			if value == safetext.Masked {
				continue
			}
			field := name + ": " + value
			if value == "" {
				field = name + ";" // curl's way to send an empty one
			}
			words = append(words, "-H", safetext.Shell(field))
		}
	}
	pipe := ""
	switch {
	case len(e.Body) == 0 && e.Method != "POST":
	case inline(e.Body):
		words = append(words, "--data-binary", safetext.Shell(string(e.Body)))
	default:
		pipe = "julianctl log raw --log " + safetext.Shell(path) + " " + fmt.Sprint(e.ID) + " | "
		words = append(words, "--data-binary", "@-")
	}
	return pipe + strings.Join(append(words, safetext.Shell(to)), " ")
}

// inline reports whether body may stand in a command line: curl would read a
// file if it began with @, and what is not plain text does not survive being
// shown and copied.
func inline(body []byte) bool {
	return len(body) <= maxInline && utf8.Valid(body) && !bytes.HasPrefix(body, []byte("@")) &&
		safetext.Text(string(body)) == string(body) && !bytes.ContainsAny(body, "\r\n\t")
}

// Package page makes self-contained web pages: HTML with its styles, scripts and data
// inside. They load nothing from the network, and all text is escaped.
//
// It owns the styles (page.css) and scripts (page.js) that the reports and the inspector
// share, and the library for charts (uplot). It does not know their content.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"strings"
)

// uPlot 1.6.32, the files of its npm package unaltered; MIT. To take another
// version: `npm pack uplot@VERSION`, copy dist/uPlot.iife.min.js,
// dist/uPlot.min.css and LICENSE into uplot/, put the version and the sums of
// `sha256sum uplot/*` into TestChartLibraryIsUnaltered and look at the pages
// again.
//
//go:embed page.css page.js uplot
var files embed.FS

// Files has the parts of pages, for a server: page.css and page.js, which need
// uplot/uPlot.min.css and uplot/uPlot.iife.min.js before them, and uplot/LICENSE.
func Files() fs.FS { return files }

// Document is a page in one file.
type Document struct {
	Title string
	Body  Node
	// Data is encoded as JSON for scripts: page.data() returns it. Without data there
	// are no scripts and no charts.
	Data any
	// Style and Script follow those that all pages share.
	Style, Script string
}

// Write writes the complete page. On an error of encoding it writes nothing.
//
// The Content-Security-Policy of the page allows only its own styles and scripts, by
// their hashes: no connections, images, frames, forms, or injected scripts and styles.
func (d Document) Write(w io.Writer) error {
	styles := []string{read("uplot/uPlot.min.css"), read("page.css"), d.Style}
	scripts := []string{read("uplot/uPlot.iife.min.js"), read("page.js"), d.Script}
	var data []byte
	if d.Data == nil {
		styles, scripts = styles[1:], nil
	} else {
		var err error
		// It escapes <, >, &, U+2028 and U+2029, so it cannot end the element.
		if data, err = json.Marshal(d.Data); err != nil {
			return fmt.Errorf("data of the page: %w", err)
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>%s</title>
`, policy(styles, scripts), html.EscapeString(d.Title))
	for _, s := range styles {
		fmt.Fprintf(&b, "<style>%s</style>\n", s)
	}
	b.WriteString("</head>\n<body>\n")
	d.Body.write(&b)
	b.WriteByte('\n')
	if scripts != nil {
		fmt.Fprintf(&b, "<script type=\"application/json\" id=\"data\">%s</script>\n<!-- uPlot draws the charts.\n\n%s\n-->\n", data, read("uplot/LICENSE"))
	}
	for _, s := range scripts {
		fmt.Fprintf(&b, "<script>%s</script>\n", s)
	}
	b.WriteString("</body>\n</html>\n")
	_, err := w.Write(b.Bytes())
	return err
}

// policy returns the Content-Security-Policy of a page with these elements.
func policy(styles, scripts []string) string {
	return "default-src 'none'; style-src " + hashes(styles) + "; script-src " + hashes(scripts) + "; base-uri 'none'; form-action 'none'"
}

// hashes returns the sources of inline elements; 'none' if there are none.
func hashes(elements []string) string {
	if len(elements) == 0 {
		return "'none'"
	}
	sources := make([]string, len(elements))
	for i, e := range elements {
		sum := sha256.Sum256([]byte(e))
		sources[i] = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return strings.Join(sources, " ")
}

// read returns an embedded file, which a test proves to be there.
func read(name string) string {
	b, _ := files.ReadFile(name)
	return string(b)
}

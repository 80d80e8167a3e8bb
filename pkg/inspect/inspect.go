// Package inspect is the web inspector: a page that shows the deliveries of a log as
// they arrive, and lets the user resend, save or delete them.
//
// It owns the page (folder assets), its JSON interface and the access control. It does
// not receive, send or redact: the caller supplies functions for that, which also decide
// what is allowed.
//
// Payloads contain personal data, and other pages run in the same browser. So the server
// checks the Host and the origin of every request, and for changes the token of the page;
// see guard.go.
package inspect

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/page"
)

//go:embed assets
var assets embed.FS

// Options are the content and the functions of the inspector. Functions that are nil are
// not offered.
type Options struct {
	Log *journal.Log
	// Addr is the address of the server. The Host of requests must match it.
	Addr net.Addr
	// Key is the key in the link that opens the page, [Handler.Link]. Empty: no key
	// is needed, for loopback only.
	Key     string
	Version string // of the program
	// Try is a command that makes deliveries, shown while the log is empty.
	Try string
	// Secrets are names of further headers whose values are not shown.
	Secrets []string

	// Targets are the named endpoints for Send; the first one is the default.
	Targets []string
	// Send delivers one delivery again.
	Send func(context.Context, Sending) ([]Answer, error)
	// Filter parses the search field. It returns a function that finds the deliveries
	// after an id, oldest first, or nil if the text is only words. It may be nil.
	Filter func(text string) (find func(ctx context.Context, after int64) ([]journal.IDs, error), err error)
	// Curl returns a command that sends e again.
	Curl func(e *journal.Entry) string
	// Fixture writes e without personal data and returns the path of the file.
	Fixture func(ctx context.Context, e *journal.Entry) (path string, err error)
	// Delete says that deliveries may be deleted.
	Delete bool
}

// Sending is a delivery that is to be sent again.
type Sending struct {
	// To is one of the targets, or a URL that the user typed: Send must check it.
	To       string
	Entry    *journal.Entry // its exact bytes are sent
	Copies   int
	Together bool // at one instant, not one after the other
	// Edited says that Body is what the user made of it: what is answered then says
	// nothing of the delivery in the log.
	Edited bool
}

// Answer is the result of a delivery that was sent again.
type Answer struct {
	Status int     `json:"status"` // 0: none
	TookMS float64 `json:"took"`
	Error  string  `json:"error,omitempty"`
	Body   string  `json:"body,omitempty"` // its beginning
}

// Handler serves the page. It is safe for concurrent use.
type Handler struct {
	opts    Options
	token   string
	page    []byte         // with room for data
	data    map[string]any // of the page
	mux     *http.ServeMux
	origins *http.CrossOriginProtection

	mu    sync.Mutex
	found found // under mu
}

// New returns a handler with a new token.
func New(opts Options) (*Handler, error) {
	h := &Handler{opts: opts, token: rand.Text(), mux: http.NewServeMux(), origins: http.NewCrossOriginProtection()}
	index, err := assets.ReadFile("assets/index.html")
	if err != nil {
		return nil, err
	}
	var types []julian.ResultType
	for _, t := range julian.ResultTypes() {
		types = append(types, t.Name)
	}
	h.page = index
	h.data = map[string]any{
		"token": h.token, "version": opts.Version, "try": opts.Try, "types": types, "targets": append([]string{}, opts.Targets...),
		"can": map[string]bool{"send": opts.Send != nil, "curl": opts.Curl != nil, "fixture": opts.Fixture != nil, "delete": opts.Delete},
	}
	h.mux.HandleFunc("GET /{$}", h.index)
	h.mux.HandleFunc("GET /assets/{name...}", h.asset)
	for pattern, f := range map[string]func(*http.Request) (any, error){
		"GET /api/list":          h.list,
		"GET /api/index":         h.ids,
		"GET /api/rows":          h.rows,
		"GET /api/timeline":      h.timeline,
		"GET /api/delivery/{id}": h.delivery,
		"GET /api/compare":       h.compare,
		"GET /api/curl/{id}":     h.curl,
		"POST /api/send":         h.send,
		"POST /api/fixture":      h.fixture,
		"POST /api/delete":       h.delete,
	} {
		h.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { answer(w, r, f) })
	}
	h.mux.HandleFunc("GET /api/body/{id}", h.body)
	h.mux.HandleFunc("GET /api/live", h.live)
	return h, nil
}

// index serves the page with its first rows, so that it need not request them.
func (h *Handler) index(w http.ResponseWriter, r *http.Request) {
	data := maps.Clone(h.data)
	if rows, err := h.firstRows(r.Context(), journal.Filter{Newest: true, Limit: firstRows}); err == nil {
		data["first"] = rows // otherwise the page asks, and tells what is wrong
	}
	text, err := json.Marshal(data) // escapes <, > and &: nothing in it ends the element
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(bytes.Replace(h.page, []byte("{{data}}"), text, 1)) // who is gone does not miss it
}

// asset serves the files of this package, and those that all pages share.
func (h *Handler) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	data, err := fs.ReadFile(assets, path.Join("assets", name))
	if err != nil {
		data, err = fs.ReadFile(page.Files(), name)
	}
	kind := map[string]string{".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}[path.Ext(name)]
	if err != nil || kind == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	_, _ = w.Write(data) //nolint:gosec // a file of the program
}

// Link returns the URL to open in a browser.
func (h *Handler) Link() string {
	link := "http://" + strings.Replace(strings.Replace(h.opts.Addr.String(), "[::]:", "127.0.0.1:", 1), "0.0.0.0:", "127.0.0.1:", 1) + "/"
	if h.opts.Key != "" {
		link += "?key=" + h.opts.Key
	}
	return link
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

type listenOptions struct {
	server       serverFlags
	log          listenLogFlags
	path         string
	status       int
	maxBody      byteSize
	requires     []string // "Name: value"
	save         string   // a folder
	forwardTo    string   // URL or name
	allowHosts   []string
	exitAfter    int
	expectUnique int // -1: not asked for
	timeout      time.Duration
	format       string // empty: by what stdout is
	full         bool
}

// listenFormats are the forms of stdout; the first is for a person.
var listenFormats = []string{"pretty", "summary", "json", "raw"}

func newListenCmd(a *app) *cobra.Command {
	var opts listenOptions
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Stand in place of the endpoint and show what comes in",
		Long: `listen accepts deliveries, acknowledges them, and shows each with what a person
looks for: who was called and what came of it, what is wrong with the payload,
and whether it is a duplicate and of what it differs from the first.

Without --format a terminal gets "pretty", anything else "summary": one line a
delivery. "json" is one record a line, the last with "kind":"summary"; "raw" is
the exact bodies, each followed by a line feed.

It ends with Ctrl-C, or once what --exit-after and --expect-unique ask for has
come. The exit code is 1 when that did not come, in time or at all.`,
		Example: `  julianctl listen
  julianctl listen --forward-to http://127.0.0.1:8080/webhook
  julianctl listen --exit-after 3 --expect-unique 1 --timeout 10s --format json
  julianctl listen --path /hook --require-header 'X-Hook-Token: abc' --save payloads`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("format") {
				opts.format = ""
			}
			return runListen(cmd.Context(), a, opts)
		},
	}
	opts.server.declare(cmd, "127.0.0.1:4040")
	opts.log.declare(cmd)
	opts.maxBody = receive.DefaultMaxBody
	configFlag(cmd, "redact-header")
	flags := cmd.Flags()
	flags.StringVar(&opts.path, "path", "/", "path that deliveries are taken at; one that ends in / covers all beneath it")
	flags.IntVar(&opts.status, "status", receive.DefaultStatus, "status that acknowledges a delivery")
	flags.Var(&opts.maxBody, "max-body", "largest body; past it the answer is 413")
	flags.StringArrayVar(&opts.requires, "require-header", nil, "header that a delivery must carry, 'Name: value', or the answer is 401 (repeatable)")
	flags.StringVar(&opts.save, "save", "", "folder to write each body to before it is acknowledged")
	flags.StringVar(&opts.forwardTo, "forward-to", "", "endpoint to pass deliveries on to, and whose answer to hand back: a URL or a configured name")
	flags.StringArrayVar(&opts.allowHosts, "allow-host", nil, "host that --forward-to may reach beside this machine (repeatable)")
	flags.IntVar(&opts.exitAfter, "exit-after", 0, "end once so many deliveries are acknowledged")
	flags.IntVar(&opts.expectUnique, "expect-unique", -1, "exit 1 unless exactly so many different calls were delivered")
	flags.DurationVar(&opts.timeout, "timeout", 0, "longest wait for what is expected")
	flags.BoolVar(&opts.full, "full", false, "show headers, all fields and the whole transcript")
	formatFlag(cmd, &opts.format, listenFormats...)
	return cmd
}

// check finds what no flag parser can.
func (o *listenOptions) check() error {
	switch {
	case !strings.HasPrefix(o.path, "/") || strings.ContainsAny(o.path, "?# "):
		return usage(fmt.Errorf("--path %q is no path", o.path), "it begins with a slash and has no query, such as /webhook")
	case o.status < 200 || o.status > 599:
		return usage(fmt.Errorf("--status %d is no final status", o.status), "want 200 to 599")
	case o.exitAfter < 0:
		return usage(fmt.Errorf("--exit-after %d is negative", o.exitAfter), "")
	case o.expectUnique < -1:
		return usage(fmt.Errorf("--expect-unique %d is negative", o.expectUnique), "")
	case o.timeout < 0:
		return usage(fmt.Errorf("--timeout %s is negative", o.timeout), "")
	case o.timeout > 0 && o.exitAfter == 0 && o.expectUnique < 0:
		return usage(errors.New("--timeout waits for nothing"), "say what is expected: --exit-after N or --expect-unique N")
	}
	return nil
}

func runListen(ctx context.Context, a *app, opts listenOptions) (err error) {
	if err := opts.check(); err != nil {
		return err
	}
	require, err := parseRequired(opts.requires)
	if err != nil {
		return err
	}
	forward, closeForward, err := a.forwarder(opts)
	if err != nil {
		return err
	}
	defer closeForward()
	store, err := newSaver(a, opts.save)
	if err != nil {
		return err
	}
	printer, err := newListenPrinter(a, opts)
	if err != nil {
		return err
	}
	ln, err := opts.server.listen(ctx)
	if err != nil {
		return err
	}
	defer ln.Close()
	logged, err := a.listenLog(ctx, opts.log)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, logged.close()) }()
	url := "http://" + ln.Addr().String() + opts.path
	a.listenBanner(url, ln.Addr(), opts)
	remove, err := opts.server.announce(url)
	if err != nil {
		return err
	}
	defer remove()

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if opts.timeout > 0 {
		ctx, stop = context.WithTimeout(ctx, opts.timeout)
		defer stop()
	}
	seen := newTally(opts)
	server := receive.New(receive.Options{
		Path: opts.path, Status: opts.status, Require: require, MaxBody: int64(opts.maxBody),
		Store: storeAll(logged.hook(), store.hook()), Forward: forward, Now: a.now,
		Sink: func(d *receive.Delivery) {
			shown := printer.delivery(logged.see(d))
			logged.finish(d, shown.issues)
			seen.add(shown, d.Copy == 1)
			if seen.complete() || a.out.Err() != nil {
				stop()
			}
		},
	})
	start := a.now()
	if err := server.Serve(ctx, ln); err != nil {
		return unable(err, "")
	}
	seen.Shed, seen.ElapsedMS = server.Shed(), milliseconds(a.now().Sub(start))
	return a.listenEnd(printer, seen, store)
}

func (a *app) listenBanner(url string, addr net.Addr, opts listenOptions) {
	s := a.errStyle
	a.note("%s %s  %s", s.good("listening on"), s.bold(safetext.Line(url)), s.faint("Ctrl-C stops it"))
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		a.note("%s other machines can reach it, and nothing is encrypted", s.warn("warning:"))
	}
	if opts.forwardTo != "" {
		a.note("forwarding to %s", safetext.Line(opts.forwardTo))
	}
	a.note("%s julianctl replay --dup --to %s", s.faint("try:"), safetext.Line(url))
}

// listenEnd says what came, and whether that was expected.
func (a *app) listenEnd(printer *listenPrinter, seen *tally, store *saver) error {
	missed := seen.missed()
	seen.Complete = missed == ""
	if err := printer.summary(seen); err != nil {
		return err
	}
	if missed != "" {
		return &fault{code: exitNo, err: errors.New(missed)}
	}
	return store.failed()
}

// tally counts what came. It is used by one goroutine at a time.
type tally struct {
	Deliveries   int     `json:"deliveries"`   // taken in: at the right place and whole
	Acknowledged int     `json:"acknowledged"` // of them, answered 2xx
	Calls        int     `json:"calls"`        // different call ids among the acknowledged
	Duplicates   int     `json:"duplicates"`   // deliveries of a call that had been delivered before
	Invalid      int     `json:"invalid"`      // deliveries whose payload has an error
	Refused      int     `json:"refused"`      // other requests
	Shed         int64   `json:"shed"`         // refused without a record: too much was waiting
	Complete     bool    `json:"complete"`     // what was expected has come
	ElapsedMS    float64 `json:"elapsedMs"`

	opts   listenOptions
	counts int // towards --exit-after
	ids    map[string]struct{}
}

func newTally(opts listenOptions) *tally { return &tally{opts: opts, ids: map[string]struct{}{}} }

// add counts d; first says that its call was not delivered in this run before.
func (t *tally) add(d *shownDelivery, first bool) {
	if d.Refusal != "" {
		t.Refused++
		return
	}
	t.Deliveries++
	if d.Copy > 1 {
		t.Duplicates++
	}
	if d.invalid {
		t.Invalid++
	}
	// A failing --status is an answer as asked for.
	if d.Acknowledged() || d.Forward == nil {
		t.counts++
	}
	if d.Acknowledged() {
		t.Acknowledged++
	}
	if d.Copy > 0 && t.opts.expectUnique >= 0 {
		t.ids[d.CallID] = struct{}{}
	}
	if first {
		t.Calls++
	}
}

// complete reports whether nothing more is waited for.
func (t *tally) complete() bool {
	switch {
	case t.opts.exitAfter > 0:
		return t.counts >= t.opts.exitAfter
	case t.opts.expectUnique > 0:
		return len(t.ids) >= t.opts.expectUnique
	}
	return false
}

// missed says what was expected and did not come; empty when all did.
func (t *tally) missed() string {
	switch want := t.opts; {
	case t.counts < want.exitAfter:
		return fmt.Sprintf("%d of %d expected deliveries came", t.counts, want.exitAfter)
	case want.expectUnique >= 0 && len(t.ids) != want.expectUnique:
		return fmt.Sprintf("%s came, and %d expected", count(len(t.ids), "different call"), want.expectUnique)
	}
	return ""
}

// byteSize is a flag like 10MiB.
type byteSize int64

func (b *byteSize) Type() string { return "size" }

func (b *byteSize) String() string {
	for _, u := range byteUnits {
		if n := int64(*b); n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d%s", n/u.bytes, u.name)
		}
	}
	return fmt.Sprint(int64(*b))
}

func (b *byteSize) Set(s string) error {
	var n int64
	var unit string
	if _, err := fmt.Sscanf(s+" B", "%d%s", &n, &unit); err != nil || n <= 0 {
		return errors.New("want a size such as 512KiB or 10MiB")
	}
	for _, u := range byteUnits {
		if strings.EqualFold(unit, u.name) && n <= (1<<40)/u.bytes {
			*b = byteSize(n * u.bytes)
			return nil
		}
	}
	return errors.New("want a size such as 512KiB or 10MiB, up to 1TiB")
}

var byteUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

func parseRequired(lines []string) ([]receive.Field, error) {
	var fields []receive.Field
	for _, line := range lines {
		field, err := deliver.ParseField(line)
		if err != nil {
			return nil, usage(fmt.Errorf("--require-header: %w", err), "write it as 'Name: value'")
		}
		fields = append(fields, receive.Field{Name: field.Name, Value: field.Value})
	}
	return fields, nil
}

// saver writes bodies to a folder, before they are acknowledged.
type saver struct {
	a   *app
	dir string // empty: nothing is saved
	mu  sync.Mutex
	err error // the first
}

func newSaver(a *app, dir string) (*saver, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, unable(fmt.Errorf("--save: %w", err), "")
		}
	}
	return &saver{a: a, dir: dir}, nil
}

// hook is nil when nothing is saved.
func (s *saver) hook() func(context.Context, *receive.Delivery) error {
	if s.dir == "" {
		return nil
	}
	return func(_ context.Context, d *receive.Delivery) error {
		if d.Refusal != "" {
			return nil
		}
		err := writeFile(filepath.Join(s.dir, saveName(d)), d.Body)
		if err != nil {
			s.fail(err)
		}
		return err
	}
}

// saveName sorts by time, and no two runs share one.
func saveName(d *receive.Delivery) string {
	name := fmt.Sprintf("%s-%06d", d.Received.UTC().Format("20060102T150405.000Z"), d.Seq)
	if d.CallID != "" {
		name += "-" + safetext.Filename(d.CallID)
	}
	if d.Header.Get("Content-Encoding") == "gzip" {
		return name + ".json.gz"
	}
	return name + ".json"
}

func (s *saver) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		s.a.note("%s --save: %s; the sender gets 503", s.a.errStyle.bad("julianctl:"), safetext.Line(err.Error()))
	}
}

func (s *saver) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		return nil
	}
	return unable(fmt.Errorf("--save: not every delivery could be saved: %w", s.err), "")
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

type listenOptions struct {
	server    serverFlags
	log       listenLogFlags
	path      string
	answer    answerFlags
	maxBody   byteSize
	requires  []string // "Name: value"
	save      string   // a folder
	forward   forwardFlags
	faults    faultFlags
	expect    expectFlags
	tls       tlsFlags
	tunnel    string // name of a program
	onFailure string // a command line
	ui        uiFlags
	filter    []string
	format    string // empty: by what stdout is
	full      bool

	statusGiven bool   // --status
	shown       chosen // of filter
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
the exact bodies, each followed by a line feed. --filter says which deliveries
are shown; all are taken in, answered and counted.

It ends with Ctrl-C, or once what --exit-after, --until and --expect-unique ask
for has come. The exit code is 1 when that did not come, in time or at all.
A delivery that failed or was dropped on purpose is not counted there: its
sender does not know that it arrived, and sends it again.

--delay, --fail-rate, --fail-first and --drop-rate show how a sender takes an
endpoint that is slow, fails, or takes a delivery in and does not say so. What
fails is not forwarded; what is dropped is. Each fault is shown.

--on-failure runs a command for each delivery whose payload has an error, that
the endpoint of --forward-to did not take, or that could not be taken in (too
large, broken off, not stored). No shell reads it. It gets the body as the file
$JULIANCTL_BODY_FILE, which is gone afterwards, and in the environment REASON
(invalid, not-forwarded, refused), DETAIL, CALL_ID, RESULT_TYPE, COPY, SEQ,
STATUS and RECEIVED, each with JULIANCTL_ before it.`,
		Example: `  julianctl listen
  julianctl listen --ui
  julianctl listen --forward-to http://127.0.0.1:8080/webhook --forward-retries 3
  julianctl listen --tunnel cloudflared --require-header 'X-Hook-Token: abc'
  julianctl listen --exit-after 3 --expect-unique 1 --timeout 10s --format json
  julianctl listen --until callId=call.abc123 --timeout 2m
  julianctl listen --filter 'callResult.resultType=Goal Completed' --filter 'duration>60'
  julianctl listen --delay 200ms..2s --fail-first 1 --drop-rate 0.1
  julianctl listen --on-failure 'notify-send "webhook failed"'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("format") {
				opts.format = ""
			}
			opts.statusGiven = cmd.Flags().Changed("status")
			return runListen(cmd.Context(), a, opts)
		},
	}
	opts.server.declare(cmd, "127.0.0.1:4040")
	opts.log.declare(cmd)
	opts.maxBody = receive.DefaultMaxBody
	configFlag(cmd, "redact-header")
	flags := cmd.Flags()
	flags.StringVar(&opts.path, "path", "/", "path that deliveries are taken at; one that ends in / covers all beneath it")
	opts.answer.declare(cmd)
	flags.Var(&opts.maxBody, "max-body", "largest body; past it the answer is 413")
	flags.StringArrayVar(&opts.requires, "require-header", nil, "header that a delivery must carry, 'Name: value', or the answer is 401 (repeatable)")
	flags.StringVar(&opts.save, "save", "", "folder to write each body to before it is acknowledged")
	opts.forward.declare(cmd)
	opts.faults.declare(cmd)
	opts.expect.declare(cmd)
	opts.tls.declare(cmd)
	opts.ui.declare(cmd)
	choiceFlag(cmd, &opts.tunnel, "tunnel", "program that gives this listener a public URL, to paste into Julian", tunnelNames()...)
	flags.StringVar(&opts.onFailure, "on-failure", "", "command to run for each delivery that failed; see above")
	flags.StringArrayVar(&opts.filter, "filter", nil, "show only what meets this: "+filterDoc)
	flags.BoolVar(&opts.full, "full", false, "show headers, all fields and the whole transcript")
	formatFlag(cmd, &opts.format, listenFormats...)
	return cmd
}

// check finds what no flag parser can.
func (o *listenOptions) check() (err error) {
	if !strings.HasPrefix(o.path, "/") || strings.ContainsAny(o.path, "?# ") {
		return usage(fmt.Errorf("--path %q is no path", o.path), "it begins with a slash and has no query, such as /webhook")
	}
	if o.shown, err = readLiveFilters("filter", o.filter); err != nil {
		return err
	}
	switch {
	case o.ui.on && sameAddress(o.ui.addr, o.server.addr):
		return usage(fmt.Errorf("--ui-addr %q is the address of --addr, too", o.ui.addr), "give one of them another port; port 0 takes any free one")
	case o.answer.body != "" && o.forward.to != "":
		return usage(errors.New("--body is one answer, and --forward-to hands another back"), "say one of them")
	case o.tunnel != "" && o.tls.on():
		return usage(errors.New("--tunnel has a certificate of its own"), "leave --tls out: only the tunnel speaks to this listener")
	case o.tunnel != "" && o.server.expose:
		return usage(errors.New("--tunnel reaches this listener on loopback, and --expose opens it beside"), "say one of them")
	}
	for _, check := range []func() error{o.forward.check, o.faults.check, o.expect.check, o.tls.check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func runListen(ctx context.Context, a *app, opts listenOptions) (err error) {
	if err := opts.check(); err != nil {
		return err
	}
	uses := []fileUse{{"--ready-file", opts.server.readyFile}, {"--tls-ca-out", opts.tls.caOut}}
	if a.cfg.Log != noLog {
		uses = append(uses, fileUse{"--log", a.cfg.Log})
	}
	if err := writeApart(uses, opts.tls.cert, opts.tls.key); err != nil {
		return err
	}
	a.tellDoubts(opts.shown.doubts, "--filter: ", " is not documented")
	a.tellDoubts(opts.expect.match.doubts, "--until: ", " is not documented")
	require, err := parseRequired(opts.requires)
	if err != nil {
		return err
	}
	body, contentType, err := opts.answer.read(opts.statusGiven)
	if err != nil {
		return err
	}
	forward, err := a.forwarder(opts.forward)
	if err != nil {
		return err
	}
	defer forward.close()
	store, err := newSaver(a, opts.save)
	if err != nil {
		return err
	}
	printer, err := newListenPrinter(a, showOptions{format: opts.format, full: opts.full, whole: opts.full, shown: opts.shown, path: opts.path, maxBody: opts.maxBody})
	if err != nil {
		return err
	}
	ln, err := opts.server.listen(ctx)
	if err != nil {
		return err
	}
	defer ln.Close()
	if forward.leadsTo(ln.Addr()) {
		return usage(fmt.Errorf("--forward-to %q is this listener itself", withoutPassword(opts.forward.to)), "name the endpoint behind it, or listen elsewhere with --addr")
	}
	logged, err := a.listenLog(ctx, opts.log)
	if err != nil {
		return err
	}
	defer func() { err = a.also(ctx, err, logged.close()) }()
	secure, err := opts.tls.config(a, ln.Addr())
	if err != nil {
		return err
	}
	failures, err := newOnFailure(ctx, a, opts.onFailure)
	if err != nil {
		return err
	}
	defer failures.close()

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	url := "http://" + ln.Addr().String()
	if secure != nil {
		url = "https://" + ln.Addr().String()
	}
	endTunnel, err := a.openTunnel(ctx, opts, url, stop)
	if err != nil {
		return err
	}
	defer endTunnel()
	url += opts.path
	a.listenBanner(url, ln.Addr(), opts)
	closeUI, err := a.openUI(ctx, opts, logged.log, url)
	if err != nil {
		return err
	}
	defer closeUI()
	remove, err := opts.server.announce(url)
	if err != nil {
		return err
	}
	defer remove()

	if opts.expect.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opts.expect.timeout)
		defer cancel()
	}
	seen := newTally(opts.expect)
	server := receive.New(receive.Options{
		Path: opts.path, Status: opts.answer.status, Body: body, ContentType: contentType,
		Require: require, MaxBody: int64(opts.maxBody), Faults: opts.faults.faults(), TLS: secure,
		Store: storeAll(logged.hook(), store.hook()), Forward: forward.hook(), Now: a.now,
		Sink: func(d *receive.Delivery) {
			shown := printer.delivery(logged.see(d))
			logged.finish(shown)
			failures.look(shown)
			if seen.add(shown, d.Copy == 1); seen.complete() {
				stop(nil)
			}
		},
		Flush: func() {
			if printer.flush(); a.out.Err() != nil {
				stop(nil)
			}
		},
	})
	defer tuneListen(a, int64(opts.maxBody))()
	start := a.now()
	if err := server.Serve(ctx, ln); err != nil {
		return unable(err, "")
	}
	failures.close() // what it says stands before the summary
	seen.Shed, seen.ElapsedMS = server.Shed(), milliseconds(a.now().Sub(start))
	if err := a.listenEnd(printer, seen, store); err != nil {
		return err
	}
	if gone, ok := errors.AsType[*tunnelError](context.Cause(ctx)); ok {
		return unable(gone, "")
	}
	return nil
}

func (a *app) listenBanner(url string, addr net.Addr, opts listenOptions) {
	s := a.errStyle
	a.note("%s %s  %s", s.good("listening on"), s.bold(safetext.Line(url)), s.faint("Ctrl-C stops it"))
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		open := "other machines can reach it"
		if !opts.tls.on() {
			open += ", and nothing is encrypted"
		}
		a.note("%s %s", s.warn("warning:"), open)
	}
	if to := opts.forward.to; to != "" {
		a.note("forwarding to %s", safetext.Line(withoutPassword(to)))
	}
	if faults := opts.faults.String(); faults != "" {
		a.note("%s %s", s.warn("faults:"), faults)
	}
	a.note("%s julianctl replay --dup --to %s", s.faint("try:"), safetext.Shell(url))
}

// listenEnd says what came, and whether that was expected.
func (a *app) listenEnd(printer *listenPrinter, seen *tally, store *saver) error {
	missed := seen.missed()
	seen.Complete = missed == ""
	if err := a.listenSummary(printer, seen); err != nil {
		return err
	}
	if missed != "" {
		return &fault{code: exitNo, err: errors.New(missed)}
	}
	return store.failed()
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
	digits := s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
	unit := cmp.Or(strings.TrimSpace(s[len(digits):]), "B")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || err == nil && n == 0 {
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

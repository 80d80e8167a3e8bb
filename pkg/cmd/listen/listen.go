// Package listen is the command listen: it receives webhooks, shows and forwards them.
package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

type options struct {
	server   cli.ServerFlags
	log      listenLogFlags
	path     string
	answer   answerFlags
	maxBody  cli.ByteSize
	requires []string // "Name: value"
	save     string   // a folder
	forward  forwardFlags
	faults   faultFlags
	expect   expectFlags
	tls      tlsFlags
	tunnel   string // name of a program
	alarms   alarmFlags
	ui       uiFlags
	filter   []string
	format   string // empty: by what stdout is
	full     bool

	statusGiven bool                // --status
	shown       deliveryview.Chosen // of filter
}

// NewCmd is the command.
func NewCmd(a *cli.App) *cobra.Command {
	var opts options
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive webhooks locally; inspect or forward them",
		Long: `listen receives deliveries, answers them, and shows each one: who was called, the
result, what is wrong with the payload, and how a duplicate differs from the first.

On a terminal the format is "pretty", elsewhere "summary", one line a delivery.
"json" is one record a line, the last with "kind":"summary". "raw" is the exact
bodies, each followed by a line feed. --filter selects what is shown; every delivery
is stored, answered and counted.

listen ends with Ctrl-C, or when --exit-after, --until and --expect-unique are met. The
exit code is 1 if they are not met in time. A delivery that was failed or dropped on
purpose does not count: its sender will send it again.

--delay, --fail-rate, --fail-first and --drop-rate show how a sender copes with an
endpoint that is slow, fails, or loses its answer. A failed delivery is not forwarded,
a dropped one is. Each fault is shown.

--on-failure runs a command for each delivery that has an error in its payload, that
the endpoint of --forward-to did not accept, or that could not be received (too large,
cut off, not stored). No shell runs it. It gets the body as the file
$JULIANCTL_BODY_FILE, which is deleted afterwards, and these variables, each with
JULIANCTL_ before it: REASON (invalid, not-forwarded, refused), DETAIL, CALL_ID,
RESULT_TYPE, COPY, SEQ, STATUS, RECEIVED and FAILURES. With --on-failure-every 10m a
thousand failures are one run, and FAILURES is their number. --on-silence runs a
command once if no delivery comes for a time (REASON is silence). --on-recover runs one
at the first good delivery after a failure or a silence (REASON is recovered).`,
		Example: `  julianctl listen
  julianctl listen --ui
  julianctl listen --forward-to http://127.0.0.1:8080/webhook --forward-retries 3
  julianctl listen --tunnel cloudflared --require-header 'X-Hook-Token: abc'
  julianctl listen --exit-after 3 --expect-unique 1 --timeout 10s --format json
  julianctl listen --until callId=call.abc123 --timeout 2m
  julianctl listen --filter 'callResult.resultType=Goal Completed' --filter 'duration>60'
  julianctl listen --delay 200ms..2s --fail-first 1 --drop-rate 0.1
  julianctl listen --on-failure 'notify-send "webhook failed"' --on-failure-every 10m
  julianctl listen --on-silence '30m notify-send "no webhooks"' --on-recover 'notify-send well'`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("format") {
				opts.format = ""
			}
			opts.statusGiven = cmd.Flags().Changed("status")
			return run(cmd.Context(), a, opts)
		},
	}
	opts.server.Declare(cmd, "127.0.0.1:4040")
	opts.log.declare(cmd)
	opts.maxBody = receive.DefaultMaxBody
	cli.ConfigFlag(cmd, "redact-header")
	flags := cmd.Flags()
	flags.StringVar(&opts.path, "path", "/", "path of deliveries; one that ends in / includes all paths below it")
	opts.answer.declare(cmd)
	flags.Var(&opts.maxBody, "max-body", "largest body; a larger one is answered with 413")
	flags.StringArrayVar(&opts.requires, "require-header", nil, "header that each delivery must have, 'Name: value'; else the answer is 401 (repeatable)")
	flags.StringVar(&opts.save, "save", "", "folder in which each body is saved before it is acknowledged")
	opts.forward.declare(cmd)
	opts.faults.declare(cmd)
	opts.expect.declare(cmd)
	opts.tls.declare(cmd)
	opts.ui.declare(cmd)
	cli.ChoiceFlag(cmd, &opts.tunnel, "tunnel", "program that gives the listener a public URL for Julian", tunnelNames()...)
	opts.alarms.declare(cmd)
	flags.StringArrayVar(&opts.filter, "filter", nil, "show only matching deliveries: "+deliveryview.FilterDoc)
	flags.BoolVar(&opts.full, "full", false, "show headers, all fields and the whole transcript")
	cli.FormatFlag(cmd, &opts.format, deliveryview.Formats...)
	cli.GroupFlags(cmd,
		"Most used: forward-to ui tunnel format exit-after",
		"Receive: addr path | require-header max-body dup-window ready-file expose",
		"HTTPS: tls | tls-ca-out tls-cert tls-key",
		"Respond: status | body",
		"Forward: forward-retries | forward-timeout allow-host",
		"Faults: delay fail-first drop-rate | fail-rate fail-status seed",
		"Show: filter | full ui-addr fixtures",
		"Log: log save | log-keep log-size keep-secrets redact-header",
		"Alarms: on-failure | on-failure-every on-silence on-recover",
		"Stop: until timeout expect-unique",
	)
	return cmd
}

// check checks the flags together.
func (o *options) check() (err error) {
	if !strings.HasPrefix(o.path, "/") || strings.ContainsAny(o.path, "?# ") {
		return cli.UsageError(fmt.Errorf("--path %q is not a path", o.path), "it begins with a slash and has no query, such as /webhook")
	}
	if o.shown, err = deliveryview.ReadLiveFilters("filter", o.filter); err != nil {
		return err
	}
	switch {
	case o.ui.on && cli.SameAddress(o.ui.addr, o.server.Addr):
		return cli.UsageError(fmt.Errorf("--ui-addr %q is also the address of --addr", o.ui.addr), "give one of them another port; port 0 takes any free one")
	case o.answer.body != "" && o.forward.to != "":
		return cli.UsageError(errors.New("use only one of --body and --forward-to"), "--forward-to returns the answer of the endpoint")
	case o.tunnel != "" && o.tls.on():
		return cli.UsageError(errors.New("use only one of --tunnel and --tls"), "a tunnel has its own certificate")
	case o.tunnel != "" && o.server.Expose:
		return cli.UsageError(errors.New("use only one of --tunnel and --expose"), "a tunnel reaches the listener on loopback")
	}
	for _, check := range []func() error{o.forward.check, o.faults.check, o.expect.check, o.tls.check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func run(ctx context.Context, a *cli.App, opts options) (err error) {
	if err := opts.check(); err != nil {
		return err
	}
	uses := []cli.FileUse{{Flag: "--ready-file", Path: opts.server.ReadyFile}, {Flag: "--tls-ca-out", Path: opts.tls.caOut}}
	if a.Config.Log != cli.NoLog {
		uses = append(uses, cli.FileUse{Flag: "--log", Path: a.Config.Log})
	}
	if err := cli.WriteApart(uses, opts.tls.cert, opts.tls.key); err != nil {
		return err
	}
	deliveryview.NotePossibleTypos(a, opts.shown.PossibleTypos, "--filter: ", " is not documented")
	deliveryview.NotePossibleTypos(a, opts.expect.match.PossibleTypos, "--until: ", " is not documented")
	require, err := cli.ParseFields("--require-header: ", opts.requires)
	if err != nil {
		return err
	}
	body, contentType, err := opts.answer.read(opts.statusGiven)
	if err != nil {
		return err
	}
	forward, err := newForwarder(a, opts.forward)
	if err != nil {
		return err
	}
	defer forward.close()
	store, err := newSaver(a, opts.save)
	if err != nil {
		return err
	}
	printer, err := deliveryview.NewPrinter(a, deliveryview.Options{Format: opts.format, Full: opts.full, Whole: opts.full, Shown: opts.shown, Path: opts.path, MaxBody: opts.maxBody})
	if err != nil {
		return err
	}
	ln, err := opts.server.Listen(ctx)
	if err != nil {
		return err
	}
	defer ln.Close()
	if forward.leadsTo(ln.Addr()) {
		return cli.UsageError(fmt.Errorf("--forward-to %q is this listener itself", cli.WithoutPassword(opts.forward.to)), "name the endpoint behind it, or listen elsewhere with --addr")
	}
	logged, err := openLog(ctx, a, opts.log)
	if err != nil {
		return err
	}
	defer func() { err = a.Also(ctx, err, logged.close()) }()
	secure, err := opts.tls.config(a, ln.Addr())
	if err != nil {
		return err
	}
	failures, err := newAlarms(ctx, a, opts.alarms)
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
	endTunnel, err := openTunnel(ctx, a, opts, url, stop)
	if err != nil {
		return err
	}
	defer endTunnel()
	url += opts.path
	listenBanner(a, url, ln.Addr(), opts)
	logged.banner()
	closeUI, err := openUI(ctx, a, opts, logged.log, url)
	if err != nil {
		return err
	}
	defer closeUI()
	remove, err := opts.server.Announce(url)
	if err != nil {
		return err
	}
	defer remove()

	if opts.expect.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opts.expect.timeout)
		defer cancel()
	}
	defer tuneListen(a, int64(opts.maxBody))()
	failures.begin()
	s := session{a: a, printer: printer, logged: logged, failures: failures, store: store, seen: newTally(opts.expect), stop: func() { stop(nil) }}
	if err := s.serve(ctx, ln, receive.Options{
		Path: opts.path, Status: opts.answer.status, Body: body, ContentType: contentType,
		Require: require.HTTP(), MaxBody: int64(opts.maxBody), Faults: opts.faults.faults(), TLS: secure,
		Forward: forward.hook(), Now: a.Now,
	}); err != nil {
		return err
	}
	if gone, ok := errors.AsType[*tunnelError](context.Cause(ctx)); ok {
		return cli.Failure(gone, "")
	}
	return nil
}

// session is what deliveries go through, from the first to the last.
type session struct {
	a        *cli.App
	printer  *deliveryview.Printer
	logged   *listenLog
	failures *alarms
	store    *saver
	seen     *tally
	stop     func() // ends it
}

// serve takes deliveries until the session ends, and then accounts for them.
func (s *session) serve(ctx context.Context, ln net.Listener, o receive.Options) error {
	if s.logged.log != nil || s.store.dir != "" {
		o.Store = s.keep
	}
	o.Sink = s.show
	o.Flush = func() {
		if s.printer.Flush(); s.a.Out.Err() != nil {
			s.stop()
		}
	}
	server := receive.New(o)
	start := s.a.Now()
	if err := server.Serve(ctx, ln); err != nil {
		return cli.Failure(err, "")
	}
	s.failures.close() // what it says stands before the summary
	s.seen.Shed, s.seen.ElapsedMS = server.Shed(), units.Milliseconds(s.a.Now().Sub(start))
	return s.end()
}

// keep stores a delivery before it is answered.
func (s *session) keep(ctx context.Context, d *receive.Delivery) error {
	if err := s.logged.store(ctx, d); err != nil {
		return err
	}
	return s.store.save(d)
}

// show shows a delivery that is answered, and ends the session with the last that was
// waited for.
func (s *session) show(d *receive.Delivery) {
	shown := s.printer.Delivery(d, s.logged.see(d))
	s.logged.finish(shown)
	s.failures.look(shown)
	if s.seen.add(shown, d.Nth == 1); s.seen.complete() {
		s.stop()
	}
}

func listenBanner(a *cli.App, url string, addr net.Addr, opts options) {
	s := a.ErrStyle
	a.Note("%s %s  %s", s.Good("listening on"), s.Bold(safetext.Line(url)), s.Faint("Ctrl-C stops it"))
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		open := "other machines can reach it"
		if !opts.tls.on() {
			open += ", and nothing is encrypted"
		}
		a.Note("%s %s", s.Warn("warning:"), open)
	}
	if to := opts.forward.to; to != "" {
		a.Note("forwarding to %s", safetext.Line(cli.WithoutPassword(to)))
	}
	if faults := opts.faults.String(); faults != "" {
		a.Note("%s %s", s.Warn("faults:"), faults)
	}
	a.Note("%s julianctl replay --dup --to %s", s.Faint("try:"), safetext.Shell(url))
}

// end prints what was received, and whether that was expected.
func (s *session) end() error {
	missed := s.seen.missed()
	s.seen.Complete = missed == ""
	if err := listenSummary(s.a, s.printer, s.seen); err != nil {
		return err
	}
	if missed != "" {
		return &cli.ExitError{Code: cli.ExitNo, Err: errors.New(missed)}
	}
	return s.store.failed()
}

// saver writes bodies to a folder, before they are acknowledged.
type saver struct {
	a   *cli.App
	dir string // empty: nothing is saved
	mu  sync.Mutex
	err error // the first
}

func newSaver(a *cli.App, dir string) (*saver, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, cli.Failure(fmt.Errorf("--save: %w", err), "")
		}
	}
	return &saver{a: a, dir: dir}, nil
}

func (s *saver) save(d *receive.Delivery) error {
	if s.dir == "" || d.Refusal != "" {
		return nil
	}
	err := cli.WriteFile(filepath.Join(s.dir, saveName(d)), d.Body)
	if err != nil {
		s.fail(err)
	}
	return err
}

// saveName returns a name that sorts by time and is unique for a run.
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
		s.a.Note("%s --save: %s; the sender gets 503", s.a.ErrStyle.Bad("julianctl:"), safetext.Line(err.Error()))
	}
}

func (s *saver) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		return nil
	}
	return cli.Failure(fmt.Errorf("--save: not every delivery could be saved: %w", s.err), "")
}

// listenSummary ends the output on stdout and prints a summary on stderr.
func listenSummary(a *cli.App, p *deliveryview.Printer, t *tally) error {
	if written, err := p.End(t); written {
		return err
	}
	s := a.ErrStyle
	unanswered, refused := t.Deliveries-t.Acknowledged-t.Faults, t.Refused+int(t.Shed)
	parts := []string{s.Bold(units.Count(t.Deliveries, "delivery"))}
	for _, c := range []struct {
		n     int
		text  string
		paint terminal.Paint
	}{
		{t.Calls, units.Count(t.Calls, "call"), s.Bold},
		{t.Duplicates, units.Count(t.Duplicates, "duplicate"), s.Warn},
		{t.Invalid, units.Number(t.Invalid) + " invalid", s.Bad},
		{t.Faults, units.Number(t.Faults) + " failed on purpose", s.Warn},
		{unanswered, units.Number(unanswered) + " not acknowledged", s.Bad},
		{refused, units.Number(refused) + " refused", s.Bad},
		{t.Hidden, units.Number(t.Hidden) + " hidden by --filter", s.Faint},
	} {
		if c.n == 0 {
			continue
		}
		parts = append(parts, c.paint(c.text))
	}
	if a.Err.IsTTY() {
		a.Note("") // Ctrl-C has left its mark on the line
	}
	a.Note("%s in %s", strings.Join(parts, ", "), units.Time(units.FromMilliseconds(t.ElapsedMS)))
	return nil
}

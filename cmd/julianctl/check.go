package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

type checkOptions struct {
	delivery       deliveryFlags
	only, skip     []string
	budget         string
	seed           uint64
	format         string
	reports        []string // FORMAT=FILE
	list           bool
	explain        string
	allowUndecided bool
}

func newCheckCmd(a *app) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check --to URL|NAME",
		Short: "Check an endpoint against the provider's best practices",
		Long: `check delivers synthetic calls to an endpoint and judges its answers. Each
check ends in PASS, WARN, FAIL, UNDECIDED or SKIP; no evidence is never a pass.

The family name of every contact is Test, phone numbers are reserved for
fiction, and every call id begins with call.julianctl-. The one exception is
the provider's own sample.`,
		Example: `  julianctl check --to http://127.0.0.1:8080/webhook
  julianctl check --to staging --budget p99=500ms --format junit > check.xml
  julianctl check --to http://127.0.0.1:8080/ --only idempotency
  julianctl check --list
  julianctl check --explain malformed-json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				o.seed = uint64(rand.Uint32())
			}
			return runCheck(cmd.Context(), a, o)
		},
	}
	o.delivery.declare(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.only, "only", nil, "run only these checks or groups")
	f.StringSliceVar(&o.skip, "skip", nil, "leave these checks or groups out")
	f.StringVar(&o.budget, "budget", "p99=2s", "most time to an answer: p50=100ms,p99=2s,max=5s")
	f.Uint64Var(&o.seed, "seed", 0, "makes the call ids; the same seed sends the same bytes (default random)")
	f.BoolVar(&o.allowUndecided, "allow-undecided", false, "exit 0 although something stayed undecided")
	f.BoolVar(&o.list, "list", false, "list the checks")
	f.StringVar(&o.explain, "explain", "", "explain one check")
	reportFlags(cmd, &o.format, &o.reports, reportFormats(false))
	return cmd
}

func runCheck(ctx context.Context, a *app, o checkOptions) error {
	switch {
	case o.list:
		return listChecks(a, o.format)
	case o.explain != "":
		return explainCheck(a, o.explain)
	}
	limits, err := deliver.ParseLimits(o.budget)
	if err != nil {
		return usage(fmt.Errorf("--budget: %w", err), "")
	}
	reports, err := newReports(a, "check", o.format, o.reports, reportFormats(false))
	if err != nil {
		return err
	}
	client, err := a.deliveryClient(o.delivery)
	if err != nil {
		return err
	}
	defer client.Close()
	p := newCheckPrinter(a, o, client.Target(), reports)
	sum, err := check.Run(ctx, check.Options{Sender: client, Budget: limits, Only: o.only, Skip: o.skip, Seed: o.seed}, p.result)
	if errors.Is(err, check.ErrUnknown) {
		return usage(err, `"julianctl check --list" names them`)
	}
	if err == nil {
		err = p.summary(sum)
	}
	if err != nil {
		return err
	}
	code := reports.write(ctx)
	switch {
	case sum.Fail > 0:
		return verdict(exitNo)
	case sum.Undecided == 0 || o.allowUndecided:
		return verdict(code)
	case sum.Unreachable != "":
		return unable(fmt.Errorf("endpoint %q: %s", a.cfg.To, sum.Unreachable), "start the endpoint, or say with --to where it is")
	}
	return verdict(exitUnable)
}

func listChecks(a *app, format string) error {
	records := report.NewRecords(a.out, "check")
	group := ""
	for _, c := range check.Checks {
		if format == "json" {
			if err := records.Write("check", map[string]string{"id": c.ID, "group": c.Group, "title": c.Title, "why": c.Why, "how": c.How}); err != nil {
				return err
			}
			continue
		}
		if c.Group != group {
			group = c.Group
			fmt.Fprintln(a.out, a.style.bold(group))
		}
		fmt.Fprintf(a.out, "  %-20s %s\n", c.ID, c.Title)
	}
	return nil
}

func explainCheck(a *app, id string) error {
	c, err := check.Find(id)
	if err != nil {
		return usage(fmt.Errorf("--explain: %w", err), didYouMean(id, check.Names(), `"julianctl check --list" names them`))
	}
	fmt.Fprintf(a.out, "%s  (%s)\n\n  The endpoint %s.\n\n  why  %s\n  how  %s\n", a.style.bold(c.ID), c.Group, c.Title, c.Why, c.How)
	return nil
}

// checkPrinter shows results in the form that --format asks for.
type checkPrinter struct {
	a       *app
	o       checkOptions
	records *report.Records
	reports *reports
	group   string
	err     error
}

func newCheckPrinter(a *app, o checkOptions, to deliver.Target, reports *reports) *checkPrinter {
	a.note("checking %s, seed %d", a.errStyle.bold(safetext.Line(to.String())), o.seed)
	return &checkPrinter{
		a: a, o: o,
		records: report.NewRecords(a.out, "check"),
		reports: reports,
	}
}

func (p *checkPrinter) result(r check.Result) {
	switch p.o.format {
	case "json":
		p.err = errors.Join(p.err, p.records.Write("check", r))
	case "text":
		p.text(r)
	}
	c := report.Case{
		Name: r.ID, Group: r.Group, Verdict: report.Verdict(r.Verdict),
		Message: strings.Join(append([]string{r.Message}, r.Details...), "; "),
		Took:    time.Duration(r.TookMS * float64(time.Millisecond)),
	}
	if r.Verdict == check.Fail {
		c.Detail = p.evidence(r) + "repeat: " + p.repeat(r)
	}
	p.reports.add(c)
}

func (p *checkPrinter) text(r check.Result) {
	if r.Verdict == check.Skip {
		return
	}
	if r.Group != p.group {
		p.group = r.Group
		fmt.Fprintf(p.a.out, "\n%s\n", p.a.style.bold(r.Group))
	}
	colours := map[check.Verdict]paint{
		check.Pass: p.a.style.good, check.Warn: p.a.style.warn, check.Fail: p.a.style.bad, check.Undecided: p.a.style.warn,
	}
	title, lines := r.Title, append([]string{r.Message}, r.Details...)
	if beside := fmt.Sprintf("%-34s  ", title); r.Verdict == check.Pass && 13+len(beside)+utf8.RuneCountInString(r.Message) <= p.a.out.width() {
		title, lines = beside+p.a.style.faint(safetext.Line(r.Message)), r.Details
	}
	fmt.Fprintf(p.a.out, "  %s  %s\n", colours[r.Verdict](fmt.Sprintf("%-9s", r.Verdict)), title)
	for _, line := range lines {
		fmt.Fprintf(p.a.out, "             %s\n", p.a.style.faint(safetext.Line(line)))
	}
	if r.Verdict == check.Fail {
		fmt.Fprintf(p.a.out, "             %s %s\n", p.a.style.accent("repeat:"), safetext.Line(p.repeat(r)))
	}
}

// evidence lists the deliveries of a check, one a line.
func (p *checkPrinter) evidence(r check.Result) string {
	var b strings.Builder
	for _, e := range r.Evidence {
		answer := e.Error
		if answer == "" {
			answer = fmt.Sprint(e.Status)
		}
		fmt.Fprintf(&b, "%s: %s in %.1f ms\n", e.What, answer, e.LatencyMS)
	}
	return b.String()
}

// repeat is the command that runs one check again with the same bytes. Values
// of headers are left for the person to fill in.
func (p *checkPrinter) repeat(r check.Result) string {
	words := []string{"julianctl", "check", "--to", shellWord(p.a.cfg.To), "--only", r.ID, "--seed", fmt.Sprint(p.o.seed)}
	if r.ID == "budget" {
		words = append(words, "--budget", shellWord(p.o.budget))
	}
	for _, host := range p.o.delivery.allowHosts {
		words = append(words, "--allow-host", shellWord(host))
	}
	if p.o.delivery.insecure {
		words = append(words, "--insecure")
	}
	if p.o.delivery.caCert != "" {
		words = append(words, "--cacert", shellWord(p.o.delivery.caCert))
	}
	for _, h := range p.o.delivery.headers {
		name, _, _ := strings.Cut(h, ":")
		words = append(words, "-H", shellWord(name+": …"))
	}
	return strings.Join(words, " ")
}

func (p *checkPrinter) summary(s check.Summary) error {
	switch p.o.format {
	case "json":
		p.err = errors.Join(p.err, p.records.Write("summary", s))
	case "text":
		p.verdict(s)
	}
	return p.err
}

func (p *checkPrinter) verdict(s check.Summary) {
	var parts []string
	for _, c := range []struct {
		n    int
		word string
	}{{s.Pass, "passed"}, {s.Warn, "warned"}, {s.Fail, "failed"}, {s.Undecided, "undecided"}, {s.Skip, "skipped"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.word))
		}
	}
	word, colour := "the endpoint holds up", p.a.style.good
	switch {
	case s.Fail > 0:
		word, colour = "the endpoint is not ready", p.a.style.bad
	case s.Undecided > 0:
		word, colour = "not decided", p.a.style.warn
	case s.Pass+s.Warn == 0:
		word, colour = "nothing was checked", p.a.style.warn
	}
	took := time.Duration(s.ElapsedMS * float64(time.Millisecond)).Round(time.Millisecond)
	fmt.Fprintf(p.a.out, "\n%s: %s (%d deliveries in %s)\n", colour(word), strings.Join(parts, ", "), s.Deliveries, took)
}

// shellWord quotes s for a POSIX shell where it needs it.
func shellWord(s string) string {
	safe := func(r rune) bool {
		return r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@%+,", r))
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// replayShown is how many failures are listed in text.
const replayShown = 10

// replayPrinter shows what comes of a replay, in the form of --format.
type replayPrinter struct {
	a       *app
	o       replayOptions
	plan    deliver.Plan
	client  *deliver.Client
	records *report.Records
	reports *reports

	tally    *replayTally
	progress *progress // nil: none is told

	hinted map[string]bool // hints that were given
	source string          // of the payloads, while there is only one
	many   bool            // payloads came from more than one source
	first  error           // the first failure
	failed int             // deliveries that failed
	err    error           // of the first record that could not be made
}

func newReplayPrinter(a *app, o replayOptions, plan deliver.Plan, client *deliver.Client, reports *reports) *replayPrinter {
	return &replayPrinter{
		a: a, o: o, plan: plan, client: client,
		records: report.NewRecords(a.out, "replay"),
		reports: reports,
		tally:   newReplayTally(o),
		hinted:  map[string]bool{},
	}
}

// begin tells of the progress from now on, unless records run over the same
// terminal.
func (p *replayPrinter) begin() {
	if p.o.format == "text" || !p.a.out.isTTY() {
		p.progress = p.a.progress(p.tally.state)
	}
}

// replayRecord is one delivery. Times are RFC 3339; latencyMs is from due to
// answered.
type replayRecord struct {
	File      string       `json:"file"`
	Line      int          `json:"line"`
	Number    int          `json:"number"` // of the payload, from 1
	Copy      int          `json:"copy"`   // 1 is the delivery, the others duplicates
	CallID    string       `json:"callId"`
	OK        bool         `json:"ok"`
	Status    int          `json:"status"` // 0: no answer
	Due       time.Time    `json:"due"`
	Sent      *time.Time   `json:"sent"` // null: nothing was
	Answered  *time.Time   `json:"answered"`
	LatencyMS float64      `json:"latencyMs"`
	Retries   int          `json:"retries,omitempty"`
	BodySize  int64        `json:"bodySize"`   // of the answer
	BodyHash  string       `json:"bodySha256"` // empty for an empty one
	Error     *replayError `json:"error"`
}

type replayError struct {
	Class    string `json:"class"`
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
	Answer   string `json:"answer,omitempty"` // beginning of the answer's body
}

// result shows one delivery.
func (p *replayPrinter) result(r deliver.Result) {
	if errors.Is(r.Err, deliver.Unreadable) {
		p.unreadable(r.Err)
		return
	}
	p.tally.add(r)
	p.many = p.many || p.source != "" && p.source != r.Document.Source
	p.source = r.Document.Source
	if r.Err != nil {
		p.failed++
		if p.first == nil {
			p.first = r.Err
		}
	}
	if p.reports.wanted() {
		p.reports.add(p.deliveryCase(r))
	}
	switch {
	case p.o.format == "json":
		p.fail(p.records.Write("delivery", p.recordOf(r)))
	case p.o.format == "text" && r.Err != nil && p.failed <= replayShown:
		p.progress.above(func() { p.failure(r) })
	}
}

func (p *replayPrinter) recordOf(r deliver.Result) replayRecord {
	a := r.Answer
	out := replayRecord{
		File: r.Document.Source, Line: r.Document.Line, Number: r.Number, Copy: r.Copy, CallID: r.CallID(),
		OK: r.Err == nil, Status: a.Status, Due: a.Due, LatencyMS: milliseconds(a.Latency()), Retries: r.Retries, BodySize: a.BodySize,
	}
	if !a.Sent.IsZero() {
		out.Sent = &a.Sent
	}
	if a.Status != 0 {
		out.Answered = &a.Answered
	}
	if a.BodySize > 0 {
		out.BodyHash = fmt.Sprintf("%x", a.BodyHash)
	}
	if r.Err != nil {
		out.Error = &replayError{Class: string(deliver.ClassOf(r.Err)), Message: p.a.hide(r.Err.Error()), Answer: p.a.hide(string(a.Body))}
		if e, ok := errors.AsType[*deliver.Error](r.Err); ok {
			out.Error.Location = p.a.hide(e.Location)
		}
	}
	return out
}

// unreadable tells of a source that gave no payload; the rest goes on.
func (p *replayPrinter) unreadable(err error) {
	if p.reports.wanted() {
		p.reports.add(p.unreadableCase(err))
	}
	if p.o.format == "json" {
		record := map[string]any{"message": err.Error()}
		if e, ok := errors.AsType[*payload.Error](err); ok {
			record["file"], record["line"] = e.Source, e.Line
		}
		p.fail(p.records.Write("unreadable", record))
	}
	p.progress.above(func() { p.a.note("%s %s", p.a.errStyle.bad("julianctl:"), safetext.Line(err.Error())) })
}

// failure shows one delivery that is not as expected, and what to do about it.
func (p *replayPrinter) failure(r deliver.Result) {
	where := []string{p.a.style.bad("FAIL"), p.a.style.bold(fmt.Sprintf("%s:%d", safetext.Line(r.Document.Source), r.Document.Line))}
	if id := r.CallID(); id != "" {
		where = append(where, fit(safetext.Line(id), 60))
	}
	if p.plan.Duplicates > 0 {
		where = append(where, fmt.Sprintf("copy %d/%d", r.Copy, p.plan.Duplicates+1))
	}
	fmt.Fprintf(p.a.out, "%s  %s\n", strings.Join(where, "  "), safetext.Line(p.a.hide(r.Err.Error())))
	if line, _, _ := bytes.Cut(bytes.TrimSpace(r.Answer.Body), []byte("\n")); len(line) > 0 {
		fmt.Fprintf(p.a.out, "      %s %s\n", p.a.style.faint("answer:"), fit(safetext.Line(p.a.hide(string(line))), 160))
	}
	if hint := replayHint(r); hint != "" && !p.hinted[hint] {
		p.hinted[hint] = true
		fmt.Fprintf(p.a.out, "      %s %s\n", p.a.style.faint("hint:"), safetext.Line(hint))
	}
}

// replayHints are what to do next, by class of failure.
var replayHints = map[deliver.Class]string{
	deliver.Unreachable: "is the endpoint running, and is --to right?",
	deliver.Unknown:     "the endpoint's own log knows whether it was processed; julianctl does not send it again",
	deliver.Timeout:     "an endpoint should acknowledge first and work later; --timeout waits longer",
	deliver.Malformed:   "is this an HTTP endpoint, and is http or https right?",
	deliver.TooLarge:    "a webhook's answer is a status; its body should be small",
}

// statusHints are those for statuses that are refused.
var statusHints = map[int]string{
	401: "does the endpoint want a secret? -H 'Authorization: …'",
	403: "does the endpoint want a secret? -H 'Authorization: …'",
	404: "is the path of --to right?",
	405: "does the endpoint take POST at this path?",
	413: "the endpoint limits the size of a payload",
	415: "the endpoint wants another type: -H 'Content-Type: …'",
	429: "the endpoint limits the rate: --rate N sends no faster",
}

func replayHint(r deliver.Result) string {
	class := deliver.ClassOf(r.Err)
	var e *deliver.Error
	switch {
	case isCertificate(r.Err):
		return "--cacert FILE trusts the certificate's authority, --insecure any certificate"
	case class == deliver.Redirect && errors.As(r.Err, &e) && e.Location != "":
		return "redirects are never followed; --to takes the final URL"
	case class == deliver.Status && r.Answer.Status >= 500:
		return "the endpoint's own log says why"
	case class == deliver.Status:
		return statusHints[r.Answer.Status]
	}
	return replayHints[class]
}

// isCertificate reports whether err is a certificate that was not accepted.
func isCertificate(err error) bool {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	return errors.As(err, &unknown) || errors.As(err, &invalid) || errors.As(err, &name)
}

// interrupted tells a person why the program does not end at once.
func (p *replayPrinter) interrupted() {
	p.progress.above(func() {
		p.a.note("interrupted: waiting for the answers on the way; once more stops at once")
	})
}

// replaySummary is the last record. Times are in milliseconds.
type replaySummary struct {
	Target     string         `json:"target"`
	Documents  int            `json:"documents"`
	Unreadable int            `json:"unreadable"`
	Planned    int            `json:"planned"`
	Sent       int            `json:"sent"`
	Answered   int            `json:"answered"`
	OK         int            `json:"ok"`
	Failed     int            `json:"failed"`
	Retried    int            `json:"retried,omitempty"`
	Expect     string         `json:"expect"`
	Seed       *uint64        `json:"seed,omitempty"` // of what was left to chance
	Statuses   map[string]int `json:"statuses"`
	Errors     map[string]int `json:"errors"` // by class
	Duplicates *groupsJSON    `json:"duplicates,omitempty"`
	BytesSent  int64          `json:"bytesSent"`
	ElapsedMS  float64        `json:"elapsedMs"`
	Rate       float64        `json:"rate"` // deliveries sent a second
	Pace       *paceJSON      `json:"pace,omitempty"`
	Latency    *latencyJSON   `json:"latencyMs,omitempty"`
	Limits     []limitJSON    `json:"limits,omitempty"` // of --max-latency
	Interrupt  bool           `json:"interrupted"`
}

type limitJSON struct {
	Name  string  `json:"name"` // p99, max
	MaxMS float64 `json:"maxMs"`
	GotMS float64 `json:"gotMs"`
	OK    bool    `json:"ok"`
}

// paceJSON is of a run with a rate; rates are deliveries a second.
type paceJSON struct {
	Asked    float64      `json:"asked"`
	Reached  float64      `json:"reached"`
	Late     int          `json:"late"`   // begun over 10 ms after they were due
	Missed   int          `json:"missed"` // due when the run was ended, and not begun
	Lateness *latencyJSON `json:"latenessMs,omitempty"`
}

type groupsJSON struct {
	Copies       int          `json:"copies"` // of each payload, the first included
	Mode         string       `json:"mode"`
	Seed         uint64       `json:"seed,omitempty"`
	Groups       int          `json:"groups"`
	Acknowledged int          `json:"acknowledged"`
	Partial      int          `json:"partial"` // not every copy was answered
	Differ       int          `json:"differ"`
	DifferStatus int          `json:"differStatus"`
	DifferBody   int          `json:"differBody"`
	Skew         *latencyJSON `json:"skewMs,omitempty"`
}

type latencyJSON struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func latencyOf(l deliver.Latency) *latencyJSON {
	if l.Count() == 0 {
		return nil
	}
	return &latencyJSON{milliseconds(l.At(50)), milliseconds(l.At(90)), milliseconds(l.At(95)), milliseconds(l.At(99)), milliseconds(l.Max())}
}

// summary shows the whole of it, the verdict last.
func (p *replayPrinter) summary(ctx context.Context, s deliver.Summary) error {
	if p.o.format == "json" {
		p.fail(p.records.Write("summary", p.summaryRecord(ctx, s)))
	}
	if p.o.format != "text" {
		return p.err
	}
	if more := s.Failed - replayShown; more > 0 {
		fmt.Fprintf(p.a.out, "      %s\n", p.a.style.faint(fmt.Sprintf("and %d more; --format json lists them all", more)))
	}
	if s.Failed > 0 {
		fmt.Fprintln(p.a.out)
	}
	p.row("target", safetext.Line(p.client.Target().String()))
	p.row("payloads", p.payloads(s))
	deliveries := fmt.Sprintf("%d planned, %d sent, %d answered in %s", s.Planned, s.Sent, s.Answered, shortTime(s.Elapsed))
	if s.Sent > 1 {
		deliveries += fmt.Sprintf(", %s a second", rateText(s.Rate()))
	}
	p.row("deliveries", deliveries)
	if s.Pace != nil && s.Sent > 0 {
		p.row("rate", p.pace(*s.Pace))
	}
	if s.Retried > 0 {
		p.row("retries", fmt.Sprintf("%d, of which nothing was sent", s.Retried))
	}
	if text := statusText(s); text != "" {
		p.row("answers", text)
	}
	if p.plan.Duplicates > 0 && s.Groups.Total > 0 {
		p.row("duplicates", p.duplicates(s))
	}
	if s.Latency.Count() > 0 {
		p.row("latency", percentiles(s.Latency))
		if p.o.limits != nil {
			p.row("limits", p.limits(s.Latency))
		}
	}
	if s.Skew.Count() > 0 {
		p.row("skew", fmt.Sprintf("median %s, max %s, from the first copy to the last", shortTime(s.Skew.At(50)), shortTime(s.Skew.Max())))
	}
	fmt.Fprintf(p.a.out, "\n%s\n", p.verdictText(ctx, s))
	if short := p.o.count - s.Documents - s.Unreadable; short > 0 && !p.o.loop && s.OK == s.Planned {
		p.a.hint("there were no more than %s; --loop begins again", countOf(s.Documents, "payload", "payloads"))
	}
	return p.err
}

func (p *replayPrinter) summaryRecord(ctx context.Context, s deliver.Summary) replaySummary {
	out := replaySummary{
		Target: p.client.Target().String(), Documents: s.Documents, Unreadable: s.Unreadable,
		Planned: s.Planned, Sent: s.Sent, Answered: s.Answered, OK: s.OK, Failed: s.Failed, Retried: s.Retried,
		Expect: p.plan.Expect.String(), Statuses: map[string]int{}, Errors: map[string]int{},
		BytesSent: s.BytesSent, ElapsedMS: milliseconds(s.Elapsed), Rate: s.Rate(),
		Latency: latencyOf(s.Latency), Interrupt: ctx.Err() != nil,
	}
	if p.o.shuffle || p.o.newIDs {
		out.Seed = &p.plan.Seed
	}
	if pace := s.Pace; pace != nil {
		out.Pace = &paceJSON{pace.Asked, pace.Reached(), pace.Late, pace.Missed, latencyOf(pace.Lateness)}
	}
	for _, limit := range p.o.limits {
		got, missed := limit.Missed(s.Latency)
		out.Limits = append(out.Limits, limitJSON{limit.Name, milliseconds(limit.Max), milliseconds(got), !missed})
	}
	for status, n := range s.Statuses {
		out.Statuses[strconv.Itoa(status)] = n
	}
	for class, n := range s.Errors {
		out.Errors[string(class)] = n
	}
	if p.plan.Duplicates > 0 {
		g := s.Groups
		out.Duplicates = &groupsJSON{
			Copies: p.plan.Duplicates + 1, Mode: string(p.plan.Mode), Groups: g.Total, Acknowledged: g.Acknowledged,
			Partial: g.Partial, Differ: g.Differ, DifferStatus: g.DifferStatus, DifferBody: g.DifferBody, Skew: latencyOf(s.Skew),
		}
		if p.plan.Mode == deliver.Shuffled {
			out.Duplicates.Seed = p.plan.Seed
		}
	}
	return out
}

// row is one line of the summary.
func (p *replayPrinter) row(name, text string) {
	fmt.Fprintf(p.a.out, "%s %s\n", p.a.style.faint(fmt.Sprintf("%-11s", name)), text)
}

func (p *replayPrinter) payloads(s deliver.Summary) string {
	text := strconv.Itoa(s.Documents)
	switch {
	case p.source == embeddedSource:
		text += ", the documented sample"
	case p.source != "" && !p.many:
		text += " from " + safetext.Line(p.source)
	}
	var chance []string
	if p.o.shuffle {
		chance = append(chance, "shuffled")
	}
	if p.o.newIDs {
		chance = append(chance, "with new ids")
	}
	if chance != nil {
		text += fmt.Sprintf(", %s (seed %d)", strings.Join(chance, ", "), p.plan.Seed)
	}
	if s.Unreadable > 0 {
		text += p.a.style.warn(fmt.Sprintf("; %s not read", countOf(s.Unreadable, "source", "sources")))
	}
	return text
}

// limits says which of --max-latency were kept.
func (p *replayPrinter) limits(l deliver.Latency) string {
	var parts []string
	for _, limit := range p.o.limits {
		_, missed := limit.Missed(l)
		text := p.a.style.good("kept")
		if missed {
			text = p.a.style.bad("missed")
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", limit.Name, limit.Max, text))
	}
	return strings.Join(parts, "  ")
}

// missed is the first limit that was missed, "" if there is none.
func (p *replayPrinter) missed(s deliver.Summary) string {
	for _, limit := range p.o.limits {
		if got, missed := limit.Missed(s.Latency); missed {
			return fmt.Sprintf("%s is %s, over %s", limit.Name, shortTime(got), limit.Max)
		}
	}
	return ""
}

// pace says how the run kept to its rate.
func (p *replayPrinter) pace(s deliver.Pace) string {
	text := fmt.Sprintf("%s a second asked, %s reached", exactText(s.Asked), rateText(s.Reached()))
	if s.Late == 0 {
		text += fmt.Sprintf(", none late by over %s", shortTime(deliver.LateAfter))
	} else {
		text += ", " + p.a.style.warn(fmt.Sprintf("%d late by over %s, up to %s", s.Late, shortTime(deliver.LateAfter), shortTime(s.Lateness.Max())))
	}
	if s.Missed > 0 {
		text += ", " + p.a.style.warn(fmt.Sprintf("%d due at the end and not sent", s.Missed))
	}
	return text
}

// rateText is a rate with as many digits as are worth reading.
func rateText(rate float64) string {
	if rate < 10 {
		return strconv.FormatFloat(rate, 'g', 2, 64)
	}
	return strconv.FormatFloat(rate, 'f', 0, 64)
}

// exactText is a number as it was given.
func exactText(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// statusText counts answers by status, then what is not an answer by class.
func statusText(s deliver.Summary) string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(s.Statuses)) {
		parts = append(parts, fmt.Sprintf("%d × %d", s.Statuses[status], status))
	}
	for _, class := range slices.Sorted(maps.Keys(s.Errors)) {
		if class != deliver.Status && class != deliver.Redirect { // counted by status
			parts = append(parts, fmt.Sprintf("%d × %s", s.Errors[class], class))
		}
	}
	return strings.Join(parts, ", ")
}

// modeTexts say when duplicates were sent.
var modeTexts = map[deliver.Mode]string{
	deliver.After:    "one after the other",
	deliver.AtOnce:   "at one instant",
	deliver.Shuffled: "shuffled into the run",
}

func (p *replayPrinter) duplicates(s deliver.Summary) string {
	g := s.Groups
	mode := modeTexts[p.plan.Mode]
	if p.plan.Mode == deliver.Shuffled {
		mode += fmt.Sprintf(", seed %d", p.plan.Seed)
	}
	parts := []string{fmt.Sprintf("%s of %d copies (%s)", countOf(g.Total, "group", "groups"), p.plan.Duplicates+1, mode)}
	if g.Acknowledged == g.Total {
		parts = append(parts, "all acknowledged")
	} else {
		parts = append(parts, fmt.Sprintf("%d acknowledged", g.Acknowledged))
	}
	if g.Partial > 0 {
		parts = append(parts, fmt.Sprintf("%d not answered to the last copy", g.Partial))
	}
	if g.Differ == 0 {
		return strings.Join(append(parts, "answers alike"), ", ")
	}
	return strings.Join(append(parts, p.a.style.warn(fmt.Sprintf("answers differ in %d (%d by status, %d by body)", g.Differ, g.DifferStatus, g.DifferBody))), ", ")
}

func percentiles(l deliver.Latency) string {
	var parts []string
	for _, at := range []float64{50, 90, 95, 99} {
		parts = append(parts, fmt.Sprintf("p%.0f %s", at, shortTime(l.At(at))))
	}
	return strings.Join(append(parts, "max "+shortTime(l.Max())), "  ")
}

func (p *replayPrinter) verdictText(ctx context.Context, s deliver.Summary) string {
	whole := countOf(s.Planned, "delivery", "deliveries")
	left := s.Planned - s.OK - s.Failed
	switch {
	case neverReached(s):
		return p.a.style.bad("the endpoint could not be reached")
	case s.Failed > 0 && left > 0:
		return p.a.style.bad(fmt.Sprintf("%d of %s failed", s.Failed, whole)) + fmt.Sprintf(", %d not sent any more", left)
	case s.Failed > 0:
		return p.a.style.bad(fmt.Sprintf("%d of %s failed", s.Failed, whole))
	case ctx.Err() != nil && s.OK == 0:
		return p.a.style.warn("interrupted before anything was delivered")
	case ctx.Err() != nil:
		return p.a.style.warn(fmt.Sprintf("interrupted after %s, all answered %s", countOf(s.OK, "delivery", "deliveries"), p.plan.Expect))
	case s.OK == 0:
		return p.a.style.warn("nothing was delivered")
	case p.missed(s) != "":
		return p.a.style.bad(p.missed(s)) + fmt.Sprintf("; %s answered %s", countOf(s.OK, "delivery", "deliveries"), p.plan.Expect)
	}
	text := p.a.style.good(countOf(s.OK, "delivery", "deliveries") + " answered " + p.plan.Expect.String())
	if left > 0 { // by --duration
		text += fmt.Sprintf(", %d not sent any more", left)
	}
	if s.Unreadable > 0 { // a good verdict hides nothing
		text += p.a.style.warn(fmt.Sprintf("; %s not read", countOf(s.Unreadable, "source", "sources")))
	}
	return text
}

// report writes what --report and --format ask for.
func (p *replayPrinter) report(ctx context.Context, s deliver.Summary) int {
	for _, c := range p.limitCases(s.Latency) {
		p.reports.add(c)
	}
	return p.reports.write(ctx)
}

// verdict is the exit code.
func (p *replayPrinter) verdict(ctx context.Context, s deliver.Summary) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case neverReached(s):
		hint := "start the endpoint, or say with --to where it is"
		if isCertificate(p.first) {
			hint = "--cacert FILE trusts the certificate's authority, --insecure any certificate"
		}
		return unable(fmt.Errorf("endpoint %q: %w", p.client.Target(), p.first), hint)
	case s.Failed > 0, p.missed(s) != "":
		return verdict(exitNo)
	case s.Unreadable > 0:
		return verdict(exitUnable)
	case s.OK == 0:
		return unable(errors.New("there was no payload to deliver"), "")
	}
	return nil
}

// neverReached reports whether nothing was sent because nothing could be.
func neverReached(s deliver.Summary) bool {
	return s.Failed > 0 && s.OK == 0 && s.Errors[deliver.Unreachable] == s.Failed
}

func (p *replayPrinter) fail(err error) { p.err = errors.Join(p.err, err) }

// plannedRecord is one delivery of a dry run.
type plannedRecord struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Number int    `json:"number"`
	Copy   int    `json:"copy"`
	CallID string `json:"callId"`
	Size   int    `json:"size"` // of the payload, in bytes
}

// dryRun shows what would be sent, in order.
func (p *replayPrinter) dryRun(ctx context.Context, docs iter.Seq2[payload.Document, error]) error {
	payloads, deliveries, unreadable := 0, 0, 0
	for step, err := range p.plan.Steps(docs) {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			unreadable++
			p.unreadable(err)
			continue
		case step.First == 1:
			payloads++
		}
		for n := step.First; n <= step.Last; n++ {
			deliveries++
			p.planned(deliveries, plannedRecord{step.Document.Source, step.Document.Line, step.Number, n, deliver.CallID(step.Document.Body), len(step.Document.Body)})
		}
	}
	p.planEnd(payloads, deliveries)
	switch {
	case p.err != nil:
		return p.err
	case unreadable > 0:
		return verdict(exitUnable)
	}
	return nil
}

func (p *replayPrinter) planned(n int, r plannedRecord) {
	if p.o.format == "json" {
		p.fail(p.records.Write("planned", r))
		return
	}
	line := fmt.Sprintf("%4d  %s:%d  %s", n, safetext.Line(r.File), r.Line, fit(safetext.Line(orDash(r.CallID)), 60))
	if p.plan.Duplicates > 0 {
		line += fmt.Sprintf("  copy %d/%d", r.Copy, p.plan.Duplicates+1)
	}
	fmt.Fprintf(p.a.out, "%s  %s\n", line, p.a.style.faint(bytesText(int64(r.Size))))
}

func (p *replayPrinter) planEnd(payloads, deliveries int) {
	header := make([]string, 0, 4)
	for _, f := range p.client.Header() {
		if safetext.SecretHeader(f.Name, p.a.cfg.RedactHeader...) && f.Value != "" {
			f.Value = safetext.Masked
		}
		header = append(header, f.Name+": "+f.Value)
	}
	if p.o.format == "json" {
		p.fail(p.records.Write("summary", map[string]any{
			"dryRun": true, "target": p.client.Target().String(), "header": header,
			"documents": payloads, "planned": deliveries, "expect": p.plan.Expect.String(),
		}))
		return
	}
	fmt.Fprintln(p.a.out)
	p.row("target", safetext.Line(p.client.Target().String()))
	for i, line := range header {
		name := ""
		if i == 0 {
			name = "header"
		}
		p.row(name, safetext.Line(line))
	}
	plan := fmt.Sprintf("%s of %s", countOf(deliveries, "delivery", "deliveries"), countOf(payloads, "payload", "payloads"))
	if p.plan.Duplicates > 0 {
		plan += fmt.Sprintf(", %d copies each, %s", p.plan.Duplicates+1, modeTexts[p.plan.Mode])
	}
	if p.plan.Rate > 0 {
		plan += fmt.Sprintf(", %s a second", exactText(p.plan.Rate))
	}
	p.row("plan", fmt.Sprintf("%s, %d at a time, expecting %s", plan, p.plan.Concurrency, p.plan.Expect))
	fmt.Fprintf(p.a.out, "\n%s\n", p.a.style.warn("dry run: nothing was sent"))
}

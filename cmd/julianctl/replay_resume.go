package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// resumePlan lets plan continue the run that --resume names, or begin it there.
// The caller closes plan.File.
func (a *app) resumePlan(ctx context.Context, o replayOptions, client *deliver.Client, plan *deliver.Plan) error {
	open := deliver.OpenRunFile
	if o.dryRun {
		open = deliver.ReadRunFile
	}
	file, err := open(o.resume, plan.Duplicates+1, plan.Seed, o.runSettings(a, client))
	if err != nil {
		return runFileFault(err)
	}
	plan.File = file
	if o.seedGiven && o.seed != file.Seed {
		err = usage(fmt.Errorf("run file %q was begun with --seed %d, not %d", o.resume, file.Seed, o.seed), "leave --seed out: the run file knows it")
	}
	plan.Seed = file.Seed
	if err == nil && !slices.Contains(o.paths, "-") { // stdin is compared as it comes
		docs, done, unread := o.documents(ctx, a)
		if err = unread; err == nil {
			err = runFileFault(plan.Verify(docs))
			done()
		}
	}
	if err != nil {
		_ = file.Close() // nothing was written
	}
	return err
}

// runSettings are what decides which deliveries a run is made of.
func (o replayOptions) runSettings(a *app, client *deliver.Client) []deliver.Setting {
	// Another version is no other run, nor is one with a new secret.
	header := slices.DeleteFunc(headerLines(a, client), func(line string) bool { return strings.HasPrefix(line, "User-Agent: julianctl/") })
	mode := ""
	if o.dup > 0 {
		mode = o.dupMode
	}
	settings := []deliver.Setting{
		{Name: "--to", Value: client.Target().String()},
		{Name: "--header", Value: strings.Join(header, "; ")},
		{Name: "PATH", Value: strings.Join(o.paths, " ")},
		{Name: "--from-log", Value: strings.Join(o.fromLog, ",")},
		{Name: "--dup", Value: strconv.Itoa(o.dup)},
		{Name: "--dup-mode", Value: mode},
		{Name: "--set", Value: strings.Join(o.sets.known, " ")},
		{Name: "--count", Value: strconv.Itoa(o.count)},
		{Name: "--loop", Value: strconv.FormatBool(o.loop)},
		{Name: "--shuffle", Value: strconv.FormatBool(o.shuffle)},
		{Name: "--new-ids", Value: strconv.FormatBool(o.newIDs)},
	}
	if o.sets.added != nil { // as run files were before it could be said
		settings = append(settings, deliver.Setting{Name: "--set-new", Value: strings.Join(o.sets.added, " ")})
	}
	return settings
}

// runFileFault is the fault of an error of a run file.
func runFileFault(err error) error {
	if refused, ok := errors.AsType[*deliver.RunFileError](err); ok {
		return usage(err, refused.Hint)
	}
	if err != nil {
		return unable(fmt.Errorf("--resume: %w", err), "")
	}
	return nil
}

// againRecord is a delivery that the endpoint may have seen more than once.
type againRecord struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Number int    `json:"number"`
	Copy   int    `json:"copy"`
	CallID string `json:"callId"`
	Before int    `json:"before"` // how often it was sent, perhaps, by earlier processes
	Again  bool   `json:"again"`  // whether it is sent again now
}

// doubt tells of one delivery that the endpoint may have seen more than once.
func (p *replayPrinter) doubt(d deliver.Doubt) {
	p.doubts++
	if p.records != nil {
		p.fail(p.records.Write("again", againRecord{d.Source, d.Line, d.Number, d.Copy, d.CallID, d.Sends, d.Again}))
	}
	if p.o.format != "text" {
		return
	}
	where := []string{p.a.style.warn("TWICE?"), p.a.style.bold(fmt.Sprintf("%s:%d", safetext.Line(d.Source), d.Line))}
	if d.CallID != "" {
		where = append(where, fit(safetext.Line(d.CallID), 60))
	}
	if p.plan.Duplicates > 0 {
		where = append(where, fmt.Sprintf("copy %d/%d", d.Copy, p.plan.Duplicates+1))
	}
	text := "sent before without an answer, and sent again"
	if !d.Again {
		text = fmt.Sprintf("sent %s before it was answered", countOf(d.Sends, "time", "times"))
	}
	p.progress.above(func() { fmt.Fprintf(p.a.out, "%s  %s\n", strings.Join(where, "  "), text) })
}

// resumeJSON is what earlier processes did of a run.
type resumeJSON struct {
	File     string         `json:"file"`
	Answered int            `json:"answered"`
	Failed   int            `json:"failed"`   // of the answered
	Statuses map[string]int `json:"statuses"` // of the answered
	Doubtful int            `json:"doubtful"` // deliveries that may have arrived more than once
}

func (p *replayPrinter) resumeRecord() *resumeJSON {
	f := p.plan.File
	if f == nil {
		return nil
	}
	out := &resumeJSON{File: p.o.resume, Answered: f.Past.Answered, Failed: f.Past.Failed(p.plan.Expect), Statuses: map[string]int{}, Doubtful: p.doubts}
	for status, n := range f.Past.Statuses {
		out.Statuses[strconv.Itoa(status)] = n
	}
	return out
}

// failedBefore is how many deliveries earlier processes have a wrong answer to.
func (p *replayPrinter) failedBefore() int {
	if p.plan.File == nil {
		return 0
	}
	return p.plan.File.Past.Failed(p.plan.Expect)
}

// resumed says what earlier processes did of the run; "" if there was none.
func (p *replayPrinter) resumed() string {
	f := p.plan.File
	if f == nil || f.Past.Answered+f.Past.Open == 0 {
		return ""
	}
	text := fmt.Sprintf("%s answered before", countOf(f.Past.Answered, "delivery", "deliveries"))
	if n := p.failedBefore(); n > 0 {
		text += ", " + p.a.style.bad(fmt.Sprintf("%d of them not %s", n, p.plan.Expect))
	}
	if p.doubts > 0 {
		text += ", " + p.a.style.warn(fmt.Sprintf("%d perhaps delivered twice", p.doubts))
	}
	return text
}

// nothingLeft reports whether earlier processes have done the whole run.
func (p *replayPrinter) nothingLeft(s deliver.Summary) bool {
	return s.Planned == 0 && p.plan.File != nil && p.plan.File.Past.Answered > 0
}

// stoppedFault is the fault of a run that its run file ended.
func stoppedFault(err error) error {
	if errors.Is(err, deliver.ErrRunFile) {
		return runFileFault(err)
	}
	return unable(err, "make room, and the same command continues; nothing was sent that the file does not have")
}

// closed is the fault of a run that gave err, after its run file is closed.
func closed(file *deliver.RunFile, err error) error {
	if trouble := file.Close(); trouble != nil && err == nil {
		return stoppedFault(fmt.Errorf("run file: %w", trouble))
	}
	return err
}

package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/units"
)

// resumePlan opens the run file of --resume for plan, to continue or start a run. The
// caller closes plan.File.
func resumePlan(ctx context.Context, a *cli.App, o options, client *deliver.Client, plan *deliver.Plan) error {
	open := deliver.OpenRunFile
	if o.dryRun {
		open = deliver.ReadRunFile
	}
	file, err := open(o.resume, plan.Duplicates+1, plan.Seed, o.runSettings(a, client))
	if err != nil {
		return runFileError(err)
	}
	plan.File = file
	if o.seedGiven && o.Seed != file.Seed {
		err = cli.UsageError(fmt.Errorf("run file %q was started with --seed %d, not %d", o.resume, file.Seed, o.Seed), "leave --seed out: the run file knows it")
	}
	plan.Seed = file.Seed
	if err == nil && !slices.Contains(o.Paths, "-") { // stdin is compared as it comes
		docs, _, done, unread := o.documents(ctx, a, false)
		if err = unread; err == nil {
			err = errors.Join(runFileError(plan.Verify(docs)), done())
		}
	}
	if err != nil {
		_ = file.Close() // nothing was written
	}
	return err
}

// runSettings are the settings that decide which deliveries are sent.
func (o options) runSettings(a *cli.App, client *deliver.Client) []deliver.Setting {
	// A new version or a new secret does not make a different run.
	header := slices.DeleteFunc(headerLines(a, client), func(line string) bool { return strings.HasPrefix(line, "User-Agent: julianctl/") })
	mode := ""
	if o.Dup > 0 {
		mode = o.DupMode
	}
	settings := []deliver.Setting{
		{Name: "--to", Value: client.Target().String()},
		{Name: "--header", Value: strings.Join(header, "; ")},
		{Name: "PATH", Value: strings.Join(o.Paths, " ")},
		{Name: "--from-log", Value: strings.Join(o.fromLog, ",")},
		{Name: "--dup", Value: strconv.Itoa(o.Dup)},
		{Name: "--dup-mode", Value: mode},
		{Name: "--set", Value: strings.Join(o.Sets.Known, " ")},
		{Name: "--count", Value: strconv.Itoa(o.Count)},
		{Name: "--loop", Value: strconv.FormatBool(o.Loop)},
		{Name: "--shuffle", Value: strconv.FormatBool(o.Shuffle)},
		{Name: "--new-ids", Value: strconv.FormatBool(o.NewIDs)},
	}
	if o.Sets.Added != nil { // as run files were before it could be said
		settings = append(settings, deliver.Setting{Name: "--set-new", Value: strings.Join(o.Sets.Added, " ")})
	}
	return settings
}

// runFileError returns the exit error for an error of a run file.
func runFileError(err error) error {
	if refused, ok := errors.AsType[*deliver.RunFileError](err); ok {
		return cli.UsageError(err, refused.Hint)
	}
	if err != nil {
		return cli.Failure(fmt.Errorf("--resume: %w", err), "")
	}
	return nil
}

// againRecord is a delivery that the endpoint may have received more than once.
type againRecord struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Number int    `json:"number"`
	Copy   int    `json:"copy"`
	CallID string `json:"callId"`
	Before int    `json:"before"` // how often it was sent, perhaps, by earlier processes
	Again  bool   `json:"again"`  // whether it is sent again now
}

// unconfirmed prints a delivery that the endpoint may have received more than once.
func (p *printer) unconfirmed(d deliver.Unconfirmed) {
	p.unconfirmedCount++
	if p.records != nil {
		p.fail(p.records.Write("again", againRecord{d.Source, d.Line, d.Number, d.Copy, d.CallID, d.Sends, d.Again}))
	}
	if p.o.format != "text" {
		return
	}
	text := "sent before without an answer, and sent again"
	if !d.Again {
		text = fmt.Sprintf("sent %s before it was answered", units.Count(d.Sends, "time"))
	}
	p.progress.Above(func() { p.line(p.a.Style.Warn("TWICE?"), d.Source, d.Line, d.CallID, d.Copy, text) })
}

// resumeJSON is what earlier processes did in a run.
type resumeJSON struct {
	File     string      `json:"file"`
	Answered int         `json:"answered"`
	Failed   int         `json:"failed"`   // of the answered
	Statuses map[int]int `json:"statuses"` // of the answered
	Doubtful int         `json:"doubtful"` // deliveries that may have arrived more than once
}

func (p *printer) resumeRecord() *resumeJSON {
	f := p.plan.File
	if f == nil {
		return nil
	}
	return &resumeJSON{
		File: p.o.resume, Answered: f.Past.Answered, Failed: f.Past.Failed(p.plan.Expect),
		Statuses: notNil(f.Past.Statuses), Doubtful: p.unconfirmedCount,
	}
}

// notNil returns counts as they are written: as an object, even if there are none.
func notNil(counts map[int]int) map[int]int {
	if counts == nil {
		return map[int]int{}
	}
	return counts
}

// failedBefore returns how many deliveries failed in earlier processes.
func (p *printer) failedBefore() int {
	if p.plan.File == nil {
		return 0
	}
	return p.plan.File.Past.Failed(p.plan.Expect)
}

// resumed describes what earlier processes did in the run; "" if there were none.
func (p *printer) resumed() string {
	f := p.plan.File
	if f == nil || f.Past.Answered+f.Past.Open == 0 {
		return ""
	}
	text := fmt.Sprintf("%s answered before", units.Count(f.Past.Answered, "delivery"))
	if n := p.failedBefore(); n > 0 {
		text += ", " + p.a.Style.Bad(fmt.Sprintf("%d of them not %s", n, p.plan.Expect))
	}
	if p.unconfirmedCount > 0 {
		text += ", " + p.a.Style.Warn(fmt.Sprintf("%d perhaps delivered twice", p.unconfirmedCount))
	}
	return text
}

// nothingLeft reports whether the run was already complete.
func (p *printer) nothingLeft(s deliver.Summary) bool {
	return s.Planned == 0 && p.plan.File != nil && p.plan.File.Past.Answered > 0
}

// stoppedError returns the exit error of a run that its run file ended.
func stoppedError(err error) error {
	if errors.Is(err, deliver.ErrRunFile) {
		return runFileError(err)
	}
	return cli.Failure(err, "make room, and the same command continues; nothing was sent that the file does not have")
}

// closed closes the run file and returns the exit error of a run that returned err.
func closed(file *deliver.RunFile, err error) error {
	if trouble := file.Close(); trouble != nil && err == nil {
		return stoppedError(fmt.Errorf("run file: %w", trouble))
	}
	return err
}

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/report"
)

// recordsTo is the file of --report json=FILE; "" if there is none. It takes it
// out of the reports, which are written at the end: records are written as they
// come, however many there are.
func (o *replayOptions) recordsTo() (path string, err error) {
	const prefix = "json="
	i := slices.IndexFunc(o.reports, func(value string) bool { return strings.HasPrefix(value, prefix) })
	if i < 0 {
		return "", nil
	}
	value := o.reports[i]
	o.reports = slices.Delete(slices.Clone(o.reports), i, i+1)
	if path = strings.TrimPrefix(value, prefix); path == "" || path == "-" {
		return "", usage(fmt.Errorf("--report %q names no file", value), "want --report json=FILE; --format json writes to stdout")
	}
	if slices.ContainsFunc(o.reports, func(other string) bool { return strings.HasSuffix(other, "="+path) }) {
		return "", usage(fmt.Errorf("--report %q: another report is written to that file", value), "")
	}
	return path, nil
}

// beginRecords opens what records go to: stdout, a file, both or neither.
func (p *replayPrinter) beginRecords(path string) error {
	var to []io.Writer
	if p.o.format == "json" {
		to = append(to, p.a.out)
	}
	if path != "" {
		file, err := p.a.destinationAt(path)
		if err != nil {
			return unable(fmt.Errorf("--report json: %w", err), "")
		}
		p.file = file
		to = append(to, file)
	}
	if to != nil {
		p.records = report.NewRecords(io.MultiWriter(to...), "replay")
	}
	return nil
}

// endRecords makes the file whole and returns the exit code of that.
func (p *replayPrinter) endRecords(ctx context.Context) int {
	err := p.err
	if p.file != nil {
		if err == nil {
			err = p.file.Close()
		}
		p.file.Abort()
	}
	if err != nil {
		return p.a.report(ctx, unable(fmt.Errorf("writing records: %w", err), ""))
	}
	return exitYes
}

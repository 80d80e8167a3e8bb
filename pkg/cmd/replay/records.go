package replay

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/report"
)

// recordsTo removes --report json=FILE from the reports and returns FILE; "" if there is
// none. Records are written as they come, the other reports at the end.
func (o *options) recordsTo() (path string, err error) {
	const prefix = "json="
	i := slices.IndexFunc(o.reports, func(value string) bool { return strings.HasPrefix(value, prefix) })
	if i < 0 {
		return "", nil
	}
	value := o.reports[i]
	o.reports = slices.Delete(slices.Clone(o.reports), i, i+1)
	if path = strings.TrimPrefix(value, prefix); path == "" || path == "-" {
		return "", cli.UsageError(fmt.Errorf("--report %q names no file", value), "want --report json=FILE; --format json writes to stdout")
	}
	if slices.ContainsFunc(o.reports, func(other string) bool { return strings.HasSuffix(other, "="+path) }) {
		return "", cli.UsageError(fmt.Errorf("--report %q: another report is written to that file", value), "")
	}
	return path, nil
}

// beginRecords opens the outputs for records: stdout, a file, both or none.
func (p *printer) beginRecords(path string) error {
	var to []io.Writer
	if p.o.format == "json" {
		to = append(to, p.a.Out)
	}
	if path != "" {
		file, err := p.a.ReportAt(path)
		if err != nil {
			return cli.Failure(fmt.Errorf("--report json: %w", err), "")
		}
		p.file = file
		to = append(to, file)
	}
	if to != nil {
		p.buffer = newRecordBuffer(io.MultiWriter(to...))
		p.records = report.NewRecords(p.buffer, "replay")
	}
	return nil
}

// flushRecords writes buffered records before other output.
func (p *printer) flushRecords() {
	if p.records != nil {
		p.fail(p.buffer.Flush())
	}
}

// endRecords completes the file and returns its exit code.
func (p *printer) endRecords(ctx context.Context) int {
	p.flushRecords()
	err := p.err
	if p.file != nil {
		if err == nil {
			err = p.file.Close()
		}
		p.file.Abort()
	}
	if err != nil {
		return p.a.Report(ctx, cli.Failure(fmt.Errorf("writing records: %w", err), ""))
	}
	return cli.ExitYes
}

// recordBuffer buffers records for a moment: at thousands per second, one system call for
// each would take longer than encoding it. It writes complete records only. It is safe
// for concurrent use.
type recordBuffer struct {
	mu    sync.Mutex
	out   *bufio.Writer // keeps its first error
	timer *time.Timer   // flushes
	armed bool
}

// recordDelay is the longest time that a record is buffered.
const recordDelay = time.Millisecond

func newRecordBuffer(w io.Writer) *recordBuffer {
	b := &recordBuffer{out: bufio.NewWriterSize(w, 64<<10)}
	b.timer = time.AfterFunc(time.Hour, func() { _ = b.Flush() }) // the last flush returns the error
	b.timer.Stop()
	return b
}

// Write buffers one record.
func (b *recordBuffer) Write(record []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out.Available() < len(record) {
		if err := b.out.Flush(); err != nil {
			return 0, err
		}
	}
	if !b.armed {
		b.armed = true
		b.timer.Reset(recordDelay)
	}
	return b.out.Write(record)
}

// Flush writes the buffer. It returns the first error of any write.
func (b *recordBuffer) Flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = false
	b.timer.Stop()
	return b.out.Flush()
}

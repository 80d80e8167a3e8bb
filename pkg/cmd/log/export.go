package log

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"runtime"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/inorder"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/report"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
	"github.com/julianctl/julianctl/pkg/validate"
	"github.com/spf13/cobra"
)

type logExportOptions struct {
	filter deliveryview.LogFilter
	format string
	redact cli.RedactFlags
}

func newExportCmd(a *cli.App) *cobra.Command {
	var o logExportOptions
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write deliveries as JSON, HAR or payloads, oldest first",
		Long: `export writes deliveries to stdout: as "json", one record a line with the fields of listen
--format json; as "har", an HTTP archive (HAR 1.2) for browsers and other tools; or as
"payloads", only the bodies. Secrets in headers were masked before they were stored.

With --redact payloads have pseudonyms instead of personal data, and the sender is left
out. Deliveries whose body is not a payload are left out.`,
		Example: `  julianctl log export --since 24h > today.ndjson
  julianctl log export --failed --format har > failed.har
  julianctl log export --format payloads --redact --redact-key-file redact.key > fixtures.ndjson`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runExport(cmd.Context(), a, o) },
	}
	cli.ConfigFlag(cmd, "log")
	cli.ConfigFlag(cmd, "redact-header")
	o.filter.Declare(cmd.Flags())
	o.redact.Declare(cmd)
	cli.FormatFlag(cmd, &o.format, "json", "har", "payloads")
	cli.GroupFlags(cmd,
		"Most used: format redact since failed filter",
		"Choose: call | until text ids dups acknowledged invalid result-type",
		"Redact: redact-key-file redact-header",
		"Log: log",
	)
	return cmd
}

func runExport(ctx context.Context, a *cli.App, o logExportOptions) error {
	c, l, err := o.filter.Open(ctx, a)
	if err != nil {
		return err
	}
	defer l.Close()
	redactor, err := o.redact.Redactor(a)
	if err != nil {
		return err
	}
	w := exportWriter(a, o.format)
	damaged := 0
	c.Damaged = func(_ int64, err error) {
		damaged++
		a.Note("%s %s", a.ErrStyle.Bad("left out:"), safetext.Line(err.Error()))
	}
	defer a.CollectLess()()
	written, left := 0, 0
	if err := w.begin(); err != nil {
		return err
	}
	err = w.write(func(yield func(*journal.Entry, error) bool) {
		for e, err := range c.Deliveries(ctx, a, l) {
			if err != nil {
				yield(nil, err)
				return
			}
			e.Header = safetext.MaskHeader(e.Header, a.Config.RedactHeader...) // with --keep-secrets they are there
			if redactor != nil && !redactEntry(redactor, e) {
				left++
				continue
			}
			if written++; !yield(e, nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if redactor != nil {
		a.Redacted(redactor, written)
	}
	if left > 0 {
		a.Note("%s left out: no payload that could be redacted", units.Count(left, "delivery"))
	}
	if err := w.end(); err != nil {
		return err
	}
	if damaged > 0 {
		return cli.Failure(fmt.Errorf("delivery log %q: %s could not be read", l.Path(), units.Count(damaged, "delivery")), `the others are written; "julianctl log verify" tells all that is wrong`)
	}
	return nil
}

func exportWriter(a *cli.App, format string) deliveryWriter {
	switch format {
	case "har":
		return &harExport{a: a}
	case "payloads":
		return payloadExport{a}
	}
	return &ndjsonExport{a: a}
}

// payloadExport writes what was received and nothing about it: bodies as they
// came, each on lines of its own.
type payloadExport struct{ a *cli.App }

func (payloadExport) begin() error { return nil }

func (payloadExport) end() error { return nil }

func (x payloadExport) write(all iter.Seq2[*journal.Entry, error]) error {
	out := bufio.NewWriterSize(x.a.Out, bufferSize)
	for e, err := range all {
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if len(e.Body) == 0 {
			continue
		}
		_, _ = out.Write(bytes.TrimSuffix(e.Body, []byte("\n"))) // an error stays until Flush
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return out.Flush()
}

// bufferSize is how many bytes are written at a time.
const bufferSize = 64 << 10

// deliveryWriter is one form of an export.
type deliveryWriter interface {
	begin() error
	write(iter.Seq2[*journal.Entry, error]) error
	end() error
}

// ndjsonExport encodes records on all cores: one can read them from the log in a
// fraction of that time.
type ndjsonExport struct {
	a *cli.App
	n int
}

// loggedRecord is all that the log knows of a delivery: a record of listen, with
// its place in the log and what the log found in it.
type loggedRecord struct {
	ID    int64 `json:"id"`
	First int64 `json:"first,omitempty"` // id of the first delivery of the call
	deliveryview.Record
	Scheme    string   `json:"scheme,omitempty"`   // http or https; absent in logs from before it was kept
	Seconds   *float64 `json:"duration,omitempty"` // of the call
	Name      string   `json:"name,omitempty"`
	Direction string   `json:"direction,omitempty"`
	Errors    int      `json:"errors"`
	Warnings  int      `json:"warnings"`
	SHA256    string   `json:"sha256"` // of the body, as it was received
	// Attempts are redeliveries, in the order of time.
	Attempts []deliveryview.Attempt `json:"attempts"`
}

func loggedRecordOf(a *cli.App, e *journal.Entry, s *deliveryview.Shown) loggedRecord {
	r := loggedRecord{
		ID: e.ID, First: e.First, Record: deliveryview.RecordOf(a, s, s.Header), Scheme: e.Scheme, Seconds: e.Seconds,
		Name: e.Name, Direction: e.Direction, SHA256: hex.EncodeToString(e.Hash),
	}
	r.Attempts = make([]deliveryview.Attempt, len(e.Attempts))
	for i := range e.Attempts {
		r.Attempts[i] = deliveryview.AttemptOf(a, &e.Attempts[i])
	}
	if o := e.Outcome; o != nil {
		r.Errors, r.Warnings = o.Errors, o.Warnings
	}
	return r
}

// appendJSON adds what encoding/json would, as [deliveryview.Record.AppendJSON]
// does.
func (r *loggedRecord) appendJSON(b []byte) ([]byte, error) {
	w := jsonscan.Writer{B: b}
	w.Integer(`{"id":`, r.ID)
	if r.First != 0 {
		w.Integer(`,"first":`, r.First)
	}
	at := len(w.B)
	if w.B, w.Err = r.Record.AppendJSON(w.B); w.Err != nil {
		return w.B, w.Err
	}
	w.B[at] = ',' // its fields follow those before, and
	w.B = w.B[:len(w.B)-1]
	w.SomeText(`,"scheme":`, r.Scheme)
	if r.Seconds != nil {
		w.Number(`,"duration":`, *r.Seconds)
	}
	w.SomeText(`,"name":`, r.Name)
	w.SomeText(`,"direction":`, r.Direction)
	w.Integer(`,"errors":`, int64(r.Errors))
	w.Integer(`,"warnings":`, int64(r.Warnings))
	w.Text(`,"sha256":`, r.SHA256)
	if r.Attempts != nil && len(r.Attempts) == 0 {
		w.Raw(`,"attempts":[]`)
	} else {
		w.Value(`,"attempts":`, r.Attempts)
	}
	w.Raw(`}`)
	return w.B, w.Err
}

func (x *ndjsonExport) begin() error { return nil }

// together is how many bytes of bodies are encoded at a time.
const together = 256 << 10

// encodedRecords are records of some deliveries, or why there are none.
type encodedRecords struct {
	text []byte
	n    int
	err  error
}

func (x *ndjsonExport) write(all iter.Seq2[*journal.Entry, error]) error {
	type item struct {
		*journal.Entry
		err error
	}
	items := func(yield func(item) bool) {
		for e, err := range all {
			if !yield(item{e, err}) {
				return
			}
		}
	}
	size := func(i item) int {
		if i.err != nil {
			return 0
		}
		return len(i.Body) + 512
	}
	sizes := func(group []item) (n int) {
		for _, i := range group {
			n += size(i)
		}
		return n
	}
	encode := func() func([]item) encodedRecords {
		v, invalid := validate.New(validate.Options{})
		return func(group []item) (out encodedRecords) {
			var text bytes.Buffer
			text.Grow(2 * sizes(group))
			records := report.NewRecords(&text, "log")
			for _, i := range group {
				if out.err = errors.Join(invalid, i.err); out.err != nil {
					break
				}
				s, err := deliveryview.LoggedDelivery(i.Entry, v)
				if err == nil {
					r := loggedRecordOf(x.a, i.Entry, s)
					err = records.Append("delivery", r.appendJSON)
				}
				if out.err = err; err != nil {
					break
				}
				out.n++
			}
			out.text = text.Bytes()
			return out
		}
	}
	for out := range inorder.Map(inorder.Gather(items, together, size), runtime.GOMAXPROCS(0), sizes, encode) {
		x.n += out.n
		if _, err := x.a.Out.Write(out.text); err != nil {
			return err
		}
		if out.err != nil {
			return out.err
		}
	}
	return nil
}

func (x *ndjsonExport) end() error {
	return report.NewRecords(x.a.Out, "log").Write("summary", struct {
		Deliveries int `json:"deliveries"`
	}{x.n})
}

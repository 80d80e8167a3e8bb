package log

import (
	"bytes"
	"context"
	"fmt"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
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
		Short: "Write deliveries with all that is known of them, oldest first",
		Long: `export writes deliveries to stdout: as "json", one record a line, with the fields of
listen --format json; or as "har", an HTTP archive (HAR 1.2), which browsers and
other tools open; as "payloads", the bodies alone, one after another. Secrets in
headers were masked before they were stored.

With --redact payloads have pseudonyms in place of personal data, and who sent
them is not told; deliveries whose body is no payload are left out.`,
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
	return cmd
}

func runExport(ctx context.Context, a *cli.App, o logExportOptions) error {
	c, err := o.filter.Read(a.Now())
	if err != nil {
		return err
	}
	l, err := a.OpenLog(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	redactor, err := o.redact.Redactor(a)
	if err != nil {
		return err
	}
	w, err := exportWriter(a, o.format)
	if err != nil {
		return err
	}
	written, left := 0, 0
	if err := w.begin(); err != nil {
		return err
	}
	for e, err := range c.Deliveries(ctx, a, l) {
		if err != nil {
			return err
		}
		e.Header = safetext.MaskHeader(e.Header, a.Config.RedactHeader...) // with --keep-secrets they are there
		if redactor != nil && !redactEntry(redactor, e) {
			left++
			continue
		}
		written++
		if err := w.write(e); err != nil {
			return err
		}
	}
	if redactor != nil {
		a.Redacted(redactor, written)
	}
	if left > 0 {
		a.Note("%s left out: no payload that could be redacted", units.Count(left, "delivery"))
	}
	return w.end()
}

func exportWriter(a *cli.App, format string) (deliveryWriter, error) {
	switch format {
	case "har":
		return &harExport{a: a}, nil
	case "payloads":
		return payloadExport{a}, nil
	}
	v, err := validate.New(validate.Options{})
	return &ndjsonExport{a: a, validator: v, records: report.NewRecords(a.Out, "log")}, err
}

// payloadExport writes what was received and nothing about it: bodies as they
// came, each on lines of its own.
type payloadExport struct{ a *cli.App }

func (payloadExport) begin() error { return nil }

func (payloadExport) end() error { return nil }

func (x payloadExport) write(e *journal.Entry) error {
	if len(e.Body) == 0 {
		return nil
	}
	_, err := x.a.Out.Write(append(bytes.TrimSuffix(e.Body, []byte("\n")), '\n'))
	return err
}

// deliveryWriter is one form of an export.
type deliveryWriter interface {
	begin() error
	write(*journal.Entry) error
	end() error
}

type ndjsonExport struct {
	a         *cli.App
	validator *validate.Validator
	records   *report.Records
	n         int
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
		Name: e.Name, Direction: e.Direction, SHA256: fmt.Sprintf("%x", e.Hash),
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

func (x *ndjsonExport) begin() error { return nil }

func (x *ndjsonExport) write(e *journal.Entry) error {
	x.n++
	s, err := deliveryview.LoggedDelivery(e, x.validator)
	if err != nil {
		return err
	}
	return x.records.Write("delivery", loggedRecordOf(x.a, e, s))
}

func (x *ndjsonExport) end() error {
	return x.records.Write("summary", struct {
		Deliveries int `json:"deliveries"`
	}{x.n})
}

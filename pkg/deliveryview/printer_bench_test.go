package deliveryview

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/julianctl/julianctl/pkg/terminal"
)

// What one delivery costs after its answer.
func BenchmarkListenPrinter(b *testing.B) {
	for _, format := range Formats {
		b.Run(format, func(b *testing.B) {
			a := &cli.App{Out: terminal.NewOutput(io.Discard), Err: terminal.NewOutput(io.Discard), Now: time.Now}
			a.Style = terminal.NewStyle(io.Discard, false)
			p, err := NewPrinter(a, Options{Format: format})
			if err != nil {
				b.Fatal(err)
			}
			body := julian.Sample()
			d := &receive.Delivery{Seq: 1, Entry: journal.Entry{Outcome: &journal.Outcome{Status: 204}, Delivery: journal.Delivery{
				Method: "POST", URI: "/", Header: http.Header{"Content-Type": {"application/json"}},
				Body: body, Size: int64(len(body)), CallID: "call.abc123", ResultType: "Goal Completed", Copy: 1,
			}}}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				p.Delivery(d, nil)
			}
		})
	}
}

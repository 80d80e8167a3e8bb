package main

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/receive"
)

// What one delivery costs after its answer.
func BenchmarkListenPrinter(b *testing.B) {
	for _, format := range listenFormats {
		b.Run(format, func(b *testing.B) {
			a := &app{out: newOutput(io.Discard), err: newOutput(io.Discard), now: time.Now}
			a.style = newStyle(io.Discard, false)
			p, err := newListenPrinter(a, showOptions{format: format})
			if err != nil {
				b.Fatal(err)
			}
			body := julian.Sample()
			d := &receive.Delivery{
				Seq: 1, Method: "POST", URI: "/", Header: http.Header{"Content-Type": {"application/json"}},
				Body: body, Size: int64(len(body)), CallID: "call.abc123", ResultType: "Goal Completed", Copy: 1, Status: 204,
			}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				p.delivery(d)
			}
		})
	}
}

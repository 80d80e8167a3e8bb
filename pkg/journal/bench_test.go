package journal

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// What one delivery and its outcome cost, with 64 senders a core.
func BenchmarkAppend(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "log.db"), Options{})
	body := julian.Sample()
	var calls atomic.Int64
	b.SetParallelism(64)
	b.SetBytes(int64(len(body)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			d := &Delivery{
				Received: time.Now(), Method: "POST", URI: "/", Proto: "HTTP/1.1", Host: "127.0.0.1:4040", Remote: "127.0.0.1:33333",
				CallID: fmt.Sprint("call.", calls.Add(1)), ResultType: "Goal Completed", Body: body, Size: int64(len(body)),
				Header: http.Header{"Content-Type": {"application/json"}, "Content-Length": {"1331"}},
			}
			if err := l.Append(b.Context(), d); err != nil {
				b.Error(err)
			}
			if err := l.Finish(b.Context(), d.ID, Outcome{Status: 204, Took: time.Millisecond}); err != nil {
				b.Error(err)
			}
		}
	})
}

package timeline

import (
	"errors"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// WriteLog writes the latencies as an HdrHistogram interval log (version 1.3): one
// histogram for every span in which a delivery was due, in nanoseconds, kept to
// 1 %.
func (t *Timeline) WriteLog(w io.Writer) error {
	out := hdrhistogram.NewHistogramLogWriter(w)
	base := t.start.Truncate(time.Second).UnixMilli() // the log has whole seconds only
	out.SetBaseTime(base)
	err := errors.Join(
		out.OutputComment("[Latency of deliveries, from due to answered]"),
		out.OutputLogFormatVersion(),
		out.OutputBaseTime(base),
		out.OutputStartTime(t.start.UnixMilli()),
		out.OutputLegend(),
	)
	for i, s := range t.buckets {
		if err != nil {
			return err
		}
		if s == nil || s.latency == nil {
			continue
		}
		from := t.start.Add(time.Duration(i) * t.width)
		s.latency.SetStartTimeMs(from.UnixMilli())
		s.latency.SetEndTimeMs(from.Add(t.width).UnixMilli())
		err = out.OutputIntervalPackedHistogram(s.latency)
	}
	return err
}

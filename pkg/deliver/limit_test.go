package deliver_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/deliver"
)

func TestParseLimits(t *testing.T) {
	got, err := deliver.ParseLimits("p50=100ms, p99.9=2s,max=5s")
	if err != nil {
		t.Fatal(err)
	}
	want := []deliver.Limit{{"p50", 50, 100 * time.Millisecond}, {"p99.9", 99.9, 2 * time.Second}, {"max", 100, 5 * time.Second}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, text := range []string{"", "p99", "p99=", "p99=5", "p0=1s", "p101=1s", "pNaN=1s", "99=1s", "p99=-1s", "p99=0s", "max=soon", "p50=1s,", "p50=1s;p99=2s"} {
		if limits, err := deliver.ParseLimits(text); !errors.Is(err, deliver.ErrLimit) {
			t.Errorf("%q was read as %v, %v", text, limits, err)
		}
	}
}

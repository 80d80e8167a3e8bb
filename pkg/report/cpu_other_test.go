//go:build !unix

package report_test

import "time"

var began = time.Now()

// cpuTime is the time so far, where nothing better is known.
func cpuTime() time.Duration { return time.Since(began) }

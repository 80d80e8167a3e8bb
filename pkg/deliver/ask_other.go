//go:build !linux || 386 || s390x

package deliver

import (
	"net"
	"time"
)

// asker is a shorter way from a request to its answer, which this system has
// not.
type asker struct{}

func newAsker(net.Conn) *asker { return nil }

func (*asker) ask([]byte) (wrote int, sent time.Time, err error) { return 0, time.Time{}, nil }

func (*asker) send([]byte) (wrote int, err error) { return 0, nil }

func (*asker) take([]byte) (n int, ok bool, err error) { return 0, false, nil }

func (*asker) quiet() bool { return false }

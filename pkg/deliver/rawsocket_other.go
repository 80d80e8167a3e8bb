//go:build !linux || 386 || s390x

package deliver

import (
	"net"
	"time"
)

// rawSocket is not available on this system.
type rawSocket struct{}

func newRawSocket(net.Conn) *rawSocket { return nil }

func (*rawSocket) exchange([]byte) (wrote int, sent time.Time, err error) { return 0, time.Time{}, nil }

func (*rawSocket) write([]byte) (wrote int, err error) { return 0, nil }

func (*rawSocket) read([]byte) (n int, ok bool, err error) { return 0, false, nil }

func (*rawSocket) stillIdle() bool { return false }

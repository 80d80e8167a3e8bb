package journal

import (
	"errors"

	"github.com/julianctl/julianctl/pkg/index"
	"github.com/julianctl/julianctl/pkg/segment"
)

// What may be wrong with a log; test with errors.Is.
var (
	ErrFull     = segment.ErrFull
	ErrReadOnly = segment.ErrReadOnly
	ErrFolder   = segment.ErrFolder
	ErrCorrupt  = segment.ErrCorrupt
	ErrForeign  = segment.ErrForeign
	ErrNewer    = segment.ErrNewer
	ErrLocked   = segment.ErrLocked
	ErrGone     = segment.ErrGone
	ErrTooLarge = errors.New("the body is larger than a delivery log can hold")
	ErrNotFound = index.ErrNotFound
	ErrClosed   = errors.New("the delivery log is closed")
)

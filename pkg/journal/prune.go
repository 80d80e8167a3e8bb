package journal

import (
	"context"

	"github.com/julianctl/julianctl/pkg/record"
)

// Prune deletes deliveries, oldest first, and gives what they took of the disk
// back. Their bytes are overwritten, or their segment is deleted. It returns how many
// went.
func (l *Log) Prune(ctx context.Context, p Prune) (pruned int64, err error) {
	if l.write == nil {
		return 0, ErrReadOnly
	}
	if err := l.CatchUp(ctx); err != nil { // what is not listed would stay
		return 0, err
	}
	found, err := l.Prunable(ctx, p)
	if err != nil || found.Deliveries == 0 {
		return 0, err
	}
	if err := l.remove(ctx, record.Deletion{Through: found.Through}, true); err != nil {
		return 0, err
	}
	return found.Deliveries, nil
}

// Delete deletes deliveries, wherever they stand in the log, and overwrites
// their bytes. It returns how many there were. Others keep their ids and their
// numbers among the copies of a call.
func (l *Log) Delete(ctx context.Context, ids ...int64) (deleted int, err error) {
	if l.write == nil {
		return 0, ErrReadOnly
	}
	if err := l.CatchUp(ctx); err != nil { // what is not listed would stay
		return 0, err
	}
	spans := []IDs{}
	for _, id := range ids {
		spans = append(spans, IDs{From: id, To: id})
	}
	there, err := l.IDs(ctx, Filter{IDs: spans})
	if err != nil || len(there) == 0 {
		return 0, err
	}
	return len(there), l.remove(ctx, record.Deletion{IDs: there}, false)
}

// remove stores that deliveries are to go, and sees to it.
func (l *Log) remove(ctx context.Context, d record.Deletion, fresh bool) error {
	if err := l.write.remove(ctx, d, fresh); err != nil {
		return err
	}
	return l.Shrink(ctx)
}

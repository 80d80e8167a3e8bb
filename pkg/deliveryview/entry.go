package deliveryview

import (
	"context"

	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/journal"
)

// ChangeSince compares d with the first delivery of its call.
func ChangeSince(ctx context.Context, l *journal.Log, first int64, d *journal.Delivery) copies.Change {
	was, err := l.Received(ctx, first)
	if err != nil {
		return copies.Change{Kind: copies.Unknown} // pruned
	}
	return ChangeFrom(was, d)
}

// ChangeFrom is what differs between a delivery of the log and one that came later.
func ChangeFrom(first, d *journal.Delivery) copies.Change {
	old, err := first.Payload()
	if err != nil {
		return copies.Change{Kind: copies.Unknown}
	}
	payload, err := d.Payload()
	if err != nil {
		return copies.Change{Kind: copies.Unknown}
	}
	return copies.Compare(old, payload)
}

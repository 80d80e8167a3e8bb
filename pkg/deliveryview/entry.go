package deliveryview

import (
	"context"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/receive"
)

// ChangeSince compares d with the first delivery of its call.
func ChangeSince(ctx context.Context, l *journal.Log, first int64, d *journal.Delivery) receive.Change {
	was, err := l.Received(ctx, first)
	if err != nil {
		return receive.Change{Kind: receive.Unknown} // pruned
	}
	return ChangeFrom(was, d)
}

// ChangeFrom is what differs between a delivery of the log and one that came later.
func ChangeFrom(first, d *journal.Delivery) receive.Change {
	old, err := first.Payload()
	if err != nil {
		return receive.Change{Kind: receive.Unknown}
	}
	payload, err := d.Payload()
	if err != nil {
		return receive.Change{Kind: receive.Unknown}
	}
	return receive.Compare(old, payload)
}

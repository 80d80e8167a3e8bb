package deliveryview

import (
	"context"
	"errors"

	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/receive"
)

// ReceivedOf is e as it was received.
func ReceivedOf(e *journal.Entry) *receive.Delivery {
	d := &receive.Delivery{
		Seq: e.ID, Received: e.Received, Method: e.Method, URI: e.URI, Proto: e.Proto, Scheme: e.Scheme, Host: e.Host, Remote: e.Remote,
		Header: e.Header, Body: e.Body, Size: e.Size, CallID: e.CallID, ResultType: e.ResultType, Seconds: e.Seconds,
		Copy: e.Copy, Refusal: receive.Refusal(e.Refusal), Reason: e.Reason,
	}
	if o := e.Outcome; o != nil {
		d.Status, d.Took = o.Status, o.Took
		if f := o.Forward; f != nil {
			d.Forward = &receive.Forwarded{To: f.To, Status: f.Status, Took: f.Took, Attempts: f.Attempts}
			if answer := f.Answer; answer != nil {
				d.Forward.Header, d.Forward.Body, d.Forward.Size = answer.Header, answer.Body, answer.Size
			}
			if f.Err != "" {
				d.Forward.Err = errors.New(f.Err)
			}
		}
	}
	return d
}

// ChangeFrom is what differs between a delivery of the log and one that came
// later.
func ChangeFrom(first *journal.Delivery, d *receive.Delivery) receive.Change {
	unknown := receive.Change{Kind: receive.Unknown}
	old, err := payloadOf(&journal.Entry{Delivery: *first})
	if err != nil {
		return unknown
	}
	payload, err := d.Payload()
	if err != nil {
		return unknown
	}
	return receive.Compare(old, payload)
}

// ChangeSince compares d with the first delivery of its call.
func ChangeSince(ctx context.Context, l *journal.Log, first int64, d *receive.Delivery) receive.Change {
	was, err := l.Received(ctx, first)
	if err != nil {
		return receive.Change{Kind: receive.Unknown} // pruned
	}
	return ChangeFrom(was, d)
}

// payloadOf is what e holds, inflated.
func payloadOf(e *journal.Entry) ([]byte, error) { return ReceivedOf(e).Payload() }

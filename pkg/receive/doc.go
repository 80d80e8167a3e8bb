// Package receive takes webhook deliveries in: it stands in place of a
// consumer's endpoint.
//
// It owns the server with its limits and time-outs, what is answered, the
// numbering of copies of one call and what differs between them, and the
// hand-over of every delivery to a sink. It does not store, print or send
// anything: a store, a sink and a forwarder are functions that the caller
// supplies.
//
// The order is fixed: the body is read to its end, the delivery is numbered,
// stored, forwarded, answered, and only then handed to the sink. A slow sink
// does not slow the answers: deliveries wait for it in memory that is bounded
// by [Options.MaxHeld], past which senders are told to come back later.
// Nothing that was answered is dropped on the way to the sink.
//
// Requests that leave nothing to ask, as deliveries do, are read and answered
// here. With the first that is not plain, such as one in chunks, its
// connection goes to net/http, as do all with TLS. Requests that are not HTTP
// at all, and headers past the limit, are answered by net/http itself (400, 431)
// and never become a delivery.
package receive

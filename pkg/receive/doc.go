// Package receive is an HTTP server that receives webhook deliveries, in place of
// a consumer's endpoint.
//
// It owns the limits and time-outs, the answers, the numbers of copies of a call
// and the differences between them. It does not store, print or send anything: the
// caller supplies functions for that (store, sink, forwarder).
//
// The order is fixed: read the body, number the delivery, store, forward, answer,
// then call the sink. A slow sink does not delay the answers: deliveries wait for
// it in memory, up to [Options.MaxHeld]; above that, the answer is 503. Every
// delivery that was answered reaches the sink.
//
// Plain requests, such as deliveries, are read and answered here. At the first
// other request, such as a chunked one, the connection is passed to net/http; so
// are all with TLS. net/http itself answers what is not HTTP and headers over the
// limit (400, 431).
package receive

// Package deliver sends webhook deliveries over HTTP and measures the answers:
// which targets may be reached ([Guard]), how documents become deliveries
// ([Plan]), how they are sent ([Client]) and the results ([Answer], [Summary]).
//
// It does not read or validate payloads, does not print, and does not know the
// commands.
//
// Two rules hold everywhere. Body bytes are sent unchanged, unless the plan asks
// for new ids. And the client never resends a request: if bytes were sent and no
// answer came, the delivery is reported as [Unknown]. Only duplicates that the
// plan asks for are sent twice.
package deliver

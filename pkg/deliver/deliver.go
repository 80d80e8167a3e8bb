// Package deliver sends deliveries: it owns which target may be reached
// ([Guard]), how a plan turns documents into deliveries ([Plan]), the engine
// that puts them on the wire ([Client]) and what came of them ([Answer],
// [Summary]).
//
// It does not read payloads, judge them, print, or know commands.
//
// Two promises hold everywhere. Body bytes are sent exactly as they are, unless
// the plan asks for new ids. And no request is ever repeated by the engine: a
// delivery whose fate is unknown (bytes were sent, no answer came) is reported
// as [Unknown]. What is sent twice was planned twice.
package deliver

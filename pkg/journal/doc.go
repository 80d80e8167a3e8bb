// Package journal is the delivery log on disk: every delivery that came, byte
// for byte, and what became of it.
//
// It owns the SQLite file: its schema and versions, appending durably, the
// numbering of copies of one call over restarts and over several processes,
// queries, search, bounds, and the proof that nothing was lost or changed. It
// does not receive, validate or print anything.
//
// A delivery is appended before its answer ([Log.Append] returns once it is on
// disk), and its [Outcome] is added after ([Log.Finish]). A process that is
// killed in between leaves a delivery without an outcome: nobody knows whether
// the sender heard the answer.
//
// What is appended together becomes one row, a segment: that costs a fifth of
// rows and columns of their own, and stands between a delivery and its answer.
// Segments are the truth. The table that queries read is made of them, when
// there is time or when somebody asks, and can be made again.
//
// Several processes may append to and read from one file at a time. Order is
// the order of ids, which only grow; clocks may be set back.
package journal

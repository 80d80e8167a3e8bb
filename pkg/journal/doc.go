// Package journal is the delivery log on disk: every delivery that came, byte
// for byte, and what became of it.
//
// It owns the folder of a log: appending durably, the numbering of copies of one call
// over restarts and over several processes, deleting, bounds. What reads the log is in
// pkg/index, and a [Log] has all of it. It does not receive, validate or print anything;
// what a delivery is and how it is encoded is in pkg/record.
//
// A delivery is appended before its answer ([Log.Append] returns once it is on
// disk), and its [Outcome] is added after ([Log.Finish]). A process that is
// killed in between leaves a delivery without an outcome: nobody knows whether
// the sender heard the answer.
//
// Segments are the truth: files of frames, each a delivery, an outcome, an attempt to
// deliver again or a deletion, with its length and check sum. They are only appended to.
// Each process that appends has a segment of its own, so that none waits for the disk of
// another: what is appended together is written once and flushed once. What stands
// between processes is the file "lock", held while ids are given out and bytes are
// copied, see folder. A segment that is full is left, and goes as a whole when all in it
// is too old. What is deleted alone has its bytes overwritten.
//
// Several processes may append to and read from one log at a time. Order is the
// order of ids, which only grow; clocks may be set back.
package journal

// Package journal is the delivery log on disk: every delivery that came, byte
// for byte, and what became of it.
//
// It owns the SQLite file and the intake beside it: schema and versions,
// appending durably, the numbering of copies of one call over restarts and over
// several processes, queries, search, bounds, and the proof that nothing was lost
// or changed. It does not receive, validate or print anything.
//
// A delivery is appended before its answer ([Log.Append] returns once it is on
// disk), and its [Outcome] is added after ([Log.Finish]). A process that is
// killed in between leaves a delivery without an outcome: nobody knows whether
// the sender heard the answer.
//
// What is appended together becomes one frame of the intake, a file that is
// written from front to back and round again: one write and one flush stand
// between a delivery and its answer. From there it is moved, when there is time,
// when the intake fills up, or when somebody looks, into a row of the SQLite
// file, a segment. Frames and then segments are the truth. The table that
// queries read is made of segments and can be made again. After a clean end
// there is the SQLite file alone; after any other, the next process that may
// write moves what was left. Where files cannot be locked or deleted as that
// needs (Windows), deliveries become segments at once.
//
// Several processes may append to and read from one log at a time. Order is the
// order of ids, which only grow; clocks may be set back.
package journal

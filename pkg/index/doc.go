// Package index reads a delivery log: queries, search, sums over the time, and the proof
// that nothing was lost or changed.
//
// The index is a SQLite file that says where each delivery is and what lists and filters
// need, and holds the words that can be searched for. It is made of segments, behind the
// answers or by whoever looks, in the order in which things were written, and may be
// thrown away at any time. It takes deliveries out of itself and their bytes out of the
// segments when a record says so; it adds nothing to a log. See pkg/journal for what does.
package index

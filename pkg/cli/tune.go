package cli

// Ballast is memory that is never touched, and so never there, but counts in
// what the garbage collector measures by: it runs every 16 MiB and not every 4,
// which is a tenth of the processor time of a delivery.
const Ballast = 16 << 20

//go:build race

package check_test

// raced: the race detector makes everything some ten times as slow, SQLite most
// of all.
const raced = true

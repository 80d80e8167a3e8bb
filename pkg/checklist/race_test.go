//go:build race

package checklist_test

// raced: the race detector makes everything some ten times as slow, SQLite most
// of all.
const raced = true

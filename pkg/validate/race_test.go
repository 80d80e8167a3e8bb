//go:build race

package validate_test

// raced: the race detector makes everything some ten times as slow.
const raced = true

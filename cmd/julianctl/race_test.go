//go:build race

package main

// raced: the race detector makes everything slower, and its own memory counts.
const raced = true

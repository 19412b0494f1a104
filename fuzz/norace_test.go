//go:build !race

package fuzz

// raceEnabled says that the race detector slows everything down.
const raceEnabled = false

// workers is how many goroutines the property tests run.
const workers = 64

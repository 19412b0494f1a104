//go:build race

package fuzz

// raceEnabled says that the race detector slows everything down.
const raceEnabled = true

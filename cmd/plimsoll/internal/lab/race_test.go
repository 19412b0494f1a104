//go:build race

package lab

// raceEnabled says that the race detector slows everything down: then worlds are played
// once, and those of which the goroutines differ.
const raceEnabled = true

//go:build race

package fuzz

// raceEnabled says that the race detector slows everything down. Groups above 65 are then
// left out, which are searched by blocks as those of 65 are.
const raceEnabled = true

// workers is how many goroutines the property tests run: more than 16 show the race
// detector no other pairs of accesses, and wait for each other half way.
const workers = 16

//go:build race

package replay_test

// raceEnabled says that the race detector slows everything down. A replay by a rule is
// one goroutine's: fewer are played then.
const raceEnabled = true

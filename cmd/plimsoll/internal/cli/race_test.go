//go:build race

package cli_test

// heavier is how many times as much memory the race detector makes a process take; with
// it replays, which one goroutine plays, are fewer.
const heavier = 4

//go:build race

package cli_test

// heavier is how many times as much memory the race detector makes a process take.
const heavier = 4

//go:build !race

package cli_test

const heavier = 1 // the race detector's factor

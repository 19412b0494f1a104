//go:build !race

package main

const heavier = 1 // the race detector's factor

package cmdline

import "io"

// Environment is what a command sees of the process it runs in.
type Environment struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer
}

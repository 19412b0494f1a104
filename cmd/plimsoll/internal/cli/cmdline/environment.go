package cmdline

import "io"

// Environment is the part of its process that a command uses.
type Environment struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer
}

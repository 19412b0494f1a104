package cmdline

import "io"

// Environment is what a command sees of the process it runs in.
type Environment struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer
}

// LookupEnv returns a function that looks up environment variables in Getenv. A
// variable that is set to nothing counts as unset.
func (e Environment) LookupEnv() func(name string) (string, bool) {
	if e.Getenv == nil {
		return nil
	}
	return func(name string) (string, bool) {
		value := e.Getenv(name)
		return value, value != ""
	}
}

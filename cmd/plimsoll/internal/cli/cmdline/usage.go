package cmdline

import (
	"flag"
	"fmt"
	"strings"
)

// UsageError is a mistake in the command line, not in what it names.
type UsageError struct {
	Command string // whose --help says more; "" = plimsoll itself
	Err     error
}

func (e *UsageError) Error() string { return e.Err.Error() }

func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError of a command, whose name comes before the message.
func Usagef(command, format string, args ...any) error {
	return &UsageError{Command: command, Err: fmt.Errorf(command+": "+format, args...)}
}

// FlagMessage puts what package flag says into plimsoll's words: flags have two
// dashes, as in the help, and an unknown one is answered with those there are.
func FlagMessage(err error, set *flag.FlagSet) string {
	if name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); unknown {
		var names []string
		set.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
		return fmt.Sprintf("unknown flag --%s; use one of %s", name, strings.Join(names, ", "))
	}
	return strings.NewReplacer("flag -", "flag --", "argument: -", "argument: --", "\" for -", "\" for flag --").Replace(err.Error())
}

package cmdline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// UsageError is a mistake in the command line itself, not in a file that it names.
type UsageError struct {
	Command string // the command whose --help is pointed to; "" = plimsoll itself
	Err     error
}

func (e *UsageError) Error() string { return e.Err.Error() }

func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError of a command. The message begins with the command's name.
func Usagef(command, format string, args ...any) error {
	return &UsageError{Command: command, Err: fmt.Errorf(command+": "+format, args...)}
}

// noFlags says that a command has no flags.
const noFlags = "there are none"

// flagMessage rewrites an error of package pflag. For an unknown flag it lists the flags
// that exist, for an invalid value the valid ones.
func flagMessage(err error, set *pflag.FlagSet) string {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		names := Names(set)
		if len(names) == 0 {
			return fmt.Sprintf("unknown flag --%s; %s", unknown.GetSpecifiedName(), noFlags)
		}
		return fmt.Sprintf("unknown flag --%s; use one of %s", unknown.GetSpecifiedName(), strings.Join(names, ", "))
	}
	if bare, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return "flag needs an argument: --" + bare.GetSpecifiedName()
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Sprintf("invalid value %q for flag --%s: %v", invalid.GetValue(), invalid.GetFlag().Name, invalid.Unwrap())
	}
	return err.Error()
}

// Names lists the flags of a set, as they are written.
func Names(set *pflag.FlagSet) []string {
	var names []string
	set.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			names = append(names, "--"+f.Name)
		}
	})
	return names
}

// TwoDashes returns the arguments with two dashes before every flag except those of one
// letter, so that -config means --config. Arguments after "--" stay as they are.
func TwoDashes(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if a == "--" {
			copy(out[i:], args[i:])
			break
		}
		name, _, _ := strings.Cut(a, "=")
		if len(name) > 2 && name[0] == '-' && name[1] != '-' && (name[1] < '0' || name[1] > '9') {
			a = "-" + a
		}
		out[i] = a
	}
	return out
}

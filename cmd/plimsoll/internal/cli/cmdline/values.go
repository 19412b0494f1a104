package cmdline

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// value is the value of a flag, parsed by a function.
type value struct {
	kind  string // the name of the value in the help
	parse func(string) error
}

func (v value) Set(s string) error { return v.parse(s) }
func (v value) Type() string       { return v.kind }
func (v value) String() string     { return "" }

// Func adds a flag whose value parse receives. The help shows the value as kind. Usage
// contains the default.
func Func(set *pflag.FlagSet, name, kind, usage string, parse func(string) error) {
	set.Var(value{kind, parse}, name, usage)
}

// FuncP is Func for a flag with a one-letter form.
func FuncP(set *pflag.FlagSet, name, letter, kind, usage string, parse func(string) error) {
	set.VarP(value{kind, parse}, name, letter, usage)
}

// Bool adds a flag that is true when it is given without a value.
func Bool(set *pflag.FlagSet, name, usage string, to *bool) {
	f := set.VarPF(value{"bool", func(s string) (err error) {
		if *to, err = strconv.ParseBool(s); err != nil {
			return errors.New("want true or false")
		}
		return nil
	}}, name, "", usage)
	f.NoOptDefVal = "true"
}

// ParseName returns the parser of a flag that accepts any text except "", for which it
// returns the error want.
func ParseName(to *string, want string) func(string) error {
	return func(s string) error {
		if *to = s; s == "" {
			return errors.New(want)
		}
		return nil
	}
}

// ParseCount returns the parser of a flag for whole numbers from 1 to most.
func ParseCount(to *int, most int) func(string) error {
	return func(s string) (err error) {
		if *to, err = strconv.Atoi(s); err != nil || *to < 1 || *to > most {
			return fmt.Errorf("want a whole number from 1 to %d", most)
		}
		return nil
	}
}

// ParseTime returns the parser of a flag for durations from least to most. For others it
// returns an error with want.
func ParseTime(to *time.Duration, least, most time.Duration, want string) func(string) error {
	return func(s string) (err error) {
		if *to, err = time.ParseDuration(s); err != nil || *to < least || *to > most {
			return errors.New("want " + want)
		}
		return nil
	}
}

// ParseProfiles returns the parser of --profiles.
func ParseProfiles(to *config.Profiles) func(string) error {
	return func(s string) (err error) {
		*to, err = config.ParseProfiles(s)
		return err
	}
}

// Counted returns a number with its noun: "1 error", "2 errors".
func Counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

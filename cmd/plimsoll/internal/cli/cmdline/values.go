package cmdline

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// value is a flag's value that a func takes in.
type value struct {
	kind  string // as the help shows it
	parse func(string) error
}

func (v value) Set(s string) error { return v.parse(s) }
func (v value) Type() string       { return v.kind }
func (v value) String() string     { return "" }

// Func adds a flag whose value, shown as kind, goes to parse. What it is without the
// flag is said in usage.
func Func(set *pflag.FlagSet, name, kind, usage string, parse func(string) error) {
	set.Var(value{kind, parse}, name, usage)
}

// FuncP is Func for a flag that has one letter too.
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

// ParseName returns a flag's parser that takes any text but an empty one, which it
// answers with want.
func ParseName(to *string, want string) func(string) error {
	return func(s string) error {
		if *to = s; s == "" {
			return errors.New(want)
		}
		return nil
	}
}

// ParseCount returns a flag's parser of whole numbers from 1 to most.
func ParseCount(to *int, most int) func(string) error {
	return func(s string) (err error) {
		if *to, err = strconv.Atoi(s); err != nil || *to < 1 || *to > most {
			return fmt.Errorf("want a whole number from 1 to %d", most)
		}
		return nil
	}
}

// ParseTime returns a flag's parser of durations between two, which want names.
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

// Counted says how many there are of a thing: "1 error", "2 errors".
func Counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

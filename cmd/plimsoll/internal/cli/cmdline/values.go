package cmdline

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

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

// ParseBool returns a flag's parser of true and false.
func ParseBool(to *bool) func(string) error {
	return func(s string) (err error) {
		if *to, err = strconv.ParseBool(s); err != nil {
			return errors.New("want true or false")
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

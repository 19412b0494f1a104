package config

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
)

// Credential is a key or token of an endpoint: a literal of the file, or where to
// find it, an environment variable or another file. No output shows it: %v, JSON
// and loggers print "(hidden)", or nothing for the zero Credential, which is none.
// It may be copied and used from many goroutines.
type Credential struct {
	// A pointer is what package fmt prints of an unexported field of something
	// else, where it cannot ask for a Formatter.
	literal   *string
	env, file string
}

// maxCredential is how large a credential may be, in bytes.
const maxCredential = 64 << 10

// IsZero reports whether there is none, so that none is sent.
func (c Credential) IsZero() bool { return c == Credential{} }

// Get returns the credential, "" for none. It reads an environment variable or a
// file each time, so that a new file is a new key; white space
// around what they hold is not part of it. lookupEnv returns environment
// variables, nil = os.LookupEnv. The error, for a variable that is unset or empty
// and for a file that cannot be read, is empty or larger than 64 KiB, never
// repeats the credential.
func (c Credential) Get(lookupEnv func(name string) (string, bool)) (string, error) {
	switch {
	case c.literal != nil:
		return *c.literal, nil
	case c.file != "":
		return readCredential(c.file)
	case c.env == "":
		return "", nil
	}
	if lookupEnv == nil {
		lookupEnv = os.LookupEnv
	}
	key, _ := lookupEnv(c.env)
	if key = strings.TrimSpace(key); key != "" {
		return key, nil
	}
	return "", fmt.Errorf("the environment variable %s is unset or empty", showName(c.env))
}

func readCredential(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxCredential+1))
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(data))
	switch {
	case len(data) > maxCredential:
		return "", fmt.Errorf("the file %s has more than %d bytes; a key has less", strconv.Quote(path), maxCredential)
	case key == "":
		return "", fmt.Errorf("the file %s is empty", strconv.Quote(path))
	}
	return key, nil
}

// Source says where the credential comes from, and may be shown:
// "os.environ/NAME", "file PATH", "(hidden)" for a literal, "" for none.
func (c Credential) Source() string {
	switch {
	case c.literal != nil:
		return hidden
	case c.file != "":
		return "file " + c.file
	case c.env != "":
		return envPrefix + showName(c.env)
	}
	return ""
}

// String returns "(hidden)", or "" for none.
func (c Credential) String() string {
	if c.IsZero() {
		return ""
	}
	return hidden
}

// GoString returns what String does.
func (c Credential) GoString() string { return c.String() }

// Format implements [fmt.Formatter] for every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue implements [slog.LogValuer].
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText implements [encoding.TextMarshaler], which JSON uses.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

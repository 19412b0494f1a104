package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Credential returns a deployment's key or token. It is called for every attempt,
// so that a key can change while the program runs. If a key is expensive to get, the function
// should cache it. It must be safe for concurrent use, return when the
// context ends, and not put the key into its errors.
type Credential func(ctx context.Context) (string, error)

// Key is a credential that never changes.
func Key(key string) Credential {
	return func(context.Context) (string, error) { return key, nil }
}

// Env reads the credential from an environment variable for each attempt, without the white
// space around it. It returns an error while the variable is unset or empty.
func Env(name string) Credential {
	return func(context.Context) (string, error) {
		key := strings.TrimSpace(os.Getenv(name))
		if key == "" {
			return "", fmt.Errorf("environment variable %q is unset or empty", name)
		}
		return key, nil
	}
}

// File reads the credential from a file for each attempt, without the white space around it, so
// that a new file is a new key. It returns an error while the
// file cannot be read or is empty.
func File(path string) Credential {
	return func(context.Context) (string, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		key := strings.TrimSpace(string(data))
		if key == "" {
			return "", fmt.Errorf("file %q is empty", path)
		}
		return key, nil
	}
}

var errKeyText = errors.New("the credential has a character that no header can carry, such as the end of a line")

// get returns the key, "" for a nil credential.
func (c Credential) get(ctx context.Context) (string, error) {
	if c == nil {
		return "", nil
	}
	key, err := c(ctx)
	if err != nil {
		return "", fmt.Errorf("credential: %w", err)
	}
	if strings.ContainsFunc(key, isControl) {
		return "", errKeyText
	}
	return key, nil
}

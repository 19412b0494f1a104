package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Credential returns a deployment's key or token. It is asked for every attempt,
// so that a key can change while the program runs; one that is costly to get
// should be kept by the function. It must be safe for concurrent use, honour the
// context, and not put the key into its errors.
type Credential func(ctx context.Context) (string, error)

// Key is a credential that never changes.
func Key(key string) Credential {
	return func(context.Context) (string, error) { return key, nil }
}

// Env reads the credential from an environment variable. It fails while that is
// unset or empty.
func Env(name string) Credential {
	return func(context.Context) (string, error) {
		key := os.Getenv(name)
		if key == "" {
			return "", fmt.Errorf("environment variable %q is unset or empty", name)
		}
		return key, nil
	}
}

// File reads the credential from a file, without the white space around it, for
// each attempt: a new file is a new key. It fails while the
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

package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// writeConverted writes the file in plimsoll's own format: to stdout, or to a new file.
// What is left to do goes to stderr.
func (f flags) writeConverted(env cmdline.Environment) error {
	got, err := config.Convert(f.file, config.Options{Profiles: f.profiles, Strict: f.strict})
	switch wrong, bad := errors.AsType[*config.Error](err); {
	case bad:
		return f.unusable(wrong)
	case err != nil:
		return fmt.Errorf("check: %w", err)
	case f.output == "":
		if _, err := env.Stdout.Write(got.Text); err != nil {
			return err
		}
	default:
		if err := writeNew(f.output, got.Text); err != nil {
			return fmt.Errorf("check: --output: %w", err)
		}
	}
	_, err = env.Stderr.Write([]byte(f.leftToDo(got)))
	return err
}

// writeNew writes a file that does not exist yet.
func writeNew(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // it holds no secrets
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists, and no file is overwritten; name another", path)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path)) // there is no half of a configuration
	}
	return nil
}

// leftToDo says what the user has to do before the result can be used, and what it
// lacks.
func (f flags) leftToDo(got *config.Converted) string {
	var b strings.Builder
	if f.output != "" {
		fmt.Fprintf(&b, "plimsoll: check: wrote %s\n", f.output)
	}
	if len(got.Variables) > 0 {
		fmt.Fprintf(&b, "plimsoll: check: set before you use it:\n")
		for _, v := range got.Variables {
			fmt.Fprintf(&b, "  %s: %s\n", v.Name, v.From)
		}
	}
	if n := len(got.File.Undone); n > 0 {
		fmt.Fprintf(&b, "plimsoll: check: %s that LiteLLM acts on and plimsoll does not, listed at its top\n", cmdline.Counted(n, "setting"))
	}
	return b.String()
}

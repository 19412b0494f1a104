package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// AddToken adds a token to a file, and creates the file if it does not exist.
func AddToken(path string, t *Token) error {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := string(data)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return replaceTokens(path, text+t.Line()+"\n", false)
}

// RevokeToken removes the token with a name from a file. Everything else, including comments,
// stays.
func RevokeToken(path, name string) error {
	tokens, err := ReadTokens(path)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tokens.list, func(t *Token) bool { return t.Name == name })
	if i < 0 {
		return fmt.Errorf("%s: has no token of the name %s; plimsoll token list shows those it has", path, name)
	}
	if len(tokens.list) == 1 {
		return fmt.Errorf("%s: %s is its only token, and a daemon takes no file without one; make another first", path, name)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(data), "\n")
	lines = slices.Delete(lines, tokens.list[i].line-1, tokens.list[i].line)
	return replaceTokens(path, strings.Join(lines, ""), true)
}

// replaceTokens checks that a daemon would accept the text, and replaces the file
// atomically with the same permissions and owner.
func replaceTokens(path, text string, there bool) error {
	if _, err := parseTokens(path, []byte(text)); err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	owner, group := os.Geteuid(), os.Getegid()
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			owner, group = int(stat.Uid), int(stat.Gid)
		}
	} else if there {
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a symbolic link is kept
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%s: its folder cannot be used: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tokens-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if owner != os.Geteuid() || group != os.Getegid() { // else a daemon of another user could not read it
		if e := f.Chown(owner, group); e != nil && owner != os.Geteuid() {
			err = errors.Join(err, fmt.Errorf("%s: belongs to the user with the number %d: run this as that user, or as root: %w", path, owner, e))
		}
	}
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is read.
const (
	MaxBytes    = 16 << 20  // of a file
	MaxMarks    = 1_500_000 // lines and punctuation that can begin an item, in a file
	MaxDepth    = 64        // lists and mappings inside each other
	MaxUnfolded = 2_000_000 // items, after aliases and merge keys took effect
)

// readFile returns a file's bytes, and no more of them than are taken.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, cause.Err
		}
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("is a directory; name the file in it")
	case info.Mode().IsRegular() && info.Size() > MaxBytes:
		return nil, tooLarge(info.Size())
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return data, nil
}

func tooLarge(size int64) error {
	return fmt.Errorf("has %d bytes; at most %d (16 MiB) are read", size, MaxBytes)
}

// clean checks that the bytes are a text of bearable size, and returns it
// without a byte order mark. line is where it is not, 0 for all of it.
func clean(data []byte) (out []byte, line int, err error) {
	switch {
	case len(data) > MaxBytes:
		return nil, 0, fmt.Errorf("has more than %d bytes (16 MiB); they are not read", MaxBytes)
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return nil, 0, errors.New("is in UTF-16; save it as UTF-8")
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	line, marks := 1, 0
	for i := 0; i < len(data); {
		c := data[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '\n':
				line++
				marks++
			case c < ' ' && c != '\t' && c != '\r' || c == 0x7f:
				return nil, line, fmt.Errorf("holds the control character 0x%02x; it should be a text in UTF-8", c)
			case c == ',' || c == '[' || c == '{':
				marks++
			case (c == ':' || c == '-' || c == '?') && ends(data, i):
				marks++
			}
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return nil, line, fmt.Errorf("holds the byte 0x%02x, which is not UTF-8; it should be a text in UTF-8", c)
		}
		i += size
	}
	if marks > MaxMarks {
		return nil, 0, fmt.Errorf("has %d lines, commas, colons, dashes and brackets; at most %d are read", marks, MaxMarks)
	}
	return data, 0, nil
}

// oddlyIndented returns the first line whose indentation holds a space that is none to YAML,
// as text copied from a page does; 0 if none has.
func oddlyIndented(data []byte) int {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		rest := bytes.TrimLeft(line, " ")
		if r, _ := utf8.DecodeRune(rest); r > unicode.MaxASCII && unicode.IsSpace(r) || r == '\u200b' {
			return n
		}
	}
	return 0
}

// ends reports whether an indicator that stands before i is one there: followed
// by a space, by more punctuation or by nothing, or after a quote.
func ends(data []byte, i int) bool {
	if i == len(data) || i > 1 && (data[i-2] == '"' || data[i-2] == '\'') {
		return true
	}
	switch data[i] {
	case ' ', '\t', '\r', '\n', ',', '[', ']', '{', '}':
		return true
	default:
		return false
	}
}

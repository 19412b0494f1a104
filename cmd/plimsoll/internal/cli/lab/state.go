package lab

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

// state is the file of finished runs: a line that names the program, then a result a line.
type state struct {
	file *os.File // nil = none is kept
	runs map[lab.Cell]*lab.Outcome
}

// head is the first line.
type head struct {
	Program string `json:"plimsoll_lab"` // SHA-256 of the program, which decides the results
}

// openState reads a file, or makes it. A line at its end that was cut short is dropped.
func openState(path string) (*state, error) {
	s := &state{runs: map[lab.Cell]*lab.Outcome{}}
	if path == "" {
		return s, nil
	}
	program, err := hashOfProgram()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	s.file = f
	if err := s.read(path, program); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

func (s *state) read(path, program string) error {
	r := bufio.NewReader(s.file)
	good := int64(0)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err == io.EOF { // what is left was cut short
			break
		}
		if err != nil {
			return err
		}
		if n == 1 {
			var h head
			if err := json.Unmarshal(line, &h); err != nil || h.Program == "" {
				return fmt.Errorf("%s:1: this is no file of plimsoll lab --resume; name another one", path)
			}
			if h.Program != program {
				return fmt.Errorf("%s was written by another build of plimsoll, whose results may differ; remove it, or name another file", path)
			}
		} else {
			var r lab.Result
			if err := json.Unmarshal(line, &r); err != nil || r.Outcome == nil {
				return fmt.Errorf("%s:%d: not a result of plimsoll lab; remove the line", path, n)
			}
			s.runs[r.Cell] = r.Outcome
		}
		good += int64(len(line))
	}
	if err := s.file.Truncate(good); err != nil {
		return err
	}
	if _, err := s.file.Seek(good, io.SeekStart); err != nil {
		return err
	}
	if good == 0 {
		return s.append(head{program})
	}
	return nil
}

// known implements [lab.Known].
func (s *state) known(c lab.Cell) (*lab.Outcome, bool) {
	o, ok := s.runs[c]
	return o, ok
}

// add keeps a result.
func (s *state) add(r lab.Result) error {
	if _, there := s.runs[r.Cell]; there || s.file == nil {
		return nil
	}
	return s.append(r)
}

func (s *state) append(v any) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = s.file.Write(append(line, '\n'))
	}
	return err
}

func (s *state) close() {
	if s.file != nil {
		_ = s.file.Close() // every line has been written
	}
}

// hashOfProgram returns the SHA-256 of the program that runs.
func hashOfProgram() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

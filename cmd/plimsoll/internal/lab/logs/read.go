package logs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxSize is how large a file may be, in bytes.
const MaxSize = 1 << 30

// MaxRecords is how many calls a file may hold; each takes about 250 bytes of memory.
const MaxRecords = 4_000_000

// MaxTokens is how many tokens a call may have in either direction.
const MaxTokens = 1_000_000_000

// packed are the first bytes of files that are to be unpacked or converted first.
var packed = []struct{ head, what string }{
	{"\x1f\x8b", "compressed by gzip; unpack it first, by gunzip"},
	{"\x28\xb5\x2f\xfd", "compressed by zstd; unpack it first, by unzstd"},
	{"PK\x03\x04", "a ZIP archive; unpack it first"},
	{"PAR1", "Parquet; write it as CSV or JSON lines first"},
	{"\xff\xfe", "UTF-16; convert it to UTF-8 first, by iconv"},
	{"\xfe\xff", "UTF-16; convert it to UTF-8 first, by iconv"},
}

// ReadFile reads the log at path, in whichever of the formats it is, and calls progress, if it
// is not nil, with the bytes read and the size of the file. Errors begin with path:line, say
// what is wanted, and quote nothing of the file that is no number. The text of the file is not
// kept: memory is that of the calls, and of the largest object or line.
func ReadFile(path string, progress func(done, of int64)) (*Log, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return read(path, &source{r: f, size: info.Size(), progress: progress})
}

// Read reads a log; name is for its errors.
func Read(name string, data []byte) (*Log, error) {
	return read(name, &source{r: bytes.NewReader(data), size: int64(len(data))})
}

func read(name string, s *source) (*Log, error) {
	if s.size > MaxSize {
		return nil, fmt.Errorf("%s has %d bytes; want at most %d: give a part of it", name, s.size, MaxSize)
	}
	r := bufio.NewReaderSize(s, 1<<16)
	head, _ := r.Peek(4) // an error shows below
	for _, p := range packed {
		if bytes.HasPrefix(head, []byte(p.head)) {
			return nil, fmt.Errorf("%s is %s", name, p.what)
		}
	}
	if bytes.HasPrefix(head, []byte("\ufeff")) {
		_, _ = r.Discard(3) // they were peeked at
	}
	line := 1
	first, err := r.ReadByte()
	for ; err == nil && bytes.IndexByte([]byte(" \t\r\n"), first) >= 0; first, err = r.ReadByte() {
		if first == '\n' {
			line++
		}
	}
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the file is empty; want a log of calls", name)
	}
	if err == nil {
		err = r.UnreadByte()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	l := &Log{}
	if first == '{' || first == '[' {
		err = l.readJSON(name, line, r, first == '[')
	} else {
		err = l.readCSV(name, line, r)
	}
	if err != nil {
		return nil, err
	}
	if len(l.records) == 0 {
		return nil, fmt.Errorf("%s: no call with a time and a model is in the file (records: %d)", name, l.Records)
	}
	l.calls()
	return l, nil
}

// add keeps records that were read.
func (l *Log) add(records []record) error {
	if l.records = append(l.records, records...); len(l.records) > MaxRecords {
		return fmt.Errorf("more than %d calls; give a part of the file", MaxRecords)
	}
	return nil
}

// source is what a log is read from.
type source struct {
	r          io.Reader
	size, done int64
	progress   func(done, of int64) // called after each part is read; nil = never
}

// Read implements [io.Reader].
func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.done += int64(n); s.done > MaxSize { // a pipe has no size
		return n, fmt.Errorf("more than %d bytes; give a part of them", int64(MaxSize))
	}
	if s.progress != nil {
		s.progress(s.done, max(s.size, s.done))
	}
	return n, err
}

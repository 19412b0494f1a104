package trace

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// Header is the first line of a trace file: the columns, all whole numbers.
// arrival_ms never falls from one line to the next; only differences count.
const Header = "arrival_ms,input_tokens,output_tokens"

// The bounds of a trace file. A file that passes one gets an error that names
// the bound, so memory stays bounded whatever the file is.
const (
	MaxRequests  = 10_000_000
	MaxTokens    = 1_000_000_000     // in one column of one line
	MaxArrivalMS = 9_000_000_000_000 // 285 years: time stamps since 1970 fit
	maxLine      = 1024              // bytes
)

// ReadFile reads the trace file at path; see [Read].
func ReadFile(ctx context.Context, path string) (Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return Read(ctx, path, f)
}

// Read reads a trace in CSV, with [Header] as its first line. Lines may end in
// CR LF, and blank lines are skipped. Errors begin with name:line and say what
// was found and what is allowed. Reading ends early when ctx does.
func Read(ctx context.Context, name string, r io.Reader) (Trace, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	p := parser{name: name}
	for lines.Scan() {
		if err := p.parse(lines.Bytes()); err != nil {
			return nil, err
		}
		if p.line%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		p.line++
		return nil, p.errorf("the line is longer than %d bytes; want three numbers: %s", maxLine, Header)
	case err != nil:
		return nil, fmt.Errorf("trace: %s: %w", name, err)
	case p.line == 0:
		return nil, fmt.Errorf("trace: %s: the file is empty; want the header %s and at least one request", name, Header)
	case len(p.trace) == 0:
		return nil, fmt.Errorf("trace: %s: no request after the header", name)
	}
	return p.trace, nil
}

// parser turns lines into requests.
type parser struct {
	name         string
	line         int // number of the line last parsed, from 1
	first, last  int64
	trace        Trace
	headerParsed bool
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("trace: %s:%d: %s", p.name, p.line, fmt.Sprintf(format, args...))
}

func (p *parser) parse(line []byte) error {
	p.line++
	line = bytes.TrimSpace(line)
	if !p.headerParsed {
		return p.parseHeader(line)
	}
	if len(line) == 0 {
		return nil
	}
	if len(p.trace) == MaxRequests {
		return p.errorf("more than %d requests; split the file", MaxRequests)
	}
	fields := strings.Split(string(line), ",")
	if len(fields) != 3 {
		return p.errorf("found %d columns in %.60q; want 3: %s", len(fields), line, Header)
	}
	arrival, err := p.number("arrival_ms", fields[0], MaxArrivalMS)
	if err != nil {
		return err
	}
	input, err := p.number("input_tokens", fields[1], MaxTokens)
	if err != nil {
		return err
	}
	output, err := p.number("output_tokens", fields[2], MaxTokens)
	if err != nil {
		return err
	}
	return p.add(arrival, input, output)
}

func (p *parser) parseHeader(line []byte) error {
	line = bytes.TrimPrefix(line, []byte("\ufeff"))
	if string(line) != Header {
		if bytes.IndexByte(line, 0) >= 0 {
			return p.errorf("this is not a text file; want CSV with the header %s", Header)
		}
		return p.errorf("header is %.60q; want %q", line, Header)
	}
	p.headerParsed = true
	return nil
}

// number reads a column that may hold whole numbers from 0 to limit.
func (p *parser) number(column, field string, limit int64) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(field), 10, 64)
	if err != nil || n < 0 || n > limit {
		return 0, p.errorf("%s is %.40q; want a whole number from 0 to %d", column, field, limit)
	}
	return n, nil
}

func (p *parser) add(arrival, input, output int64) error {
	if len(p.trace) == 0 {
		p.first, p.last = arrival, arrival
	}
	if arrival < p.last {
		return p.errorf("arrival_ms goes back from %d to %d; sort the file by arrival", p.last, arrival)
	}
	p.last = arrival
	p.trace = append(p.trace, Request{
		Arrival: time.Duration(arrival-p.first) * time.Millisecond,
		Input:   input,
		Output:  output,
	})
	return nil
}

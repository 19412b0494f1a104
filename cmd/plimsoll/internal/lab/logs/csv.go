package logs

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// readCSV reads lines whose first one names the columns.
func (l *Log) readCSV(name string, line int, from io.Reader) error {
	r := csv.NewReader(from)
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return csvError(name, line, err)
	}
	for i, h := range head {
		head[i] = strings.TrimSpace(h)
	}
	own := strings.Join(head, ",") == trace.Header
	if own {
		l.Format = "trace of plimsoll replay"
	} else if !slices.Contains(head, "startTime") && !slices.Contains(head, "time") {
		return fmt.Errorf("%s:%d: no column is startTime or time (columns, separated by commas: %d); want those of LiteLLM's spend logs (startTime, model, …), %s, or time,model,input_tokens,output_tokens", name, line, len(head), trace.Header)
	}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return csvError(name, line, err)
		}
		at, _ := r.FieldPos(0) // panics after an error
		at += line - 1
		if len(fields) != len(head) {
			return fmt.Errorf("%s:%d: found %d columns; want the %d of the first line", name, at, len(fields), len(head))
		}
		if err := l.readFields(head, fields, own); err != nil {
			return fmt.Errorf("%s:%d: %w", name, at, err)
		}
	}
}

// readFields reads a line of CSV; own says that it is one of a trace.
func (l *Log) readFields(head, fields []string, own bool) error {
	o := object{}
	for i, h := range head {
		if fields[i] != "" {
			o[h] = fields[i]
		}
	}
	if !own {
		return l.readObject(o)
	}
	for i := range fields {
		o[head[i]] = strings.TrimSpace(fields[i])
	}
	o["time_ms"], o["model"] = o["arrival_ms"], "trace"
	delete(o, "arrival_ms")
	records, err := l.readGeneric(o)
	if err != nil {
		return err
	}
	return l.add(records)
}

// csvError names the line of an error; line is that of the first.
func csvError(name string, line int, err error) error {
	if of, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("%s:%d: not CSV: %w; write a quotation mark within quotation marks, twice", name, of.Line+line-1, of.Err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// lines counts the lines of what a JSON decoder reads. It keeps what the decoder has read and
// not passed yet.
type lines struct {
	r       io.Reader
	pending []byte
	passed  int64 // bytes before pending
	line    int   // in which pending begins
}

// Read implements [io.Reader].
func (l *lines) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.pending = append(l.pending, p[:n]...)
	return n, err
}

// pass records the decoder's offset.
func (l *lines) pass(offset int64) {
	n := offset - l.passed
	l.line += bytes.Count(l.pending[:n], []byte("\n"))
	l.pending, l.passed = l.pending[n:], offset
}

// next returns the line in which the next value begins.
func (l *lines) next() int {
	space := len(l.pending) - len(bytes.TrimLeft(l.pending, " \t\r\n,"))
	return l.line + bytes.Count(l.pending[:space], []byte("\n"))
}

// readJSON reads objects one after the other, or those of an array.
func (l *Log) readJSON(name string, line int, r io.Reader, array bool) error {
	at := &lines{r: r, line: line}
	d := json.NewDecoder(at)
	d.UseNumber()
	if array {
		if _, err := d.Token(); err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	for {
		at.pass(d.InputOffset())
		if array && !d.More() {
			return l.endArray(name, d, at)
		}
		var o object
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) && !array {
			return nil
		}
		if err != nil {
			err = notObject(err)
		} else {
			err = l.readObject(o)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, at.next(), err)
		}
	}
}

// endArray reads the end of an array, after which nothing may follow.
func (l *Log) endArray(name string, d *json.Decoder, at *lines) error {
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("%s:%d: %w", name, at.next(), notObject(err))
	}
	at.pass(d.InputOffset())
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s:%d: found text after the end of the array; give one array, or objects one after the other", name, at.next())
	}
	return nil
}

// notObject returns the error for input that is no object.
func notObject(err error) error {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not a JSON object: the file ends in the middle of it; remove that part, or complete it")
	case errors.As(err, &kind):
		return errors.New("not a JSON object; want one for each call, or for each batch of spans")
	}
	return fmt.Errorf("not a JSON object: %w", err)
}

// readObject reads one object by its members: those of a batch of spans, of a spend log, of
// an answer of LiteLLM that holds a page of rows, or the generic ones.
func (l *Log) readObject(o object) error {
	var records []record
	var err error
	rows, page := o["data"].([]any)
	switch {
	case o["resourceSpans"] != nil || o["resource_spans"] != nil:
		l.Format = "OpenTelemetry spans"
		records, err = l.readSpans(o)
	case o["startTime"] != nil && (o["request_id"] != nil || o["model_group"] != nil || o["call_type"] != nil):
		l.Format = "LiteLLM spend log"
		records, err = l.readSpend(o)
	case page && o["model"] == nil:
		for i, row := range rows {
			fields, ok := row.(map[string]any)
			if !ok || fields["data"] != nil {
				return fmt.Errorf("data[%d]: want a row of LiteLLM_SpendLogs", i)
			}
			if err := l.readObject(fields); err != nil {
				return fmt.Errorf("data[%d]: %w", i, err)
			}
		}
	default:
		l.Format = "generic"
		records, err = l.readGeneric(o)
	}
	if err != nil {
		return err
	}
	return l.add(records)
}

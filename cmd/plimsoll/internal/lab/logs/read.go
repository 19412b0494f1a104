package logs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// MaxSize is how large a file may be, in bytes.
const MaxSize = 1 << 30

// MaxTokens is how many tokens a call may have in either direction.
const MaxTokens = 1_000_000_000

// ReadFile reads the log at path, in whichever of the formats it is. Errors begin with
// path:line and say what is wanted.
func ReadFile(path string) (*Log, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxSize {
		return nil, fmt.Errorf("%s has %d bytes; want at most %d: give a part of it", path, info.Size(), MaxSize)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Read(path, data)
}

// Read reads a log; name is for its errors.
func Read(name string, data []byte) (*Log, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	text := bytes.TrimSpace(data)
	l := &Log{}
	var records []record
	var err error
	switch {
	case len(text) == 0:
		return nil, fmt.Errorf("%s: the file is empty; want a log of calls", name)
	case text[0] == '{' || text[0] == '[':
		records, err = l.readJSON(name, data)
	default:
		records, err = l.readCSV(name, data)
	}
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%s: no call with a time and a model is in the file (records: %d)", name, l.Records)
	}
	l.calls(records)
	return l, nil
}

// readJSON reads objects one after the other, or those of an array.
func (l *Log) readJSON(name string, data []byte) ([]record, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	array := bytes.TrimSpace(data)[0] == '['
	if array {
		if _, err := d.Token(); err != nil {
			return nil, fmt.Errorf("%s:1: %w", name, err)
		}
	}
	var records []record
	line, counted := 1, int64(0)
	for {
		if array && !d.More() {
			return records, nil
		}
		at := d.InputOffset()
		for at < int64(len(data)) && strings.IndexByte(" \t\r\n,", data[at]) >= 0 {
			at++
		}
		line += bytes.Count(data[counted:at], []byte("\n"))
		counted = at
		var o object
		if err := d.Decode(&o); errors.Is(err, io.EOF) && !array {
			return records, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s:%d: not a JSON object: %w", name, line, err)
		}
		got, err := l.readObject(o)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		records = append(records, got...)
	}
}

// readObject reads one object by its members: those of a batch of spans, of a spend log, or
// the generic ones.
func (l *Log) readObject(o object) ([]record, error) {
	switch {
	case o["resourceSpans"] != nil || o["resource_spans"] != nil:
		l.Format = "OpenTelemetry spans"
		return l.readSpans(o)
	case o["startTime"] != nil && (o["request_id"] != nil || o["model_group"] != nil || o["call_type"] != nil):
		l.Format = "LiteLLM spend log"
		return l.readSpend(o)
	}
	l.Format = "generic"
	return l.readGeneric(o)
}

// readCSV reads lines whose first one names the columns.
func (l *Log) readCSV(name string, data []byte) ([]record, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if strings.Join(head, ",") == trace.Header {
		l.Format = "trace of plimsoll replay"
	} else if !contains(head, "startTime") && !contains(head, "time") {
		return nil, fmt.Errorf("%s:1: the columns are %.80q; want those of LiteLLM's spend logs (startTime, model, …), %s, or time,model,input_tokens,output_tokens", name, strings.Join(head, ","), trace.Header)
	}
	var records []record
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0) // panics after an error
		if len(fields) != len(head) {
			return nil, fmt.Errorf("%s:%d: found %d columns; want the %d of the first line", name, line, len(fields), len(head))
		}
		o := object{}
		for i, h := range head {
			if fields[i] != "" {
				o[strings.TrimSpace(h)] = fields[i]
			}
		}
		if l.Format == "trace of plimsoll replay" {
			o["time_ms"], o["model"] = o["arrival_ms"], "trace"
			delete(o, "arrival_ms")
		}
		format := l.Format
		got, err := l.readObject(o)
		if format != "" {
			l.Format = format
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		records = append(records, got...)
	}
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if strings.TrimSpace(s) == want {
			return true
		}
	}
	return false
}

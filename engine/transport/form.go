package transport

import (
	"bytes"
	"errors"
	"mime"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// form is a body of multipart/form-data (RFC 7578) whose field "model" can be replaced.
type form struct {
	text     []byte
	from, to int // the value of model
}

// maxParts bounds the parts of a form.
const maxParts = 1000

var (
	errForm   = errors.New("its form cannot be read")
	errModels = errors.New(`its field "model" stands twice or in another case`)
)

// parseForm reads a form: its model, and whether it asks for a stream.
func (t *Transport) parseForm(q *request, text []byte, boundary string) *refusal {
	f := &form{text: text}
	if err := f.parse(q, boundary); err != nil {
		return invalidBody(err.Error())
	}
	if f.from == f.to {
		return invalidModel()
	}
	q.form, q.group = f, string(text[f.from:f.to])
	q.demand = engine.Demand{OutputTokens: engine.NoOutput}
	return nil
}

// parse walks over the parts. It takes the strict form alone that clients write, so
// that a provider reads the same fields.
func (f *form) parse(q *request, boundary string) error {
	next := []byte("\r\n--" + boundary)
	if boundary == "" || !bytes.HasPrefix(f.text, next[2:]) {
		return errForm
	}
	at := len(next) - 2
	for range maxParts {
		switch rest := f.text[at:]; {
		case bytes.HasPrefix(rest, []byte("--")):
			return nil
		case !bytes.HasPrefix(rest, []byte("\r\n")):
			return errForm
		}
		head := bytes.Index(f.text[at:], []byte("\r\n\r\n"))
		if head < 0 {
			return errForm
		}
		from := at + head + len("\r\n\r\n")
		size := bytes.Index(f.text[from:], next)
		if size < 0 {
			return errForm
		}
		name, err := fieldName(string(f.text[at : at+head]))
		if err != nil {
			return err
		}
		switch value := f.text[from : from+size]; {
		case name == "stream":
			q.stream = string(value) == "true"
		case !strings.EqualFold(name, "model"):
		case name != "model" || f.to != 0 || size > maxModel:
			return errModels
		default:
			f.from, f.to = from, from+size
		}
		at = from + size + len(next)
	}
	return errForm
}

// maxModel is the length in bytes of the longest name of a model in a form.
const maxModel = 1 << 10

// fieldName returns the field that the header of a part names.
func fieldName(head string) (string, error) {
	name := ""
	for line := range strings.SplitSeq(strings.TrimPrefix(head, "\r\n"), "\r\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			return "", errForm
		}
		if !strings.EqualFold(key, "Content-Disposition") {
			continue
		}
		_, params, err := mime.ParseMediaType(value)
		if err != nil || name != "" || params["name"] == "" {
			return "", errForm
		}
		name = params["name"]
	}
	return name, nil
}

// with returns the form with another model; "" = with its own.
func (f *form) with(model string) [][]byte {
	if model == "" {
		return [][]byte{f.text}
	}
	return [][]byte{f.text[:f.from], []byte(model), f.text[f.to:]}
}

package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// MaxBody is the largest size of a request's body in bytes.
const MaxBody = 1 << 20

// requestIDHeader is the header with a request's ID; the server has set it on the answer.
const requestIDHeader = "X-Request-Id"

var (
	reading = json.JoinOptions(json.RejectUnknownMembers(true))
	writing = json.JoinOptions(jsonv1.FormatDurationAsNano(true), jsonv1.OmitEmptyWithLegacySemantics(true), json.FormatNilSliceAsNull(false), jsontext.EscapeForHTML(false), jsontext.AllowInvalidUTF8(true))
)

// buffers are reused for bodies of the usual sizes.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const maxPooled = 64 << 10

// call returns the handler of an operation: it reads the body and writes the answer or the
// problem.
func call[In, Out any](a *API, do func(*API, *server.Token, *In, *Out) *problem) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		var out Out
		if p := a.read(w, r, &in); p != nil {
			a.refuse(w, p)
			return
		}
		a.answer(w, r, &out, do(a, server.CallerOf(r.Context()), &in, &out))
	})
}

// answer writes the problem if there is one, else the answer.
func (a *API) answer(w http.ResponseWriter, r *http.Request, out any, p *problem) {
	if a.annotateWith != nil {
		a.annotate(r, out, p)
	}
	if p != nil {
		a.refuse(w, p)
		return
	}
	a.write(w, http.StatusOK, out)
}

// read parses a body: one JSON object without unknown or repeated members.
func (a *API) read(w http.ResponseWriter, r *http.Request, in any) *problem {
	if ct := r.Header.Get("Content-Type"); ct != "application/json" {
		if kind, _, err := mime.ParseMediaType(ct); err != nil || kind != "application/json" {
			return &problem{status: http.StatusUnsupportedMediaType, kind: "not_json", message: "the header Content-Type must be application/json"}
		}
	}
	if r.ContentLength > MaxBody {
		return tooLarge()
	}
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxPooled {
			buffers.Put(buf)
		}
	}()
	body := heldReader{src: http.MaxBytesReader(w, r.Body, MaxBody), api: a}
	defer body.release()
	var err error
	if *buf, err = readAll(&body, (*buf)[:0]); err != nil {
		if errors.Is(err, errHeld) {
			return tooBusy()
		}
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return tooLarge()
		}
		return &problem{status: http.StatusBadRequest, kind: "unreadable", message: "the body did not arrive whole in time"}
	}
	if err := json.Unmarshal(*buf, in, reading); err != nil {
		return misread(err)
	}
	return nil
}

func tooLarge() *problem {
	return &problem{status: http.StatusRequestEntityTooLarge, kind: "body_too_large", message: "the body has more than " + strconv.Itoa(MaxBody) + " bytes"}
}

// readAll appends all bytes of a reader.
func readAll(r io.Reader, b []byte) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		} else if err != nil {
			return b, err
		}
	}
}

// misread converts an error of reading a body into a problem. Its message repeats
// only numbers of the body's values, because texts may be secret.
func misread(err error) *problem {
	if many, ok := errors.AsType[*tooManyError](err); ok {
		field := ""
		if se, ok := errors.AsType[*json.SemanticError](err); ok {
			field = fieldName(se.JSONPointer)
		}
		return invalidf(field, "lists too many values; at most %d", many.most)
	}
	if se, ok := errors.AsType[*json.SemanticError](err); ok {
		field := fieldName(se.JSONPointer)
		switch {
		case errors.Is(se.Err, json.ErrUnknownName):
			return invalid(field, "is no field of this request; leave it out")
		case field == "":
			return &problem{status: http.StatusBadRequest, kind: "invalid", message: "the body is " + article(se.JSONKind) + "; want a JSON object"}
		case len(se.JSONValue) > 0 && se.JSONKind == '0':
			return invalidf(field, "is %s; want %s", shorten(string(se.JSONValue)), wanted(se))
		}
		return invalidf(field, "is %s; want %s", article(se.JSONKind), wanted(se))
	}
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(se.Err, jsontext.ErrDuplicateName) {
			return invalid(fieldName(se.JSONPointer), "is given twice; leave one out")
		}
		return &problem{status: http.StatusBadRequest, kind: "invalid", message: "the body is not JSON from byte " + strconv.FormatInt(se.ByteOffset, 10) + " on"}
	}
	return &problem{status: http.StatusBadRequest, kind: "invalid", message: "the body is not JSON"}
}

// fieldName writes a JSON pointer with dots.
func fieldName(p jsontext.Pointer) string {
	var parts []string
	for token := range p.Tokens() {
		parts = append(parts, shorten(token))
	}
	return strings.Join(parts, ".")
}

// shorten cuts a text that a message quotes.
func shorten(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// article names a kind of JSON value.
func article(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "true or false"
	case '"':
		return "a text"
	case '0':
		return "a number"
	case '[':
		return "a list"
	case '{':
		return "an object"
	default:
		return "something else"
	}
}

// wanted names the JSON value that a Go type needs.
func wanted(e *json.SemanticError) string {
	if e.GoType == nil {
		return "something else"
	}
	switch e.GoType.Kind().String() {
	case "int64", "int":
		return "a whole number"
	case "string":
		return "a text"
	case "slice":
		return "a list"
	default:
		return "an object"
	}
}

// write writes an answer in JSON. A large answer counts towards Config.MaxHeld until its
// client has read it.
func (a *API) write(w http.ResponseWriter, status int, body any) {
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxPooled {
			buffers.Put(buf)
		}
	}()
	out := appender{(*buf)[:0]}
	err := json.MarshalWrite(&out, body, writing)
	*buf = out.b
	if err != nil { // cannot happen: answers consist of texts and numbers
		http.Error(w, "plimsoll: cannot write the answer", http.StatusInternalServerError)
		return
	}
	w.Header()["Content-Type"] = jsonType
	if n := int64(len(out.b)); n > smallAnswer {
		if a.held.Add(n) > a.most {
			a.held.Add(-n)
			p := tooBusy()
			status, out.b = p.status, append(out.b[:0], busyAnswer...)
			w.Header().Set("Retry-After", "1")
		} else {
			defer a.held.Add(-n)
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(out.b) // an error means that the client has gone
}

var jsonType = []string{"application/json"}

// appender is a writer to memory.
type appender struct{ b []byte }

// Write implements [io.Writer].
func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

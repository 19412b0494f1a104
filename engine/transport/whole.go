package transport

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// wholeAnswer looks at an answer that is no stream: an error is one that reports an error
// and nothing else, and, where only JSON can be an answer, what is none. It is decided at
// its end.
type wholeAnswer struct {
	op     operation
	finder wire.Finder
	seen   int
	other  bool // it is no JSON
}

func newWholeAnswer(op operation) *wholeAnswer {
	return &wholeAnswer{op: op, finder: wire.NewFinder("error", "object", "type")}
}

func (a *wholeAnswer) look(text []byte, end bool) (verdict, []byte) {
	if a.seen == 0 && a.op.answersJSON() {
		a.other = !beginsJSON(text)
	}
	if a.other {
		a.seen = len(text)
		if end && len(bytes.TrimSpace(text)) > 0 {
			return failed, bytes.Clone(text)
		}
		return undecided, nil
	}
	if end && a.op.answersJSON() && len(bytes.TrimSpace(text)) == 0 {
		return undecided, nil
	}
	a.finder.Write(text[a.seen:])
	a.seen = len(text)
	switch {
	case reportsError(a.finder.Get("error")), string(a.finder.Get("object")) == `"error"`, string(a.finder.Get("type")) == `"error"`:
		if a.finder.Complete() || end {
			return failed, bytes.Clone(text)
		}
	case a.finder.Complete() || end:
		if lacksContent(a.op, text) {
			return failed, bytes.Clone(text)
		}
		return content, nil
	}
	return undecided, nil
}

// isStream reports whether the first bytes of an answer begin a stream of events, and not JSON
// or a page, whatever its header says; shown is false while they do not show it. Servers send
// streams as text/plain (https://github.com/containers/ramalama/issues/2837) and as
// application/x-ndjson (https://github.com/Lightning-AI/LitServe/issues/359), and JSON as
// text/event-stream (https://github.com/decolua/9router/issues/3492).
func isStream(text []byte, declared bool) (stream, shown bool) {
	text = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(text), byteOrderMark))
	if len(text) == 0 {
		return declared, false
	}
	switch text[0] {
	case '{', '[', '<':
		return false, true
	case ':':
		return true, true
	}
	for _, field := range [...]string{"data:", "event:", "id:", "retry:"} {
		if n := min(len(text), len(field)); string(text[:n]) == field[:n] {
			return n == len(field) || declared, n == len(field)
		}
	}
	return declared, true
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// beginsJSON reports whether a text may be an object, or a list of them.
func beginsJSON(text []byte) bool {
	text = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(text), byteOrderMark))
	return len(text) == 0 || text[0] == '{' || text[0] == '['
}

// lacksContent reports whether an answer in JSON, or the data of an event, has nothing of
// what an operation answers with, and says in some vendor's way that it is an error.
func lacksContent(op operation, text []byte) bool {
	name := op.answers()
	if name == "" {
		return false
	}
	if v := wire.Get(text, name); !absent(v) && string(v) != "[]" {
		return false
	}
	if list, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte("[")); ok && !bytes.HasPrefix(bytes.TrimSpace(list), []byte("{")) {
		return false // of numbers: servers of embeddings answer so
	}
	s := provider.Read(provider.Answer{Status: http.StatusOK, Body: text})
	return s.Kind != provider.Fine
}

// reportsError reports whether the value of a member "error" is one.
func reportsError(v []byte) bool {
	switch string(v) {
	case "", "null", "false", `""`, "{}", "[]":
		return false
	}
	return true
}

// isJSON reports whether a type of media is JSON.
func isJSON(kind string) bool {
	return kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")
}

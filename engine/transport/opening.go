package transport

import (
	"bytes"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// opening looks at the beginning of an answer. Comments, pings and events of a stream that
// only announce an answer decide nothing.
type opening struct {
	op     operation
	stream bool // it is a stream of events: as its header says, until its first bytes show it
	shown  bool // they have shown it, or need not
	ends   wire.Splitter
	from   int          // an event begins here
	body   *wholeAnswer // of an answer that is no stream
}

func newOpening(op operation, stream bool) *opening {
	return &opening{op: op, stream: stream, shown: !op.answersJSON()}
}

func (o *opening) look(text []byte, end bool) (verdict, []byte) {
	if !o.shown {
		if o.stream, o.shown = isStream(text, o.stream); !o.shown && !end {
			return undecided, nil
		}
	}
	if !o.stream && o.body == nil {
		o.body = newWholeAnswer(o.op)
	}
	if o.body != nil {
		return o.body.look(text, end)
	}
	for {
		next, rest := o.ends.Next(text)
		if next == 0 {
			break
		}
		event := text[o.from:next]
		o.from = next
		if rest {
			continue
		}
		if v, failure := o.event(event); v != undecided {
			return v, failure
		}
	}
	if end && o.from < len(text) { // without the blank line that ends it
		return o.event(text[o.from:])
	}
	return undecided, nil
}

func (o *opening) event(event []byte) (verdict, []byte) {
	name, data := wire.Fields(event)
	if len(data) == 0 || string(data) == "[DONE]" || string(data) == "null" || keepsAlive(name) {
		return undecided, nil
	}
	if f := failureOf(name, data); f != nil {
		return failed, bytes.Clone(f)
	}
	if !wire.Valid(data) {
		if o.op.answersJSON() {
			return failed, bytes.Clone(data)
		}
		return content, nil
	}
	if len(name) == 0 {
		name = []byte(wire.Unquote(wire.Get(data, "type")))
	}
	if len(name) == 0 && lacksContent(o.op, data) {
		return failed, bytes.Clone(data)
	}
	announces := keepsAlive(name)
	switch o.op {
	case chat, completions:
		announces = announcesChat(data)
	case responses:
		switch string(name) {
		case "response.created", "response.queued", "response.in_progress":
			announces = true
		}
	case messages:
		announces = announces || string(name) == "message_start"
	default:
	}
	if announces {
		return undecided, nil
	}
	return content, nil
}

// keepsAlive reports whether an event of a name says only that the stream goes on, whatever its
// data.
func keepsAlive(name []byte) bool {
	switch string(name) {
	case "ping", "keepalive", "heartbeat":
		return true
	}
	return false
}

// announcesChat reports whether a chunk of a chat says nothing: no choice of it has
// content, an end or anything else, and no usage is reported.
func announcesChat(chunk []byte) bool {
	if u := wire.Get(chunk, "usage"); len(u) > 0 && u[0] == '{' {
		return false
	}
	for choice := range wire.Elements(wire.Get(chunk, "choices")) {
		for name, v := range wire.Members(choice) {
			switch name {
			case "finish_reason":
				if !absent(v) {
					return false
				}
			case "text":
				if len(v) > len(`""`) {
					return false
				}
			case "delta":
				for name, v := range wire.Members(v) {
					if name != "role" && !absent(v) && string(v) != `""` && string(v) != "[]" {
						return false
					}
				}
			}
		}
	}
	return true
}

// failureOf returns the error that an event of a stream is; nil if it is none. Members
// may stand in any order.
func failureOf(name, data []byte) []byte {
	switch string(name) {
	case "error", "response.failed":
		return data
	}
	if !bytes.Contains(data, []byte(`"error"`)) && (len(name) > 0 || !bytes.Contains(data, []byte(`"response.failed"`))) || !wire.Valid(data) {
		return nil
	}
	kind := wire.Unquote(wire.Get(data, "type"))
	if kind == "error" || kind == "response.failed" || string(wire.Get(data, "object")) == `"error"` || reportsError(wire.Get(data, "error")) {
		return data
	}
	return nil
}

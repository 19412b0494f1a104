package transport

import (
	"encoding/json"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// tally adds up the tokens of a prompt while its body is walked. It keeps nothing of
// the body, so that memory does not grow with the number of items; the texts that it
// counts share the body's memory.
type tally struct {
	counter estimate.Counter
	total   int64
	size    promptSize // what is not in total
	err     error      // the first

	one   [1]estimate.Message
	calls [1]estimate.Call
	tool  [1]estimate.Tool
}

// What package estimate adds for an answer, for a message and for having tools, whatever
// they say.
var (
	replyTokens   = costOf(estimate.Chat{})
	messageTokens = costOf(estimate.Chat{Messages: make([]estimate.Message, 1)}) - replyTokens
	toolsTokens   = 2*costOf(estimate.Chat{Tools: make([]estimate.Tool, 1)}) - costOf(estimate.Chat{Tools: make([]estimate.Tool, 2)}) - replyTokens
)

func costOf(c estimate.Chat) int64 {
	n, err := estimate.Messages(estimate.O200K, c)
	if err != nil {
		panic(err) // cannot be: there is nothing in it
	}
	return n
}

// add counts a part of a chat, with what is counted elsewhere taken off.
func (t *tally) add(c estimate.Chat, beside int64) {
	if t.err != nil {
		return
	}
	n, err := estimate.Messages(t.counter, c)
	t.total, t.err = t.total+n+beside, err
}

// message counts the beginning of a message.
func (t *tally) message(role, name string) {
	t.one[0] = estimate.Message{Role: role, Name: name}
	t.add(estimate.Chat{Messages: t.one[:]}, -replyTokens)
}

// call counts a call of a tool, whose arguments are a text or JSON.
func (t *tally) call(name string, arguments json.RawMessage) {
	text, _ := wire.Text(arguments)
	if len(arguments) > 0 && arguments[0] != '"' {
		text = wire.Raw(arguments)
	}
	t.calls[0] = estimate.Call{Name: name, Arguments: text}
	t.one[0] = estimate.Message{Calls: t.calls[:]}
	t.add(estimate.Chat{Messages: t.one[:]}, -replyTokens-messageTokens)
}

// text counts what a JSON text says, or another value as it stands.
func (t *tally) text(raw json.RawMessage) {
	if len(raw) == 0 || raw[0] != '"' {
		t.raw(raw)
		return
	}
	text, _ := wire.Text(raw)
	t.count(text)
}

// raw counts a value as it stands.
func (t *tally) raw(raw json.RawMessage) { t.count(wire.Raw(raw)) }

func (t *tally) count(text string) {
	if t.err != nil {
		return
	}
	n, err := t.counter.Text(text)
	t.total, t.err = t.total+n, err
}

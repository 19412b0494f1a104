package transport

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// demand estimates what a body will consume. It never fails: what does not have
// the form that the API documents counts as the text that it is, and the provider
// will say what is wrong with it. The input is that of no deployment in particular.
func demand(op operation, body *wire.Object, counter estimate.Counter) (engine.Demand, promptSize) {
	if op.counts() != byTokens {
		return engine.Demand{OutputTokens: engine.NoOutput}, promptSize{}
	}
	d := engine.Demand{}
	t := tally{counter: counter}
	if op == embeddings {
		d.OutputTokens = engine.NoOutput
		t.inputs(body.Get("input"))
	} else {
		d.MaxOutputTokens = mostOutput(body)
		t.total = replyTokens
		t.prompt(op, body)
	}
	n := t.total
	if t.err != nil {
		n = estimate.Text(wire.Raw(body.Text), counter.Encoding())
	}
	t.size.text = min(n, engine.MaxCount)
	d.InputTokens = t.size.text
	return d, t.size
}

// mostOutput returns the most output that a body allows: the largest of the names for
// it, for each of the answers that it asks for; 0 = it names none.
func mostOutput(body *wire.Object) int64 {
	most, answers := int64(0), int64(1)
	for _, name := range []string{"max_tokens", "max_completion_tokens", "max_output_tokens"} {
		most = max(most, count(body.Get(name)))
	}
	for _, name := range []string{"n", "best_of"} {
		answers = max(answers, count(body.Get(name)))
	}
	return min(most, engine.MaxCount/answers) * answers
}

// inputs counts what is to be embedded: a text, texts, tokens or lists of them.
func (t *tally) inputs(raw json.RawMessage) {
	if len(raw) == 0 || raw[0] != '[' {
		t.text(raw)
		return
	}
	for v := range wire.Elements(raw) {
		switch v[0] {
		case '[':
			for range wire.Elements(v) {
				t.total++
			}
		case '"', '{':
			t.text(v)
		default:
			t.total++
		}
	}
}

// prompt counts the texts of a body.
func (t *tally) prompt(op operation, body *wire.Object) {
	switch op {
	case chat:
		t.items(body.Get("messages"))
	case completions:
		t.inputs(body.Get("prompt"))
	case responses, compact:
		t.system(body.Get("instructions"))
		for _, v := range wire.Members(wire.Get(body.Get("prompt"), "variables")) { // of a stored prompt
			t.content(v, 0)
		}
		t.items(body.Get("input"))
	case messages:
		t.system(body.Get("system"))
		t.items(body.Get("messages"))
	default: // no messages
	}
	for _, name := range []string{"response_format", "text", "output_format"} {
		if v := body.Get(name); bytes.Contains(v, []byte("schema")) {
			t.as(ofSchema)
			t.message("", "")
			before := t.total
			t.text(v)
			t.total -= (t.total - before) / 4 // billed as 0.65 to 0.8 of its text in 76 exchanges
		}
	}
	t.content(wire.Get(body.Get("prediction"), "content"), 0)
	t.tools(body.Get("tools"))
	t.tools(body.Get("functions"))
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || raw[0] == 'n' }

// tools counts the tools of any of the forms.
func (t *tally) tools(raw json.RawMessage) {
	for v := range wire.Elements(raw) {
		if !t.size.tools {
			t.size.tools = true
			t.as(ofTools)
			t.total += toolsTokens
		}
		inner := v
		for _, name := range []string{"function", "custom"} {
			if f := wire.Get(v, name); len(f) > 0 && f[0] == '{' {
				inner = f
			}
		}
		t.total += builtIn(wire.Unquote(wire.Get(v, "type")))
		t.tool[0] = t.toolOf(inner)
		t.add(estimate.Chat{Tools: t.tool[:]}, -replyTokens-toolsTokens)
	}
}

// toolOf reads a tool. Members that have another form than usual, or are not known,
// count as the text that they are.
func (t *tally) toolOf(raw json.RawMessage) (tool estimate.Tool) {
	for name, v := range wire.Members(raw) {
		switch {
		case name == "name" && v[0] == '"':
			tool.Name = wire.Unquote(v)
		case name == "description" && v[0] == '"':
			tool.Description = wire.Unquote(v)
		case (name == "parameters" || name == "input_schema") && v[0] == '{' && len(v) <= estimate.MaxSchema:
			tool.Parameters = wire.Raw(v)
		case name == "type", name == "strict", name == "cache_control", name == "authorization", name == "headers", absent(v):
		default:
			t.flat(v)
		}
	}
	return tool
}

// builtIns are what tools cost that a provider defines, which name themselves by the type
// alone: https://platform.claude.com/docs/en/agents-and-tools/tool-use/computer-use-tool,
// …/bash-tool and …/text-editor-tool.
var builtIns = []struct {
	prefix string
	tokens int64
}{
	{"computer_20", 735},
	{"text_editor_20", 700},
	{"bash_20", 245},
}

// builtIn returns what a tool of a type costs beyond what the request says of it.
func builtIn(kind string) int64 {
	for _, b := range builtIns {
		if strings.HasPrefix(kind, b.prefix) {
			return b.tokens
		}
	}
	return 0
}

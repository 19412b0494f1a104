package transport

import "strings"

// An operation is the kind of a request. It determines the shapes of its body, its
// answer and its errors.
type operation uint8

const (
	chat operation = iota
	responses
	embeddings
	messages
	completions
	compact
	imageGenerations
	imageEdits
	imageVariations
	speech
	transcriptions
	translations
	moderations
	rerank
	inputTokens
	countTokens
)

// An accounting is the part of a call that is counted.
type accounting uint8

const (
	byTokens  accounting = iota // requests and tokens
	byRequest                   // requests, and tokens where the answer reports them
	uncounted                   // nothing: the provider limits such calls apart from others
)

// operations describes each operation: how its path ends, whatever stands before, what
// of it is counted, whether it is of Anthropic's API, and whether its body may be a form.
//
// Sources: https://platform.openai.com/docs/api-reference and
// https://platform.claude.com/docs/en/api/messages-count-tokens, whose rate limits are
// apart from those of messages; https://docs.cohere.com/reference/rerank, which vLLM,
// Jina and others serve too.
var operations = [...]struct {
	suffix    string
	counts    accounting
	anthropic bool
	form      bool
}{
	chat:             {suffix: "/chat/completions"},
	responses:        {suffix: "/responses"},
	embeddings:       {suffix: "/embeddings"},
	messages:         {suffix: "/messages", anthropic: true},
	completions:      {suffix: "/completions"},
	compact:          {suffix: "/responses/compact"},
	imageGenerations: {suffix: "/images/generations", counts: byRequest},
	imageEdits:       {suffix: "/images/edits", counts: byRequest, form: true},
	imageVariations:  {suffix: "/images/variations", counts: byRequest, form: true},
	speech:           {suffix: "/audio/speech", counts: byRequest},
	transcriptions:   {suffix: "/audio/transcriptions", counts: byRequest, form: true},
	translations:     {suffix: "/audio/translations", counts: byRequest, form: true},
	moderations:      {suffix: "/moderations", counts: byRequest},
	rerank:           {suffix: "/rerank", counts: byRequest},
	inputTokens:      {suffix: "/responses/input_tokens", counts: uncounted},
	countTokens:      {suffix: "/messages/count_tokens", counts: uncounted, anthropic: true},
}

// operationOf returns the operation of a path: if it ends like the paths of several, the one
// with the longest.
func operationOf(path string) (found operation, ok bool) {
	path = strings.TrimSuffix(path, "/")
	for op := range operations {
		suffix := operations[op].suffix
		if strings.HasSuffix(path, suffix) && (!ok || len(suffix) > len(operations[found].suffix)) {
			found, ok = operation(op), true
		}
	}
	return found, ok
}

func (op operation) suffix() string { return operations[op].suffix }

func (op operation) counts() accounting { return operations[op].counts }

// anthropic reports whether the operation is of Anthropic's API.
func (op operation) anthropic() bool { return operations[op].anthropic }

// servedBy reports whether an endpoint has the operation; bodies are not
// translated from one API to the other.
func (op operation) servedBy(a API) bool { return op.anthropic() == (a == Anthropic) }

// answers returns the member of an answer in JSON that has its content; "" = not looked
// at.
func (op operation) answers() string {
	switch op {
	case chat, completions:
		return "choices"
	case responses, compact:
		return "output"
	case messages:
		return "content"
	case embeddings:
		return "data"
	case rerank, moderations:
		return "results"
	default:
		return ""
	}
}

// answersJSON reports whether only JSON, or a stream of it, can be an answer.
func (op operation) answersJSON() bool { return op.answers() != "" }

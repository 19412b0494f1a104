package transport

import "strings"

// An operation is what a request asks for, and with it the shape of its body,
// its answer and its errors.
type operation uint8

const (
	chat operation = iota
	responses
	embeddings
	messages
)

// suffixes are how the paths of the operations end, whatever stands before.
var suffixes = [...]string{
	chat:       "/chat/completions",
	responses:  "/responses",
	embeddings: "/embeddings",
	messages:   "/messages",
}

func operationOf(path string) (operation, bool) {
	path = strings.TrimSuffix(path, "/")
	for op, suffix := range suffixes {
		if strings.HasSuffix(path, suffix) {
			return operation(op), true
		}
	}
	return 0, false
}

// anthropic reports whether the operation is of Anthropic's API.
func (op operation) anthropic() bool { return op == messages }

// servedBy reports whether an endpoint understands the operation: bodies are
// not translated from one API to the other.
func (op operation) servedBy(a API) bool { return op.anthropic() == (a == Anthropic) }

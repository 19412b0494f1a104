package transport

import (
	"encoding/json"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// The tokens of documents, sounds and films of which only the size, or not even that, is
// known. A page of a PDF is billed as its text and an image of it, 1,500 to 3,000 tokens
// in all (https://platform.claude.com/docs/en/build-with-claude/pdf-support); sound is
// 10 to 32 tokens a second (https://ai.google.dev/gemini-api/docs/audio).
const (
	pageBytes      = 60 << 10 // of a PDF
	pageTokens     = 2000
	mostPages      = 1000 // that providers take
	documentTokens = 3000 // of one that stands elsewhere
	soundBytes     = 1000 // for a token
	leastSound     = 80
	mostSound      = 20_000
	filmTokens     = 3000
	// hiddenBytes is how many bytes of content that only the provider can read, such as
	// reasoning, are a token: less than half as many as of text in base64.
	hiddenBytes = 6
)

// as says what a prompt has.
func (t *tally) as(kind promptKind) { t.size.kind = max(t.size.kind, kind) }

// document counts a document: its text, or by the size of its data.
func (t *tally) document(raw json.RawMessage, depth int) {
	source := wire.Get(raw, "source")
	for _, name := range []string{"title", "context"} {
		if v := wire.Get(raw, name); len(v) > 0 && v[0] == '"' {
			t.text(v)
		}
	}
	switch wire.Unquote(wire.Get(source, "type")) {
	case "text":
		t.text(wire.Get(source, "data"))
		return
	case "content":
		t.content(wire.Get(source, "content"), depth+1)
		return
	}
	t.as(ofDocuments)
	data := dataOf(raw)
	switch size := int64(len(data)) * 3 / 4; {
	case size < 64: // an address, or the name of a file
		t.total += documentTokens
	case strings.HasPrefix(longestText(raw, 0), "data:text/"), strings.HasPrefix(wire.Unquote(wire.Get(source, "media_type")), "text/"):
		t.total += size / 4
	default:
		t.total += min((size+pageBytes-1)/pageBytes, mostPages) * pageTokens
	}
}

// sound counts a recording by the size of its data.
func (t *tally) sound(raw json.RawMessage) {
	t.as(ofAudio)
	t.total += min(max(int64(len(dataOf(raw)))*3/4/soundBytes, leastSound), mostSound)
}

// hidden counts content that only the provider can read.
func (t *tally) hidden(raw json.RawMessage) {
	t.as(ofReasoning)
	t.total += int64(len(raw)) / hiddenBytes
}

// unknown counts a part of an unknown type: its texts, except data.
func (t *tally) unknown(raw json.RawMessage, depth int) {
	switch {
	case len(raw) == 0:
	case raw[0] == '"':
		t.say(raw)
	case raw[0] != '{' && raw[0] != '[':
		t.text(raw)
	case depth > maxNesting:
		t.flat(raw)
	case raw[0] == '[':
		for v := range wire.Elements(raw) {
			t.unknown(v, depth+1)
		}
	default:
		for name, v := range wire.Members(raw) {
			t.count(name)
			if name != "signature" && name != "thought_signature" {
				t.unknown(v, depth+1)
			}
		}
	}
}

// say counts a text that may be data. Data of a kind that is not known costs as much as
// the smaller of what hides in it and a document.
func (t *tally) say(raw json.RawMessage) {
	if isData(raw) {
		t.as(ofDocuments)
		t.total += min(int64(len(raw))/hiddenBytes, documentTokens)
		return
	}
	t.text(raw)
}

// flat counts a value of any depth in one pass: what stands between its data, as the text
// that it is.
func (t *tally) flat(raw json.RawMessage) {
	from := 0
	for i := 0; i < len(raw); i++ {
		if raw[i] != '"' {
			continue
		}
		start := i
		for i++; i < len(raw) && raw[i] != '"'; i++ {
			if raw[i] == '\\' {
				i++
			}
		}
		if end := min(i+1, len(raw)); isData(raw[start:end]) {
			t.raw(raw[from:start])
			t.say(raw[start:end])
			from = end
		}
	}
	t.raw(raw[from:])
}

// isData reports whether a text is base64 or a data URL: long, and without the spaces
// that words have. Slashes and ends of lines may be escaped.
func isData(raw json.RawMessage) bool {
	const least = 256
	if len(raw) < least {
		return false
	}
	if strings.HasPrefix(wire.Raw(raw), `"data:`) {
		return true
	}
	for _, c := range raw[1:least] {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/', c == '-', c == '_', c == '=', c == '\\':
		default:
			return false
		}
	}
	return true
}

package estimate

import "strings"

// Encoding is the tokenization of a family of models. The zero value is [O200K],
// which is also used for every encoding that this package does not have.
type Encoding uint8

const (
	O200K  Encoding = iota // o200k_base: gpt-4o, gpt-4.1, gpt-5, o1 and later
	CL100K                 // cl100k_base: gpt-4, gpt-3.5, the embedding models

	encodings = iota
)

// String returns the encoding's published name.
func (e Encoding) String() string {
	if e == CL100K {
		return "cl100k_base"
	}
	return "o200k_base"
}

// cl100kModels are the models of CL100K: a name, or a prefix if it ends in "-".
var cl100kModels = [...]string{
	"gpt-4", "gpt-4-",
	"gpt-3.5", "gpt-3.5-",
	"gpt-35-", // Azure's spelling
	"text-embedding-ada-002", "text-embedding-3-",
	"davinci-002", "babbage-002",
}

// EncodingFor returns the encoding of a model. A prefix up to the last
// slash ("azure/", "openai/"), the "ft:" of a fine-tuned model and the case of letters are
// ignored. For a model that is not listed it returns [O200K]: newer models of
// OpenAI use it or a similar one, and for other vendors, whose encodings are
// not public, it is an approximation.
//
// The names are those of https://github.com/openai/tiktoken/blob/main/tiktoken/model.py.
// EncodingFor does not allocate. Safe for concurrent use.
func EncodingFor(model string) Encoding {
	model = model[strings.LastIndexByte(model, '/')+1:]
	if hasPrefixFold(model, "ft:") {
		model = model[len("ft:"):]
		model, _, _ = strings.Cut(model, ":") // the model's name is before the name of the tuning
	}
	for _, name := range cl100kModels {
		if strings.EqualFold(model, name) || strings.HasSuffix(name, "-") && hasPrefixFold(model, name) {
			return CL100K
		}
	}
	return O200K
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

package estimate

import "strings"

// Encoding is a way of cutting text into tokens. The zero value is [O200K],
// which also stands for every encoding this package does not know.
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
	"gpt-35-", // as Azure writes it
	"text-embedding-ada-002", "text-embedding-3-",
	"davinci-002", "babbage-002",
}

// EncodingFor returns the encoding of a model. Whatever stands before the last
// slash ("azure/", "openai/") and the "ft:" of a fine-tuned model do not matter,
// nor does the case of letters. A model that is not listed gets [O200K]: newer models of
// OpenAI use it or a close relative, and for other vendors, whose encodings are
// not public, it is an approximation like any other.
//
// The names are those of https://github.com/openai/tiktoken/blob/main/tiktoken/model.py.
// It does not allocate and may be called from any number of goroutines.
func EncodingFor(model string) Encoding {
	model = model[strings.LastIndexByte(model, '/')+1:]
	if hasPrefixFold(model, "ft:") {
		model = model[len("ft:"):]
		model, _, _ = strings.Cut(model, ":") // what was tuned: no part of the model
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

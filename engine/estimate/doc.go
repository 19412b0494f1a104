// Package estimate estimates or counts the tokens of a prompt before it is sent.
//
// # Estimate or count
//
// [Text] estimates in one pass over the text. It is fifty to a hundred times as
// fast as counting, does not allocate and never fails. On documents of
// 2 KiB and more its median error is 1 to 3 %. [Exact] counts with the encoding's own
// vocabulary, which is compiled into the program; nothing is downloaded. Both are a [Counter],
// so that [Messages] and [Texts] work with either. docs/ESTIMATES.md has
// the accuracy by kind and size of text, and how to measure it again.
//
// # Encodings
//
// [EncodingFor] maps the name of a model to [O200K] or [CL100K], the encodings
// of OpenAI's models. The encodings of other vendors are not public. For their models every
// count is an approximation, which the usage in the response corrects.
//
// # Errors
//
// A count that cannot be made is an error. No function returns 0 for a text
// that is not empty. Work is bounded: an estimate reads at most 32 KiB of a text, and
// an exact count returns [ErrTooLong] for a text that would take too long.
package estimate

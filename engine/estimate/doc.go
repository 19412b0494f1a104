// Package estimate says how many tokens a prompt has, before it is sent.
//
// # Estimate or count
//
// [Text] estimates in one pass over the text, some fifty to a hundred times as
// fast as counting, without allocating and without ever failing. On documents of
// 2 KiB and more its median error is 1 to 3 %. [Exact] counts with the encoding's own
// vocabulary, which is compiled in: nothing is downloaded. Both are a [Counter],
// so that [Messages] and [Texts] work with either. docs/ESTIMATES.md has
// the accuracy by kind and size of text, and how to measure it again.
//
// # Encodings
//
// [EncodingFor] maps the name of a model to [O200K] or [CL100K], the encodings
// of OpenAI's models. Other vendors' are not public; there any figure is an
// approximation that the usage in the response corrects.
//
// # Failure
//
// A count that could not be made is an error. No function returns 0 for a text
// that is not empty. Work is bounded: an estimate reads at most 32 KiB of a text,
// an exact count refuses what would take too long ([ErrTooLong]).
package estimate

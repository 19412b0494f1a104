// Package config reads configuration files: plimsoll's own format, in YAML or
// JSON, and LiteLLM's config.yaml as it is.
//
// [Load] reads a file, [Parse] bytes. Both return a [File]: an [engine.Config]
// that engine.New takes, the [Endpoint] of each deployment that can be called, the
// settings of the [Store] that nodes share usage through, and warnings. A file with a `model_list` key is LiteLLM's, any other
// is plimsoll's. docs/CONFIG.md describes the own format field by field,
// docs/LITELLM.md what is read of a LiteLLM file and what differs.
//
// # Errors
//
// The error is an [*Error] with everything that is wrong, the first
// [MaxFindings] of it one by one: each names the file, the line, the key, what
// was found and what is allowed.
//
// # Limits
//
// Reading takes bounded time and memory, whatever the input: files above
// [MaxBytes], with more than [MaxMarks] items, nested deeper than [MaxDepth],
// or whose aliases unfold to more than [MaxUnfolded] items are refused.
//
// # Secrets
//
// A LiteLLM file holds API keys, and values may come from the environment
// ("os.environ/NAME"). Neither is ever part of an error, a warning, a note or
// [Store.String], and a [Credential] prints as "(hidden)". [File.Mask] hides them
// in any other text.
package config

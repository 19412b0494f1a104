// Package config reads configuration files: plimsoll's own format, in YAML or
// JSON, and LiteLLM's config.yaml as it is.
//
// [Load] reads a file, [Parse] bytes. Both return a [File]: an [engine.Config]
// for engine.New, the [Endpoint] of each deployment that can be called, the
// settings of the [Store] by which nodes share usage, and warnings. A file with a `model_list`
// is LiteLLM's, and so is one without deployments that includes others or has sections of LiteLLM's;
// any other is plimsoll's. docs/CONFIG.md describes plimsoll's own format field
// by field, docs/LITELLM.md which parts of a LiteLLM file are read and what differs.
//
// # Errors
//
// The error is an [*Error] that lists the first [MaxFindings] problems. Each names
// the file, the line, the key, the value found and the values allowed.
//
// # Limits
//
// Reading takes bounded time and memory, whatever the input: files above
// [MaxBytes], with more than [MaxMarks] items, nested deeper than [MaxDepth],
// or whose aliases unfold to more than [MaxUnfolded] items are refused.
//
// # Secrets
//
// A LiteLLM file contains API keys, and values may come from the environment
// ("os.environ/NAME"). Neither is ever part of an error, a warning, a note or
// [Store.String], and a [Credential] prints as "(hidden)". [File.Mask] hides them
// in any other text.
package config

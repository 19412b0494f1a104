// Package logs reads the calls of a log: LiteLLM's spend logs, OpenTelemetry's GenAI spans,
// traces of plimsoll replay, and a generic format. It keeps times, models, tokens, statuses
// and hashes of identifiers, and nothing else.
package logs

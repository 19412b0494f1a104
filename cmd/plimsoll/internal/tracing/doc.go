// Package tracing makes spans of the daemon's requests by OpenTelemetry's SDK, and sends
// them to a collector by OTLP over HTTP. Sampling, batches, headers, compression and
// certificates follow OpenTelemetry's environment variables. Requests never wait for a
// collector: spans beyond the SDK's queue are dropped, and counted.
package tracing

// Package tracing creates spans of the daemon's requests by OpenTelemetry's SDK, and sends
// them to a collector by OTLP over HTTP. OpenTelemetry's environment variables configure
// sampling, batches, headers, compression and certificates. Requests never wait for a
// collector: spans beyond the SDK's queue are dropped and counted.
package tracing

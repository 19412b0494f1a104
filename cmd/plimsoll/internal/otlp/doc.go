// Package otlp tells an OpenTelemetry collector how requests went: spans in
// OTLP over HTTP, in JSON. It is that part of OpenTelemetry which the daemon
// needs, without its SDK. Requests never wait for it: spans that do not fit
// into a bounded queue are dropped, and counted.
package otlp

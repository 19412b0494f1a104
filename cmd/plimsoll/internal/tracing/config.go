package tracing

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

const tracesPath = "/v1/traces"

// Config is the destination of spans.
type Config struct {
	// Endpoint is a collector's address, to which /v1/traces is added; "" = that of
	// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT.
	Endpoint string
	// Getenv is asked whether spans are wanted and whether the variables can be used.
	// The SDK itself reads the process's environment.
	Getenv func(string) string
	// Last is how long the last spans may take to be sent when Run ends; 0 = 5 s.
	Last time.Duration
	Log  *slog.Logger // nil = no log
}

// wanted reports whether spans are to be sent. The error names a variable, and repeats
// no value of it: addresses and headers may hold secrets.
func (c *Config) wanted() (bool, error) {
	if c.Getenv("OTEL_SDK_DISABLED") == "true" || c.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false, nil
	}
	from, address := "--otlp", c.Endpoint
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if address == "" {
			from, address = name, c.Getenv(name)
		}
	}
	if address == "" {
		return false, nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return false, errors.New(from + ": want the address of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318")
	case u.User != nil:
		return false, errors.New(from + ": has a user or password, which is not sent; give a header by OTEL_EXPORTER_OTLP_HEADERS")
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		if c.Getenv(name) == "grpc" {
			return false, errors.New(name + ": grpc is not supported; use http/protobuf, on port 4318")
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		if !headers(c.Getenv(name)) {
			return false, errors.New(name + ": want name=value, with commas between them")
		}
	}
	return true, nil
}

// headers reports whether a text is name=value, parted by commas, with what is special
// escaped as in a URL. The SDK would repeat in its log what it cannot read.
func headers(list string) bool {
	for pair := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil || strings.ContainsAny(key+value, "\r\n") {
			return false
		}
	}
	return true
}

package otlp

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	defaultQueue   = 4096
	defaultService = "plimsoll"
	tracesPath     = "/v1/traces"
)

// Config says where spans go.
type Config struct {
	// URL is where spans are posted, path and all.
	URL     string
	Headers http.Header // of the posts, such as a key; never logged
	Service string      // service.name; "" = plimsoll
	Queue   int         // spans that may wait; 0 = 4096
	// Every is how long a span may wait before it is sent; 0 = 1 s.
	Every time.Duration
	// Timeout is how long a post may take, and the last one at the end; 0 = 5 s.
	Timeout time.Duration
	Log     *slog.Logger // nil = nobody
}

// FromEnv is a configuration by an address, to which /v1/traces is added, and by
// OpenTelemetry's environment variables: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and
// OTEL_EXPORTER_OTLP_ENDPOINT where the address is empty, _HEADERS, and
// OTEL_SERVICE_NAME. Nil = no spans are wanted. An error does not repeat the
// address, which may hold a password.
func FromEnv(address string, getenv func(string) string) (*Config, error) {
	c := &Config{URL: getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), Service: getenv("OTEL_SERVICE_NAME")}
	from := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	if base := getenv("OTEL_EXPORTER_OTLP_ENDPOINT"); c.URL == "" && base != "" {
		c.URL, from = strings.TrimSuffix(base, "/")+tracesPath, "OTEL_EXPORTER_OTLP_ENDPOINT"
	}
	if address != "" {
		c.URL, from = strings.TrimSuffix(address, "/")+tracesPath, "--otlp"
	}
	if c.URL == "" || getenv("OTEL_SDK_DISABLED") == "true" {
		return nil, nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New(from + ": want the address of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318")
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		if err := c.headers(getenv(name)); err != nil {
			return nil, errors.New(name + ": " + err.Error())
		}
	}
	return c, nil
}

// headers reads key=value, parted by commas, with what is special escaped as in a
// URL.
func (c *Config) headers(list string) error {
	for pair := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil || strings.ContainsAny(key+value, "\r\n") {
			return errors.New("want name=value, with commas between them")
		}
		if c.Headers == nil {
			c.Headers = http.Header{}
		}
		c.Headers.Set(key, value)
	}
	return nil
}

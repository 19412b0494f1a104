package otlp

import (
	"encoding/hex"
	"net/http"
	"strconv"
)

// The message in OTLP's JSON: docs of opentelemetry-proto, ExportTraceServiceRequest.
type (
	message struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []attribute `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope      `json:"scope"`
		Spans []spanJSON `json:"spans"`
	}
	scope struct {
		Name string `json:"name"`
	}
	spanJSON struct {
		TraceID    string      `json:"traceId"`
		SpanID     string      `json:"spanId"`
		Parent     string      `json:"parentSpanId,omitempty"`
		Name       string      `json:"name"`
		Kind       int         `json:"kind"` // 2 = server
		Start      string      `json:"startTimeUnixNano"`
		End        string      `json:"endTimeUnixNano"`
		Attributes []attribute `json:"attributes"`
		Status     status      `json:"status"`
	}
	status struct {
		Code int `json:"code,omitempty"`
	} // 2 = error
	attribute struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		String string `json:"stringValue,omitempty"`
		Int    string `json:"intValue,omitempty"`
	}
)

const (
	kindServer  = 2
	statusError = 2
)

func (e *Exporter) message(batch []*span) message {
	list := make([]spanJSON, len(batch))
	for i, s := range batch {
		j := spanJSON{
			TraceID: hex.EncodeToString(s.trace[:]), SpanID: hex.EncodeToString(s.id[:]), Name: s.name, Kind: kindServer,
			Start: strconv.FormatInt(s.begin.UnixNano(), 10), End: strconv.FormatInt(s.end.UnixNano(), 10),
			Attributes: []attribute{{"http.response.status_code", value{Int: strconv.Itoa(s.status)}}},
		}
		if s.parent != [8]byte{} {
			j.Parent = hex.EncodeToString(s.parent[:])
		}
		if s.status >= http.StatusInternalServerError { // a refusal is a decision, not an error
			j.Status.Code = statusError
		}
		for k := range s.attributes {
			j.Attributes = append(j.Attributes, attribute{s.keys[k], value{String: s.values[k]}})
		}
		list[i] = j
	}
	return message{[]resourceSpans{{
		resource{[]attribute{{"service.name", value{String: e.cfg.Service}}}},
		[]scopeSpans{{scope{"github.com/plimsoll-dev/plimsoll"}, list}},
	}}}
}

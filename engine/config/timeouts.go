package config

import (
	"cmp"
	"time"
)

// Timeouts bound how long an endpoint may be silent, as those of package transport do;
// a zero field is its default, a negative one no bound.
type Timeouts struct {
	// Connect bounds a new connection, FirstByte the time to the first byte of an answer,
	// StreamFirstByte the same of a stream, and Idle the time between two pieces of an answer.
	Connect, FirstByte, StreamFirstByte, Idle time.Duration
}

const (
	shortestTimeout = 10 * time.Millisecond
	longestTimeout  = 24 * time.Hour
)

// readTimeouts reads those of an endpoint in the own format.
func (s section) readTimeouts() Timeouts {
	get := func(key string) time.Duration { return s.duration(key, shortestTimeout, longestTimeout) }
	t := Timeouts{Connect: get("connect_timeout"), FirstByte: get("timeout"), StreamFirstByte: get("stream_timeout"), Idle: get("idle_timeout")}
	t.StreamFirstByte = cmp.Or(t.StreamFirstByte, t.FirstByte)
	return t
}

// timeouts returns those of an entry of a LiteLLM file: its own, or the router's, or
// those of litellm_settings. LiteLLM's timeout bounds each read of an answer, and
// stream_timeout that of a stream (https://docs.litellm.ai/docs/proxy/timeout).
func (r *liteLLM) timeouts(e *entry) Timeouts {
	plain := cmp.Or(r.seconds(e.params, "timeout"), r.general.FirstByte)
	return Timeouts{FirstByte: plain, StreamFirstByte: cmp.Or(r.seconds(e.params, "stream_timeout"), r.general.StreamFirstByte, plain)}
}

// readTimeouts reads those that all entries of a LiteLLM file have.
func (r *liteLLM) readTimeouts(router section) {
	r.general = Timeouts{FirstByte: r.seconds(router, "timeout"), StreamFirstByte: r.seconds(router, "stream_timeout")}
	if v := r.table.get("litellm_settings"); !v.absent() && v.kind == table {
		r.general.FirstByte = cmp.Or(r.general.FirstByte, r.seconds(r.over(v, "litellm_settings."), "request_timeout"))
	}
}

// seconds reads a time that LiteLLM writes in seconds, as a number or a text; 0 if
// there is none, or none that can be used, which is warned of once.
func (r *liteLLM) seconds(s section, key string) time.Duration {
	v := s.table.get(key)
	if v.absent() {
		return 0
	}
	n := s.numeric(v).number()
	if n > 0 {
		return time.Duration(min(max(n, shortestTimeout.Seconds()), longestTimeout.Seconds()) * float64(time.Second))
	}
	if n != 0 && !r.passed[v] { // 0 is none, in LiteLLM too
		r.passed[v] = true
		s.warnf(v.line, s.path+key, "%s; want a number of seconds, without a unit; it is passed over", s.found(v))
	}
	return 0
}

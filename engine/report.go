package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// longSpans are the spans of the limits that count in an owner's hours and days.
var longSpans = [window.Kinds]provider.Span{
	window.KindHour: provider.PerHour, window.KindDay: provider.PerDay, window.KindDayPacific: provider.PerDay,
}

// report returns the report of this node's own usage in a window.
func (h *handle) report(kind window.Kind, index int64, own *amounts) window.Report {
	l := &h.cfg.Limits
	r := window.Report{Tally: window.Tally{
		ID: h.shared(), Kind: kind, Start: startOf(kind, index), Requests: own[counter.Requests], Tokens: own[counter.Tokens],
		Input: own[counter.Input], Output: own[counter.Output],
	}}
	if span := longSpans[kind]; span != 0 {
		r.RequestLimit, r.TokenLimit = l.per(provider.Requests, span), l.per(provider.Tokens, span)
		r.InputLimit, r.OutputLimit = l.per(provider.InputTokens, span), l.per(provider.OutputTokens, span)
	} else {
		r.RequestLimit, r.TokenLimit, r.InputLimit, r.OutputLimit = l.RPM, l.TPM, l.InputTPM, l.OutputTPM
	}
	r.Loose, r.Covered = !h.exactIn(kind), h.covered(kind)
	return r
}

// startOf returns when a window of a kind begins, in Unix seconds.
func startOf(kind window.Kind, index int64) int64 {
	switch kind {
	case window.KindMinute:
		return window.StartSeconds(index)
	case window.KindHour:
		return window.StartSeconds(60 * index)
	default: // a day
	}
	const minutes = 24 * 60 // noon UTC is on the same date in UTC and in Los Angeles
	return window.DayOf(index*minutes+minutes/2, kind.Zone()).Start / 1e9
}

// remote returns the remote usage of a share in one dimension; below zero: unknown.
func remote(in *window.Share, dim counter.Dim) int64 {
	n := [counter.Dims]int64{counter.Input: in.Input, counter.Output: in.Output, counter.Tokens: in.Tokens, counter.Requests: in.Requests}[dim]
	if dim == counter.Requests {
		return min(n, counter.MaxRequests/2) // the word of requests must not saturate, or own usage would be unknown
	}
	return min(n, MaxCount)
}

// received returns what a share brings for one count. Fresh is set if the share is valid now.
func received(in *window.Share, dim counter.Dim, fresh bool) counter.Received {
	return counter.Received{Others: remote(in, dim), Ceiling: ceilingOf(in, dim), Retry: max(int64(in.Retry), 0), Fresh: fresh}
}

// ceilingOf returns the ceiling of a share as a cap: counter.Max for none.
func ceilingOf(in *window.Share, dim counter.Dim) int64 {
	n := [counter.Dims]int64{
		counter.Input: in.CeilingInput, counter.Output: in.CeilingOutput, counter.Tokens: in.CeilingTokens, counter.Requests: in.CeilingRequests,
	}[dim]
	switch {
	case n == 0 || n > counter.Max:
		return counter.Max
	case n < 0:
		return 0
	}
	return n
}

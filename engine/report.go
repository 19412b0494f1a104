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
	r.Loose, r.Elsewhere = !h.exactIn(kind), h.elsewhere(kind)
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

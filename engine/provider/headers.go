package provider

import (
	"math"
	"strings"
	"time"
)

// family is how a group of providers names the headers of one limit; "" = it
// has none.
type family struct {
	limit, remaining, reset string
	of                      Limit
	only                    string // the provider that means it so; "" = any
	grain                   int64
	scale                   int64 // parts of a minute that the limit is of: 6 of 10 s; 0 = the whole
	orDay                   bool  // its figures may be those of a day
}

// families are read in this order; the first that reports something of a limit is
// the one that counts.
//
// Left out because they do not say what they seem to: Azure's figures for
// requests, which may speak of a part of a minute, and anthropic-ratelimit-tokens,
// which is whichever limit is the most restrictive.
var families = func() []family {
	var fs []family
	add := func(counts Quantity, per Span, only string, grain int64, pattern, unit string) {
		name := func(figure string) string {
			return strings.NewReplacer("{figure}", figure, "{unit}", unit).Replace(pattern)
		}
		fs = append(fs, family{limit: name("limit"), remaining: name("remaining"), reset: name("reset"), of: LimitOf(counts, per), only: only, grain: grain})
	}
	// https://console.groq.com/docs/rate-limits: requests are those of a day.
	add(Requests, PerDay, "groq", 0, "x-ratelimit-{figure}-{unit}", "requests")
	// https://platform.claude.com/docs/en/api/rate-limits: rounded to thousands.
	add(Requests, PerMinute, "", 0, "anthropic-ratelimit-{unit}-{figure}", "requests")
	add(InputTokens, PerMinute, "", 1000, "anthropic-ratelimit-{unit}-{figure}", "input-tokens")
	add(OutputTokens, PerMinute, "", 1000, "anthropic-ratelimit-{unit}-{figure}", "output-tokens")
	// https://inference-docs.cerebras.ai/support/rate-limits
	add(Requests, PerDay, "", 0, "x-ratelimit-{figure}-{unit}", "requests-day")
	add(Tokens, PerDay, "", 0, "x-ratelimit-{figure}-{unit}", "tokens-day")
	add(Requests, PerHour, "", 0, "x-ratelimit-{figure}-{unit}", "requests-hour")
	add(Tokens, PerHour, "", 0, "x-ratelimit-{figure}-{unit}", "tokens-hour")
	add(Requests, PerMinute, "", 0, "x-ratelimit-{figure}-{unit}", "requests-minute")
	add(Tokens, PerMinute, "", 0, "x-ratelimit-{figure}-{unit}", "tokens-minute")
	// Mistral, as observed.
	add(Requests, PerMinute, "", 0, "x-ratelimit-{figure}-{unit}", "req-minute")
	add(Tokens, PerMinute, "", 0, "x-ratelimitbysize-{figure}-{unit}", "minute")
	fs = append(fs, family{reset: "ratelimitbysize-reset", of: TPM},
		family{limit: "x-ratelimit-limit-req-10-second", of: RPM, scale: 6},
		family{limit: "x-ratelimit-limit-req-second", of: RPM, scale: 60})
	// Cohere's trial keys, Together.
	fs = append(fs,
		family{limit: "x-trial-endpoint-call-limit", remaining: "x-trial-endpoint-call-remaining", of: RPM},
		family{remaining: "x-tokenlimit-remaining", of: TPM})
	// https://platform.openai.com/docs/guides/rate-limits, and who copies it.
	add(Requests, PerMinute, "", 0, "x-ratelimit-{figure}-{unit}", "requests")
	fs[len(fs)-1].orDay = true
	add(Tokens, PerMinute, "", 0, "x-ratelimit-{figure}-{unit}", "tokens")
	// https://docs.konghq.com/hub/kong-inc/rate-limiting: requests.
	add(Requests, PerMinute, "", 0, "x-ratelimit-{figure}-{unit}", "minute")
	add(Requests, PerHour, "", 0, "x-ratelimit-{figure}-{unit}", "hour")
	add(Requests, PerDay, "", 0, "x-ratelimit-{figure}-{unit}", "day")
	return fs
}()

func (r *reader) readHeaders() {
	if r.Header == nil {
		return
	}
	daily := r.Provider == "groq"
	for i := range families {
		f := &families[i]
		if f.only != "" && f.only != r.Provider {
			continue
		}
		if f.of == RPM && (r.Provider == "azure" || daily) && strings.HasSuffix(f.limit, "-requests") {
			continue
		}
		r.readFamily(f)
	}
	r.readProject()
	r.readIETF()
}

// readFamily fills in what is not known of a limit yet.
func (r *reader) readFamily(f *family) {
	to := &r.out.readings[f.of]
	limit, limited := r.figure(f.limit)
	if limited && limit == -1 {
		return // Azure's Responses API has -1 for all figures
	}
	if f.scale > 1 { // what remains of a part of a minute says nothing of the minute
		if limited && to.Limit == 0 && limit > 0 {
			to.Limit = limit * f.scale
		}
		return
	}
	if limited && f.orDay && r.Provider != "azure" && r.ofDay(f, limit) {
		to = &r.out.readings[LimitOf(f.of.Counts(), PerDay)]
	}
	if limited && to.Limit == 0 && limit > 0 {
		to.Limit = limit
	}
	if n, ok := r.figure(f.remaining); ok && !to.HasRemaining && (n >= 0 || to.Limit > 0) { // -1 of no limit is Azure's placeholder
		to.Remaining, to.HasRemaining, to.Grain = n, true, f.grain
	}
	if f.reset == "" || to.Reset != 0 {
		return
	}
	if text := r.header(f.reset); text != "" {
		to.Reset, _ = r.wait(text, time.Second)
	}
}

// ofDay reports whether the figures of a header that is of a minute for most are those
// of a day: OpenAI has the same name for both. Its limits refill evenly, so that one is
// full again after its period times the part that is used. The figures of a minute that
// ends all at once can look the same early in the minute, so a reset within a minute
// counts for OpenAI alone, and only where tokens are not reset at the same instant.
func (r *reader) ofDay(f *family, limit int64) bool {
	remaining, ok := r.figure(f.remaining)
	reset, timed := r.wait(r.header(f.reset), time.Second)
	if !ok || !timed || remaining >= limit || limit <= 0 {
		return false
	}
	const day, tolerance = 86_400.0, 0.2
	period := reset.Seconds() * float64(limit) / float64(limit-remaining)
	if math.Abs(period/day-1) > tolerance {
		return false
	}
	tokens, timed := r.wait(r.header("x-ratelimit-reset-tokens"), time.Second)
	together := timed && (tokens-reset).Abs() <= time.Second
	return reset > time.Minute || r.Provider == "openai" && !together
}

// readProject replaces OpenAI's figures by those of the project where they leave
// less.
func (r *reader) readProject() {
	to := &r.out.readings[TPM]
	n, ok := r.figure("x-ratelimit-remaining-project-tokens")
	if !ok || to.HasRemaining && to.Remaining <= n {
		return
	}
	limit, named := r.figure("x-ratelimit-limit-project-tokens")
	if named = named && limit > 0; n < 0 && !named {
		return
	}
	// The organization's limit and reset say nothing of the project's.
	*to = Reading{Remaining: n, HasRemaining: true}
	if named {
		to.Limit = limit
	}
}

func (r *reader) figure(name string) (int64, bool) {
	if name == "" {
		return 0, false
	}
	text := r.header(name)
	if text == "" {
		return 0, false
	}
	return parseFigure(text)
}

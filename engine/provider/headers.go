package provider

import (
	"math"
	"strings"
	"time"
)

// family is the names of the headers by which a group of providers reports one limit; "" = it
// does not report that figure.
type family struct {
	limit, remaining, reset string
	of                      Limit
	only                    string // the only provider whose headers have this meaning; "" = any
	grain                   int64  // the figures are multiples of it, see [Reading.Grain]
	scale                   int64  // the limit is of 1/scale of a minute: 6 = of 10 s; 0 = of the whole
	orDay                   bool   // the figures may be those of a day
}

// families are read in this order. The first one that reports a figure of a limit counts.
//
// Two are left out, as their names are misleading: Azure's figures for
// requests, which may be of a part of a minute, and anthropic-ratelimit-tokens,
// which is that of the most restrictive limit.
var families = func() []family {
	var fs []family
	add := func(counts Quantity, per Span, only string, grain int64, pattern, unit string) {
		name := func(figure string) string {
			return strings.NewReplacer("{figure}", figure, "{unit}", unit).Replace(pattern)
		}
		fs = append(fs, family{
			limit: name("limit"), remaining: name("remaining"), reset: name("reset"),
			of: LimitOf(counts, per), only: only, grain: grain,
		})
	}
	// https://console.groq.com/docs/rate-limits: figures for requests are those of a day.
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
	// https://platform.openai.com/docs/guides/rate-limits, and providers that have the same names.
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
	apart := r.Provider == "groq" || r.requestsOfPart()
	for i := range families {
		f := &families[i]
		if f.only != "" && f.only != r.Provider {
			continue
		}
		if f.of == RPM && apart && strings.HasSuffix(f.limit, "-requests") {
			continue
		}
		r.readFamily(f)
	}
	r.readProject()
	r.readIETF()
}

// requestsOfPart reports whether the figures that OpenAI's names give for requests may be
// of a part of a minute, as Azure's are of 1 or 10 s. Where the provider is not named, or
// an Azure deployment is configured as OpenAI's, the answer decides: Azure sends headers of its
// own (https://github.com/EvolvingPrograms/oaib/issues/11 shows an answer's), and resets
// as plain seconds, where OpenAI writes a unit (https://platform.openai.com/docs/guides/rate-limits).
func (r *reader) requestsOfPart() bool {
	if r.Provider != "" && r.Provider != "openai" {
		return r.Provider == "azure"
	}
	if r.header("x-ms-region") != "" || r.header("azureml-model-session") != "" {
		return true
	}
	reset := r.header("x-ratelimit-reset-requests")
	within := reset == "10" || len(reset) == 1 && '0' <= reset[0] && reset[0] <= '9' // seconds
	return within && r.Status < 400                                                  // a refusal's reset is a wait, whatever its limit is of
}

// readFamily fills in the figures of a limit that no earlier family has reported.
func (r *reader) readFamily(f *family) {
	to := &r.out.readings[f.of]
	limit, limited := r.figure(f.limit)
	if limited && r.noLimit(limit) {
		return
	}
	if f.scale > 1 { // what remains of a part of a minute is not what remains of the minute
		if limited && to.Limit == 0 && limit > 0 {
			to.Limit = limit * f.scale
		}
		return
	}
	if limited && f.orDay && r.ofDay(f, limit) {
		to = &r.out.readings[LimitOf(f.of.Counts(), PerDay)]
	}
	if limited && to.Limit == 0 && limit > 0 {
		to.Limit = limit
	}
	if n, ok := r.figure(f.remaining); ok && !to.HasRemaining && (n >= 0 || to.Limit > 0) { // Azure sends -1 if there is no limit
		to.Remaining, to.HasRemaining, to.Grain = n, true, f.grain
	}
	if f.reset == "" || to.Reset != 0 {
		return
	}
	if text := r.header(f.reset); text != "" {
		to.Reset, _ = r.wait(text, time.Second)
	}
}

// noLimit reports whether a limit is the placeholder of one that is not known: -1, which Azure's
// Responses API has for all figures, or in an answer that was served 0, under which none is.
func (r *reader) noLimit(limit int64) bool { return limit == -1 || limit == 0 && r.Status < 400 }

// ofDay reports whether the figures of a header that most providers use for a minute are those
// of a day, as OpenAI has the same name for both. OpenAI's limits are buckets, so that a limit is
// full again after its period times the part that is used. The figures of fixed minutes
// can look the same early in a minute. A reset within a minute is therefore taken for one of a
// day only from OpenAI, and only if tokens are not reset at the same instant.
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

// readProject replaces OpenAI's figures by those of the project if less remains of these.
func (r *reader) readProject() {
	to := &r.out.readings[TPM]
	n, ok := r.figure("x-ratelimit-remaining-project-tokens")
	if !ok || to.HasRemaining && to.Remaining <= n {
		return
	}
	limit, named := r.figure("x-ratelimit-limit-project-tokens")
	if named && r.noLimit(limit) {
		return
	}
	if named = named && limit > 0; n < 0 && !named {
		return
	}
	// The organization's limit and reset are not those of the project.
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
	return parseFigure(once(text))
}

// once returns a value that stands twice only once. Servers in between may join headers of
// the same name (https://www.rfc-editor.org/rfc/rfc9110#section-5.3).
func once(text string) string {
	first, rest, ok := strings.Cut(text, ",")
	if !ok {
		return text
	}
	if n := len(text) / 2; first != strings.TrimSpace(rest) { // a date has a comma
		first, rest = text[:n], text[n:]
		first, rest = strings.TrimSuffix(first, ","), strings.TrimLeft(rest, ", ")
	}
	if first == strings.TrimSpace(rest) {
		return first
	}
	return text
}

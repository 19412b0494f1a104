package provider

import (
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
}

// families are read in this order; the first that tells something of a limit is
// the one that counts.
//
// Left out because they do not say what they seem to: Azure's figures for
// requests, which may speak of a part of a minute, and anthropic-ratelimit-tokens,
// which is whichever limit is the most restrictive.
var families = func() []family {
	var fs []family
	add := func(of Limit, only string, grain int64, pattern, unit string) {
		name := func(figure string) string {
			return strings.NewReplacer("{figure}", figure, "{unit}", unit).Replace(pattern)
		}
		fs = append(fs, family{name("limit"), name("remaining"), name("reset"), of, only, grain})
	}
	// https://console.groq.com/docs/rate-limits: requests are those of a day.
	add(DayRequests, "groq", 0, "x-ratelimit-{figure}-{unit}", "requests")
	// https://platform.claude.com/docs/en/api/rate-limits: rounded to thousands.
	add(Requests, "", 0, "anthropic-ratelimit-{unit}-{figure}", "requests")
	add(InputTokens, "", 1000, "anthropic-ratelimit-{unit}-{figure}", "input-tokens")
	add(OutputTokens, "", 1000, "anthropic-ratelimit-{unit}-{figure}", "output-tokens")
	// https://inference-docs.cerebras.ai/support/rate-limits
	add(DayRequests, "", 0, "x-ratelimit-{figure}-{unit}", "requests-day")
	add(DayTokens, "", 0, "x-ratelimit-{figure}-{unit}", "tokens-day")
	add(Requests, "", 0, "x-ratelimit-{figure}-{unit}", "requests-minute")
	add(Tokens, "", 0, "x-ratelimit-{figure}-{unit}", "tokens-minute")
	// Mistral, as observed.
	add(Requests, "", 0, "x-ratelimit-{figure}-{unit}", "req-minute")
	add(Tokens, "", 0, "x-ratelimitbysize-{figure}-{unit}", "minute")
	fs = append(fs, family{reset: "ratelimitbysize-reset", of: Tokens})
	// Cohere's trial keys, Together.
	fs = append(fs,
		family{limit: "x-trial-endpoint-call-limit", remaining: "x-trial-endpoint-call-remaining", of: Requests},
		family{remaining: "x-tokenlimit-remaining", of: Tokens})
	// https://platform.openai.com/docs/guides/rate-limits, and who copies it.
	add(Requests, "", 0, "x-ratelimit-{figure}-{unit}", "requests")
	add(Tokens, "", 0, "x-ratelimit-{figure}-{unit}", "tokens")
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
		if f.of == Requests && (r.Provider == "azure" || daily) && strings.HasSuffix(f.limit, "-requests") {
			continue
		}
		r.readFamily(f)
	}
	r.readProject()
}

// readFamily fills in what is not known of a limit yet.
func (r *reader) readFamily(f *family) {
	to := &r.out.Readings[f.of]
	if n, ok := r.figure(f.limit); ok && to.Limit == 0 && n > 0 {
		to.Limit = n
	}
	if n, ok := r.figure(f.remaining); ok && !to.Told && (n >= 0 || to.Limit > 0) { // -1 of no limit is Azure's placeholder
		to.Remaining, to.Told, to.Grain = n, true, f.grain
	}
	if f.reset == "" || to.Reset != 0 {
		return
	}
	if text := r.header(f.reset); text != "" {
		to.Reset, _ = parseWait(text, time.Second, r.At)
	}
}

// readProject replaces OpenAI's figures by those of the project where they leave
// less.
func (r *reader) readProject() {
	to := &r.out.Readings[Tokens]
	n, ok := r.figure("x-ratelimit-remaining-project-tokens")
	if !ok || to.Told && to.Remaining <= n {
		return
	}
	limit, named := r.figure("x-ratelimit-limit-project-tokens")
	if named = named && limit > 0; n < 0 && !named {
		return
	}
	// The organization's limit and reset say nothing of the project's.
	*to = Reading{Remaining: n, Told: true}
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

package provider_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

func ExamplePreset() {
	p, known := provider.Preset("azure", "gpt-4o")
	fmt.Println(known, p.Shape, p.RequestWindow, p.Admit)
	p.RequestWindow = time.Second // this deployment is judged by the second
	fmt.Println(p.Validate())
	// Output:
	// true minute 10s input+max
	// <nil>
}

func ExampleUnknown() {
	fmt.Println(provider.Unknown().Shape)
	// Output: bucket
}

func ExampleNames() {
	fmt.Println(len(provider.Names()), provider.Names()[:3])
	// Output: 11 [openai azure anthropic]
}

func ExampleCanonical() {
	fmt.Println(provider.Canonical("vertex_ai"))
	fmt.Println(provider.Canonical("example"))
	// Output:
	// vertex true
	//  false
}

func ExampleParseShape() {
	fmt.Println(provider.ParseShape("bucket"))
	fmt.Println(provider.ParseShape("hour"))
	// Output:
	// bucket <nil>
	// minute provider: unknown shape "hour"; use one of minute, bucket
}

func ExampleParseAdmit() {
	fmt.Println(provider.ParseAdmit("input+max"))
	// Output: input+max <nil>
}

func ExampleParseDay() {
	fmt.Println(provider.ParseDay("pacific"))
	// Output: pacific <nil>
}

func ExampleProfile_Validate() {
	fmt.Println(provider.Profile{RequestWindow: 7 * time.Second}.Validate())
	// Output: RequestWindow is 7s: use 0, or a part of a minute of at least a second, such as 10s
}

func ExampleProfile_Rates() {
	p, _ := provider.Preset("bedrock", "anthropic.claude-sonnet-4-20250514-v1:0")
	r := p.Rates()
	in, out := r.Admitted(900, 50, 400)
	fmt.Println("at admission", in+out)
	in, out = r.Used(900, 300, 0, 50)
	fmt.Println("in the end", in+out)
	// Output:
	// at admission 1300
	// in the end 850
}

func ExampleRates_Plain() {
	r := provider.Profile{}.Rates()
	fmt.Println(r.Plain())
	// Output: true
}

func ExampleRates_Stands() {
	p, _ := provider.Preset("azure", "gpt-4o")
	r := p.Rates()
	fmt.Println(r.Stands())
	// Output: true
}

func ExampleRates_Admitted() {
	r := provider.Profile{Admit: provider.AdmitLarger}.Rates()
	fmt.Println(r.Admitted(300, 50, 1000))
	// Output: 300 700
}

func ExampleRates_Used() {
	r := provider.Profile{Weights: provider.Weights{Input: 1, Output: 5}}.Rates()
	fmt.Println(r.Used(300, 100, 0, 20))
	// Output: 200 100
}

func ExampleRead() {
	h := http.Header{}
	h.Set("Retry-After", "7")
	h.Set("X-Ratelimit-Limit-Tokens", "150000")
	h.Set("X-Ratelimit-Remaining-Tokens", "-27689")
	s := provider.Read(provider.Answer{
		Provider: "azure", Status: http.StatusTooManyRequests, Header: h.Get,
		Body: []byte(`{"error":{"code":"429","message":"Please retry after 7 seconds."}}`),
		At:   time.Now(),
	})
	tokens := s.Reading(provider.TPM)
	fmt.Println(s.Kind, s.RetryAfter, tokens.Limit, tokens.Remaining)
	// Output: rate limit 7s 150000 -27689
}

func ExampleDay_End() {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	fmt.Println(provider.DayPacific.End(now).UTC().Format(time.DateTime))
	// Output: 2026-03-05 08:00:00
}

func ExampleLimitOf() {
	l := provider.LimitOf(provider.InputTokens, provider.PerMinute)
	fmt.Println(l, l.Field(), l.Counts(), l.Per(), l.CountsTokens())
	fmt.Println(provider.LimitOf(provider.InputTokens, provider.PerDay))
	// Output:
	// input_tpm InputTPM input tokens per minute true
	// none
}

// The provider reserves 4096 tokens of output for a request that names no maximum.
func ExampleRates_WithDefaultMax() {
	r := provider.Profile{Admit: provider.AdmitInputMax}.Rates().WithDefaultMax(4096)
	fmt.Println(r.ChargesMax(), r.DefaultMax())
	fmt.Println(r.Admitted(300, 50, 0))
	// Output:
	// true 4096
	// 300 4096
}

// A signal that a gateway makes itself, and how exact its reset is.
func ExampleSignal_Reports() {
	var s provider.Signal
	fmt.Println(s.Reports())
	s = s.With(provider.RPM, provider.Reading{Limit: 60, Reset: 12 * time.Second})
	fmt.Println(s.Reports(), s.Reading(provider.RPM).ResetGrain())
	// Output:
	// false
	// true 1s
}

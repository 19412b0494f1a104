package provider_test

import (
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// FuzzRead: whatever an answer says, reading it does not fail, and no wait is
// negative or without end.
func FuzzRead(f *testing.F) {
	f.Add(byte(0), 429, "1.5", "6m0s", `{"error":{"message":"tokens per min (TPM): Limit 1, Used 2, Requested 3. Please try again in 1.146s."}}`, int64(1772625630))
	f.Add(byte(2), 429, "Wed, 04 Mar 2026 12:00:45 GMT", "2026-03-04T12:00:31Z", `[{"error":{"details":[{"violations":[{"quotaId":"PerDay","quotaValue":"9e99"}]},{"retryDelay":"-1s"}]}}]`, int64(-1))
	f.Add(byte(5), 200, "1e300", "1772625631500", `{"response":{"error":{"code":429}}}`, int64(1<<40))
	f.Add(byte(7), 503, "-0", "9223372036854775807ns", "retry after 99999999999999999999 hours", int64(0))
	names := append(provider.Names(), "", "somebody")
	f.Fuzz(func(t *testing.T, who byte, status int, a, b, body string, sec int64) {
		header := func(name string) string {
			if len(name)%2 == 0 {
				return a
			}
			return b
		}
		at := time.Unix(min(max(sec, -1<<35), 1<<35), 0)
		s := provider.Read(provider.Answer{Provider: names[int(who)%len(names)], Status: status, Header: header, Body: []byte(body), At: at})
		wait := func(name string, d, most time.Duration) {
			if d < 0 || d > most {
				t.Fatalf("%s is %v", name, d)
			}
		}
		wait("RetryAfter", s.RetryAfter, provider.MaxReset)
		for l, r := range s.Readings() {
			wait(l.String(), r.Reset, provider.MaxReset)
			if r.Limit < 0 || r.Limit > 1<<42 || r.Remaining < -1<<43 || r.Remaining > 1<<42 || !r.HasRemaining && r.Remaining != 0 {
				t.Fatalf("%v: %+v", l, r)
			}
		}
		if s.Kind == provider.Fine && s.RetryAfter != 0 {
			t.Fatalf("fine, but wait %v", s.RetryAfter)
		}
	})
}

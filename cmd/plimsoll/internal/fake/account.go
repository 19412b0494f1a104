package fake

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// Account is one account at one provider.
type Account struct {
	Name   string // the first part of its paths
	Rule   string // of package rule: openai, azure, anthropic, …
	Limits rule.Limits
}

// Default are the accounts of a server that is given none.
var Default = []Account{
	{Name: "openai", Rule: "openai", Limits: rule.Limits{RPM: 120, TPM: 60_000}},
	{Name: "azure-east", Rule: "azure", Limits: rule.Limits{RPM: 60, TPM: 40_000}},
	{Name: "azure-west", Rule: "azure", Limits: rule.Limits{RPM: 60, TPM: 40_000}},
	{Name: "anthropic", Rule: "anthropic", Limits: rule.Limits{RPM: 60, InputTPM: 40_000, OutputTPM: 10_000}},
	{Name: "anthropic-2", Rule: "anthropic", Limits: rule.Limits{RPM: 60, InputTPM: 40_000, OutputTPM: 10_000}},
	{Name: "groq", Rule: "groq", Limits: rule.Limits{RPM: 30, TPM: 20_000}},
}

// ParseAccount reads NAME=RULE with limits behind commas, such as
// "main=openai,rpm=60,tpm=30000".
func ParseAccount(text string) (Account, error) {
	const want = "want NAME=RULE and limits behind commas, such as main=openai,rpm=60,tpm=30000"
	parts := strings.Split(text, ",")
	name, provider, ok := strings.Cut(parts[0], "=")
	a := Account{Name: name, Rule: provider}
	if !ok || name == "" || strings.ContainsAny(name, "/ ?#%") {
		return a, fmt.Errorf("%q: %s", text, want)
	}
	if _, ok := rule.Named(provider); !ok {
		return a, fmt.Errorf("%q: no rule is named %q; use one of %s", text, provider, strings.Join(RuleNames(), ", "))
	}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		to := a.Limits.Named(key)
		if err != nil || n < 1 || to == nil {
			return a, fmt.Errorf("%q: limit %q; use one of %s and a whole number above 0", text, part, strings.Join(rule.Names(), ", "))
		}
		*to = n
	}
	return a, nil
}

// RuleNames lists the rules that an account can have.
func RuleNames() []string {
	var names []string
	for i := range rule.Rules {
		names = append(names, rule.Rules[i].Name)
	}
	return names
}

// account is an account with what it has counted and what it keeps.
type account struct {
	Account
	rule rule.Rule
	pace pace

	mu        sync.Mutex
	counters  *rule.Account
	responses map[string]string // ids, and those before them
	order     []string
	batches   []batch // the oldest first
	made      int
	served    Count
}

// Count is what an account has done.
type Count struct {
	Served, Refused int64
	Input, Output   int64 // tokens of the usage reported
}

func newAccount(a Account, p pace) (*account, error) {
	r, ok := rule.Named(a.Rule)
	if !ok {
		return nil, fmt.Errorf("account %q: no rule is named %q; use one of %s", a.Name, a.Rule, strings.Join(RuleNames(), ", "))
	}
	return &account{Account: a, rule: r, pace: p, counters: r.Open(a.Limits, 17*time.Second), responses: map[string]string{}}, nil
}

// admit judges a call. It returns the headers of the answer, and the refusal's status
// and body; status 0 = it is admitted.
func (a *account) admit(now time.Time, c rule.Call) (headers map[string]string, status int, body []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.pace.at(now)
	refusal := a.counters.Admit(at.UnixNano(), c)
	headers = a.counters.Headers(at.UnixNano(), refusal)
	if refusal != nil {
		a.served.Refused++
		status, body = a.counters.Body(refusal)
		body = a.pace.text(body)
	}
	for name, value := range headers {
		headers[name] = a.pace.header(name, value, now)
	}
	return headers, status, body
}

// end counts a call that has ended.
func (a *account) end(now, admitted time.Time, c rule.Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counters.End(a.pace.at(now).UnixNano(), a.pace.at(admitted).UnixNano(), c)
	a.served.Served++
	a.served.Input += c.Input
	a.served.Output += c.Output
}

// maxKept bounds the responses that an account keeps.
const maxKept = 10_000

// keep makes a response with an id of its own. It fails if the one before is not known.
func (a *account) keep(before string) (id string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.responses[before]; before != "" && !known {
		return "", false
	}
	a.made++
	id = fmt.Sprintf("resp_%s_%06d", strings.ReplaceAll(a.Name, "-", ""), a.made)
	a.responses[id] = before
	if a.order = append(a.order, id); len(a.order) > maxKept {
		delete(a.responses, a.order[0])
		a.order = a.order[1:]
	}
	return id, true
}

// find returns the response before one, and whether that is known.
func (a *account) find(id string, forget bool) (before string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before, ok = a.responses[id]
	if forget {
		delete(a.responses, id)
	}
	return before, ok
}

package rule

import "time"

// Account keeps the counters of one deployment at its provider.
type Account struct {
	rule   Rule
	limits []held
}

type held struct {
	kind Kind
	Limit
}

// Refusal is why a call was refused.
type Refusal struct {
	Kind      Kind // the limit with the longest wait
	Limit     int64
	Used      int64
	Requested int64
	Wait      time.Duration // until the call fits, if no other comes
	Never     bool          // the call is above the limit
}

// Open opens an account. Its minutes begin phase after those of UTC if the rule is
// phased.
func (r Rule) Open(l Limits, phase time.Duration) *Account {
	a := &Account{rule: r}
	if r.Unlimited {
		return a
	}
	if !r.Phased {
		phase = 0
	}
	add := func(kind Kind, n int64, limit Limit) {
		if n != 0 {
			a.limits = append(a.limits, held{kind, limit})
		}
	}
	perMinute := func(kind Kind, n int64) {
		switch r.Shape {
		case ShapeBucket:
			add(kind, n, &Bucket{Limit: n})
		case ShapeSliding:
			add(kind, n, &Sliding{Limit: n})
		default:
			add(kind, n, &FixedWindow{Limit: n, Phase: int64(phase)})
		}
	}
	if part := int64(r.Part); part > 0 {
		share := l.RPM
		if share > 0 {
			share = max(1, l.RPM*part/minute)
		}
		if share*minute > l.RPM*part { // else the parts keep to the limit of the minute
			perMinute(Requests, l.RPM)
		}
		add(PartRequests, share, &FixedWindow{Limit: share, Length: part, Phase: int64(phase) % part})
	} else {
		perMinute(Requests, l.RPM)
	}
	perMinute(Tokens, l.TPM)
	perMinute(Input, l.InputTPM)
	perMinute(Output, l.OutputTPM)
	for k := range Kinds {
		n := *l.of(k)
		switch k.span() {
		case hour:
			add(k, n, &FixedWindow{Limit: n, Length: 60 * minute, Phase: int64(phase)})
		case day:
			if r.Shape == ShapeBucket && !r.PacificDays {
				add(k, n, &Bucket{Limit: n, Period: 24 * 60 * minute})
			} else {
				add(k, n, &Days{Limit: n, Pacific: r.PacificDays})
			}
		default: // of a minute
		}
	}
	return a
}

// Judge returns the refusal that a call would get now, nil if it would be
// admitted. It charges nothing.
func (a *Account) Judge(now int64, c Call) *Refusal {
	charge := a.rule.Admitted(c)
	var refusal *Refusal
	for _, l := range a.limits {
		n := l.kind.Of(charge)
		wait, never := l.Wait(now, n)
		if wait == 0 && !never {
			continue
		}
		if refusal == nil || time.Duration(wait) > refusal.Wait {
			s := l.State(now)
			refusal = &Refusal{l.kind, s.Limit, s.Limit - s.Left, n, time.Duration(wait), never}
		}
	}
	return refusal
}

// Fits reports whether a call would be admitted now.
func (a *Account) Fits(now int64, c Call) bool {
	charge := a.rule.Admitted(c)
	for _, l := range a.limits {
		if wait, never := l.Wait(now, l.kind.Of(charge)); wait != 0 || never {
			return false
		}
	}
	return true
}

// Admit judges a call. It charges one that it admits and returns nil. A refused
// call counts as a request where the rule says so and the limit has room for it.
func (a *Account) Admit(now int64, c Call) *Refusal {
	refusal := a.Judge(now, c)
	charge := a.rule.Admitted(c)
	for _, l := range a.limits {
		switch {
		case refusal == nil:
			l.Add(now, l.kind.Of(charge))
		case a.rule.CountsRefused && l.kind.CountsRequests():
			l.Take(now, 1)
		}
	}
	return refusal
}

// End charges what a call cost beyond what it was charged when it was admitted, or
// gives back.
func (a *Account) End(now, admitted int64, c Call) {
	before, after := a.rule.Admitted(c), a.rule.Charged(c)
	for _, l := range a.limits {
		if l.kind.CountsRequests() {
			continue
		}
		if more := l.kind.Of(after) - l.kind.Of(before); more >= 0 {
			l.Add(now, more)
		} else {
			l.Refund(now, admitted, -more)
		}
	}
}

// Use charges the tokens of a call that another client of the account made,
// whatever the limits.
func (a *Account) Use(now int64, c Charge) {
	for _, l := range a.limits {
		if !l.kind.CountsRequests() {
			l.Add(now, l.kind.Of(c))
		}
	}
}

// AppendStates appends the state of every limit.
func (a *Account) AppendStates(states []State, now int64) []State {
	for _, l := range a.limits {
		s := l.State(now)
		s.Kind = l.kind
		states = append(states, s)
	}
	return states
}

// State returns the state of one limit; false if there is none of that kind.
func (a *Account) State(now int64, kind Kind) (State, bool) {
	for _, l := range a.limits {
		if l.kind == kind {
			s := l.State(now)
			s.Kind = kind
			return s, true
		}
	}
	return State{}, false
}

// SetLimits changes the limits from now on. Usage so far stands. Only limits that the
// account was opened with change; 0 and negative limits must not change their sign.
func (a *Account) SetLimits(now int64, l Limits) {
	opened := a.rule.Open(l, 0)
	for i := range a.limits {
		for _, o := range opened.limits {
			if o.kind == a.limits[i].kind {
				a.limits[i].SetLimit(now, o.State(now).Limit)
			}
		}
	}
}

package rule

// Limits are an account's. 0 = no such limit; negative = nothing is admitted.
type Limits struct {
	RPM, TPM, InputTPM, OutputTPM int64
	RPH, TPH, RPD, TPD            int64
}

// Named returns a limit by its name: rpm, tpm, input_tpm, output_tpm, rph, tph, rpd or tpd;
// nil if there is no such limit.
func (l *Limits) Named(name string) *int64 {
	for k := range Kinds {
		if k != PartRequests && k.name() == name {
			return l.of(k)
		}
	}
	return nil
}

// Blocked reports whether a limit admits nothing.
func (l *Limits) Blocked() bool {
	for k := range Kinds {
		if *l.of(k) < 0 {
			return true
		}
	}
	return false
}

// Names returns the names that Named knows.
func Names() (names []string) {
	for k := range Kinds {
		if k != PartRequests {
			names = append(names, k.name())
		}
	}
	return names
}

func (l *Limits) of(k Kind) *int64 {
	return [...]*int64{&l.RPM, &l.RPM, &l.TPM, &l.InputTPM, &l.OutputTPM, &l.RPH, &l.TPH, &l.RPD, &l.TPD}[k]
}

func (k Kind) name() string {
	return [...]string{"rpm", "rpm", "tpm", "input_tpm", "output_tpm", "rph", "tph", "rpd", "tpd"}[k]
}

// span is over how long a kind counts.
type span uint8

const (
	aMinute span = iota
	hour
	day
)

func (k Kind) span() span {
	switch k {
	case HourRequests, HourTokens:
		return hour
	case DayRequests, DayTokens:
		return day
	default:
		return aMinute
	}
}

// per returns the kind that counts the same, requests or tokens, over another span.
func (k Kind) per(s span) Kind {
	if k.CountsRequests() {
		return [...]Kind{Requests, HourRequests, DayRequests}[s]
	}
	return [...]Kind{Tokens, HourTokens, DayTokens}[s]
}

// Kind is what a limit counts, and over which span.
type Kind uint8

// The kinds of limits. Requests and tokens are counted per minute, hour or day;
// input and output per minute.
const (
	Requests     Kind = iota
	PartRequests      // requests in a part of a minute
	Tokens
	Input
	Output
	HourRequests
	HourTokens
	DayRequests
	DayTokens
	Kinds // how many kinds there are
)

// Of returns what a charge of one call is against a limit of that kind.
func (k Kind) Of(c Charge) int64 {
	switch k {
	case Tokens, HourTokens, DayTokens:
		return c.Input + c.Output
	case Input:
		return c.Input
	case Output:
		return c.Output
	default:
		return 1
	}
}

// CountsRequests reports whether the kind counts requests.
func (k Kind) CountsRequests() bool {
	return k == Requests || k == PartRequests || k == HourRequests || k == DayRequests
}

// String returns the kind as refusals name it.
func (k Kind) String() string {
	return [...]string{
		"requests per min (RPM)", "requests per min (RPM)", "tokens per min (TPM)", "input tokens per min (ITPM)", "output tokens per min (OTPM)",
		"requests per hour (RPH)", "tokens per hour (TPH)", "requests per day (RPD)", "tokens per day (TPD)",
	}[k]
}

package rule

// Call is what a provider knows of one call. At admission it knows Input and
// MaxOutput only.
type Call struct {
	Input      int64 // tokens of the prompt, those below included
	Cached     int64 // of Input: read from a cache
	CacheWrite int64 // of Input: written to a cache
	Output     int64 // tokens of the answer
	MaxOutput  int64 // the most output that the request allows; 0 = not named
	Model      string
}

// Charge is what a call is charged against limits on tokens. Limits on all tokens
// count the sum.
type Charge struct{ Input, Output int64 }

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

// of returns what a charge of one call is against a limit of that kind.
func (k Kind) of(c Charge) int64 {
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

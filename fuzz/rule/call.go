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

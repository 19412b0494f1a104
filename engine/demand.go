package engine

// NoOutput as [Demand.OutputTokens] says that the request will produce no
// output tokens: nothing is expected, nothing learned is added.
const NoOutput int64 = -1

// Demand is what a request is expected to consume. The zero Demand asks for
// one request and, from Acquire, the learned mean output.
//
// Counts outside [0, MaxCount] make a demand invalid: Acquire and the by-name
// forms return [ErrInvalidDemand], the others refuse, and
// [Stats.Invalid] counts it.
type Demand struct {
	// InputTokens is the size of the prompt, in tokens.
	InputTokens int64
	// OutputTokens is the expected size of the answer, in tokens. 0 means what
	// was learned (see [Config.OutputQuantile]) for Acquire, TryAcquire and Wait, and nothing for Pick and
	// PreCheck, which weigh only what the demand names. [NoOutput] means none.
	OutputTokens int64
	// MaxOutputTokens is the request's own cap on its output; 0 = unknown. The
	// expectation is never above it.
	MaxOutputTokens int64
	// Exclude lists deployments not to consider, such as those already tried.
	Exclude []Ref
	// Tags must all be present on a deployment for it to be considered.
	Tags []string
	// Affinity keeps demands that belong together, those of one conversation for
	// instance, on one deployment, whose prompt cache then serves them: a hash of
	// the session's name; 0 = none. It is the one with the highest hash of
	// Affinity and ID, weighted by size, among the candidates that are neither disabled nor cooling
	// down, the same on every node and after a restart. It is preferred to the
	// strategy's choice in its Order while it has room; without room the strategy
	// chooses. Adding or removing one of n deployments moves one affinity in n.
	// Affinities spread over the candidates in proportion to their limits: TPM, else
	// InputTPM, else RPM, whichever all deployments of the group have, else evenly.
	// PreCheck ignores it.
	Affinity uint64
	// Priority is the demand's class, an index of [Config.PriorityShare]; 0 = the
	// most important.
	Priority int
	// Caller is who makes the request, if its own limits count too; the zero value is
	// no caller. See [Caller].
	Caller CallerRef
}

// Usage is what a call consumed, in tokens. Counts outside [0, MaxCount] are
// clamped to it and counted in [Stats.Invalid].
type Usage struct {
	InputTokens, OutputTokens int64
	// Parts of InputTokens: read from the provider's cache, and written to it. They
	// matter where the weights of [Deployment.Profile] tell them apart.
	CachedInputTokens, CacheWriteTokens int64
}

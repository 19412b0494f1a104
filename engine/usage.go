package engine

// Usage is what a call consumed, in tokens. Counts outside [0, MaxCount] are
// clamped to it and counted in [Stats.Invalid].
type Usage struct {
	InputTokens, OutputTokens int64
	// Parts of InputTokens: read from the provider's cache, and written to it. They
	// matter where the weights of [Deployment.Profile] differ for them.
	CachedInputTokens, CacheWriteTokens int64
}

// clamp returns a count within [0, MaxCount] and whether it was.
func clamp(n int64) (int64, bool) {
	if uint64(n) <= uint64(MaxCount) {
		return n, true
	}
	return min(max(n, 0), MaxCount), false
}

func (u *Usage) inRange() bool {
	return uint64(u.InputTokens|u.OutputTokens|u.CachedInputTokens|u.CacheWriteTokens) <= uint64(MaxCount)
}

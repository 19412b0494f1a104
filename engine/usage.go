package engine

// Usage is what a call consumed, in tokens. A count outside [0, MaxCount] is
// clamped to that range and counted in [Stats.Invalid].
type Usage struct {
	InputTokens, OutputTokens int64
	// Parts of InputTokens: those read from the provider's cache, and those written to it.
	// They count if [Deployment.Profile] has other weights for them.
	CachedInputTokens, CacheWriteTokens int64
}

// clamp returns n clamped to [0, MaxCount], and whether n was in that range.
func clamp(n int64) (int64, bool) {
	if uint64(n) <= uint64(MaxCount) {
		return n, true
	}
	return min(max(n, 0), MaxCount), false
}

func (u *Usage) inRange() bool {
	return uint64(u.InputTokens|u.OutputTokens|u.CachedInputTokens|u.CacheWriteTokens) <= uint64(MaxCount)
}

package api

import (
	"hash/fnv"
	"math"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// demandBody is the body of pick, and part of that of acquire.
type demandBody struct {
	Group           string                         `json:"group"`
	InputTokens     int64                          `json:"input_tokens"`
	OutputTokens    int64                          `json:"output_tokens"`
	MaxOutputTokens int64                          `json:"max_output_tokens"`
	Exclude         bounded[string, excludeLength] `json:"exclude"`
	Tags            bounded[string, tagsLength]    `json:"tags"`
	Affinity        string                         `json:"affinity"`
	Priority        int64                          `json:"priority"`
}

// Bounds on lists, so that no request costs much more than its size.
const (
	maxExclude = 1000
	maxTags    = 100
)

type (
	excludeLength struct{}
	tagsLength    struct{}
)

func (excludeLength) most() int { return maxExclude }
func (tagsLength) most() int    { return maxTags }

// demand converts the body into a demand of the engine. Excluded deployments need
// not exist.
func (a *API) demand(who *server.Token, in *demandBody) (engine.Demand, *problem) {
	if in.Group == "" {
		return engine.Demand{}, invalid("group", "is missing; name the group to choose from")
	}
	if p := a.mayCall(who, in.Group); p != nil {
		return engine.Demand{}, p
	}
	for _, tag := range in.Tags {
		if !who.MayTag(tag) {
			return engine.Demand{}, forbidden("tags", "has a tag that this token may not ask for")
		}
	}
	d := engine.Demand{
		InputTokens: in.InputTokens, OutputTokens: in.OutputTokens, MaxOutputTokens: in.MaxOutputTokens,
		Tags: in.Tags, Affinity: affinity(in.Affinity), Caller: who.Caller(),
	}
	var p *problem
	if d.Priority, p = priority(who, in.Priority); p != nil {
		return d, p
	}
	if p := counts(&d); p != nil {
		return d, p
	}
	for _, id := range in.Exclude {
		if r, err := a.engine.Ref(id); err == nil {
			d.Exclude = append(d.Exclude, r)
		}
	}
	return d, nil
}

// priority checks the number of a class against the token. The engine checks whether
// the class exists.
func priority(who *server.Token, class int64) (int, *problem) {
	if class < 0 || class > math.MaxInt32 {
		return 0, invalidf("priority", "is %d; want 0, the most important, or another class of the configuration's priority_share", class)
	}
	if !who.MayPrioritize(int(class)) {
		return 0, forbidden("priority", "is a class that this token may not ask for")
	}
	return int(class), nil
}

// counts checks a demand's numbers.
func counts(d *engine.Demand) *problem {
	for _, f := range []struct {
		field  string
		n, low int64
	}{
		{"input_tokens", d.InputTokens, 0},
		{"output_tokens", d.OutputTokens, engine.NoOutput},
		{"max_output_tokens", d.MaxOutputTokens, 0},
	} {
		if f.n < f.low || f.n > engine.MaxCount {
			return invalidf(f.field, "is %d; want %d to %d", f.n, f.low, engine.MaxCount)
		}
	}
	return nil
}

// affinity returns the 64-bit FNV-1a hash of a session's name; 0 for no name.
func affinity(session string) uint64 {
	if session == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(session))
	return max(h.Sum64(), 1)
}

// usageBody is the consumption of a call.
type usageBody struct {
	InputTokens       int64 `json:"input_tokens"`
	OutputTokens      int64 `json:"output_tokens"`
	CachedInputTokens int64 `json:"cached_input_tokens"`
	CacheWriteTokens  int64 `json:"cache_write_tokens"`
}

func (u *usageBody) usage() (engine.Usage, *problem) {
	for _, f := range []struct {
		field string
		n     int64
	}{
		{"usage.input_tokens", u.InputTokens},
		{"usage.output_tokens", u.OutputTokens},
		{"usage.cached_input_tokens", u.CachedInputTokens},
		{"usage.cache_write_tokens", u.CacheWriteTokens},
	} {
		if f.n < 0 || f.n > engine.MaxCount {
			return engine.Usage{}, invalidf(f.field, "is %d; want 0 to %d", f.n, engine.MaxCount)
		}
	}
	if parts := u.CachedInputTokens + u.CacheWriteTokens; parts > u.InputTokens {
		return engine.Usage{}, invalidf("usage.input_tokens", "is %d; cached_input_tokens and cache_write_tokens are parts of it, and are %d together", u.InputTokens, parts)
	}
	return engine.Usage(*u), nil
}

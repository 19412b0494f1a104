package api

import (
	"hash/fnv"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// demandBody is what pick and acquire ask for.
type demandBody struct {
	Group           string   `json:"group"`
	InputTokens     int64    `json:"input_tokens"`
	OutputTokens    int64    `json:"output_tokens"`
	MaxOutputTokens int64    `json:"max_output_tokens"`
	Exclude         []string `json:"exclude"`
	Tags            []string `json:"tags"`
	Affinity        string   `json:"affinity"`
}

// Bounds on lists, so that no request costs much more than its size.
const (
	maxExclude = 1000
	maxTags    = 100
)

// demand returns what the body asks of the engine. Excluded deployments that do
// not exist, or no longer, are excluded as they are.
func (a *API) demand(in *demandBody) (engine.Demand, *problem) {
	switch {
	case in.Group == "":
		return engine.Demand{}, invalid("group", "is missing; name the group to choose from")
	case len(in.Exclude) > maxExclude:
		return engine.Demand{}, invalidf("exclude", "lists %d deployments; at most %d", len(in.Exclude), maxExclude)
	case len(in.Tags) > maxTags:
		return engine.Demand{}, invalidf("tags", "lists %d; at most %d", len(in.Tags), maxTags)
	}
	d := engine.Demand{
		InputTokens: in.InputTokens, OutputTokens: in.OutputTokens, MaxOutputTokens: in.MaxOutputTokens,
		Tags: in.Tags, Affinity: affinity(in.Affinity),
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

// affinity hashes the name of a session: 64-bit FNV-1a, 0 for no name.
func affinity(session string) uint64 {
	if session == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(session))
	return max(h.Sum64(), 1)
}

// usageBody is what a call consumed.
type usageBody struct {
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
}

func (u *usageBody) usage() (engine.Usage, *problem) {
	if u.InputTokens < 0 || u.InputTokens > engine.MaxCount {
		return engine.Usage{}, invalidf("usage.input_tokens", "is %d; want 0 to %d", u.InputTokens, engine.MaxCount)
	}
	if u.OutputTokens < 0 || u.OutputTokens > engine.MaxCount {
		return engine.Usage{}, invalidf("usage.output_tokens", "is %d; want 0 to %d", u.OutputTokens, engine.MaxCount)
	}
	return engine.Usage{InputTokens: u.InputTokens, OutputTokens: u.OutputTokens}, nil
}

package api

import "github.com/plimsoll-dev/plimsoll/engine"

// stateBody is a deployment's state in JSON: that of the engine, and beside its limits the
// same figures under their former names, which the next release omits.
type stateBody struct {
	engine.State
	flatLimits
	Sync []syncBody `json:"sync,omitempty"`
}

// candidateBody is stateBody for a candidate of an explanation.
type candidateBody struct {
	engine.Candidate
	flatLimits
}

// flatLimits are the limits by their former names. A newer kind of limit has none.
type flatLimits struct {
	Requests          int64       `json:"requests"`
	RequestLimit      int64       `json:"request_limit"`
	Tokens            int64       `json:"tokens"`
	TokenLimit        int64       `json:"token_limit"`
	InputTokens       int64       `json:"input_tokens"`
	InputTokenLimit   int64       `json:"input_token_limit"`
	OutputTokens      int64       `json:"output_tokens"`
	OutputTokenLimit  int64       `json:"output_token_limit"`
	DayRequests       int64       `json:"day_requests"`
	DayRequestLimit   int64       `json:"day_request_limit"`
	DayTokens         int64       `json:"day_tokens"`
	DayTokenLimit     int64       `json:"day_token_limit"`
	HeldTokens        engine.Held `json:"held_tokens,omitzero"`
	OthersRequests    int64       `json:"others_requests"`
	OthersTokens      int64       `json:"others_tokens"`
	OthersInput       int64       `json:"others_input_tokens"`
	OthersOutput      int64       `json:"others_output_tokens"`
	OthersDayRequests int64       `json:"others_day_requests"`
	OthersDayTokens   int64       `json:"others_day_tokens"`
	InFlight          int64       `json:"in_flight"`
	InFlightLimit     int64       `json:"in_flight_limit"`
}

func flat(s *engine.State) (f flatLimits) {
	f.HeldTokens = s.Limit(engine.LimitTPM).Held
	for _, to := range []struct {
		of                engine.Limit
		used, max, remote *int64
	}{
		{engine.LimitRPM, &f.Requests, &f.RequestLimit, &f.OthersRequests},
		{engine.LimitTPM, &f.Tokens, &f.TokenLimit, &f.OthersTokens},
		{engine.LimitInputTPM, &f.InputTokens, &f.InputTokenLimit, &f.OthersInput},
		{engine.LimitOutputTPM, &f.OutputTokens, &f.OutputTokenLimit, &f.OthersOutput},
		{engine.LimitRPD, &f.DayRequests, &f.DayRequestLimit, &f.OthersDayRequests},
		{engine.LimitTPD, &f.DayTokens, &f.DayTokenLimit, &f.OthersDayTokens},
		{engine.LimitInFlight, &f.InFlight, &f.InFlightLimit, new(int64)},
	} {
		l := s.Limit(to.of)
		*to.used, *to.max, *to.remote = l.Used, l.Max, l.Remote
	}
	return f
}

func stateBodies(states []engine.State) []stateBody {
	out := make([]stateBody, len(states))
	for i := range states {
		out[i] = stateBody{State: states[i], flatLimits: flat(&states[i])}
	}
	return out
}

func candidateBodies(candidates []engine.Candidate) []candidateBody {
	out := make([]candidateBody, len(candidates))
	for i := range candidates {
		out[i] = candidateBody{candidates[i], flat(&candidates[i].State)}
	}
	return out
}

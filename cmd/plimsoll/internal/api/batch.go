package api

import "net/http"

// MaxBatch is how many requests a batch may hold.
const MaxBatch = 1000

type batchBody[In any] struct {
	Requests []In `json:"requests"`
}

type batchAnswer struct {
	Results []batchResult `json:"results"` // in the order of the requests
}

// batchResult is what the request alone would have been answered.
type batchResult struct {
	Status int `json:"status"`
	Body   any `json:"body"`
}

// batch is an operation on several bodies, one after the other. Each is done or
// not for itself.
func batch[In, Out any](a *API, do func(*API, *In, *Out) *problem) http.Handler {
	return call(a, func(a *API, in *batchBody[In], out *batchAnswer) *problem {
		if len(in.Requests) == 0 {
			return invalid("requests", "is empty; list what to do")
		}
		if len(in.Requests) > MaxBatch {
			return invalidf("requests", "lists %d; at most %d", len(in.Requests), MaxBatch)
		}
		results := make([]batchResult, len(in.Requests))
		answers := make([]Out, len(in.Requests))
		for i := range in.Requests {
			if p := do(a, &in.Requests[i], &answers[i]); p != nil {
				results[i] = batchResult{p.status, p.body("")}
				continue
			}
			results[i] = batchResult{http.StatusOK, &answers[i]}
		}
		out.Results = results
		return nil
	})
}

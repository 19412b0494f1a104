package api

import (
	"net/http"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// MaxBatch is how many requests a batch may hold.
const MaxBatch = 1000

// batchLength is MaxBatch as a bound of a list.
type batchLength struct{}

func (batchLength) most() int { return MaxBatch }

type batchBody[In any] struct {
	Requests bounded[In, batchLength] `json:"requests"`
}

type batchAnswer struct {
	Results []batchResult `json:"results"` // in the order of the requests
}

// batchResult is what the request alone would have been answered, without the states
// of candidates.
type batchResult struct {
	Status int `json:"status"`
	Body   any `json:"body"`
}

// batch is an operation on several bodies, one after the other. Each is done or
// not for itself.
func batch[In, Out any](a *API, do func(*API, *server.Token, *In, *Out) *problem) http.Handler {
	return call(a, func(a *API, who *server.Token, in *batchBody[In], out *batchAnswer) *problem {
		if len(in.Requests) == 0 {
			return invalid("requests", "is empty; list what to do")
		}
		results := make([]batchResult, len(in.Requests))
		answers := make([]Out, len(in.Requests))
		for i := range in.Requests {
			if p := do(a, who, &in.Requests[i], &answers[i]); p != nil {
				body := p.body("")
				body.Error.States = nil // 1000 answers of up to 1000 states each would be no answer
				results[i] = batchResult{p.status, body}
				continue
			}
			results[i] = batchResult{http.StatusOK, &answers[i]}
		}
		out.Results = results
		return nil
	})
}

package api

import (
	"net/http"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// MaxBatch is the largest number of requests in a batch.
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

// batchResult is the answer to one request of a batch: that of the request alone, without
// the states of candidates.
type batchResult struct {
	Status int `json:"status"`
	Body   any `json:"body"`
}

// batch handles an operation on several bodies, one after the other. Each succeeds or
// fails by itself.
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
				body.Error.States = nil // 1000 answers of up to 1000 states each would be too large
				results[i] = batchResult{p.status, body}
				continue
			}
			results[i] = batchResult{http.StatusOK, &answers[i]}
		}
		out.Results = results
		return nil
	})
}

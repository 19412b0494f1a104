package api

import (
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// syncBody is how the nodes keep one limit of a deployment together, in JSON.
type syncBody struct {
	Limit      string `json:"limit"`
	Mode       string `json:"mode"`       // usage or escrow
	Configured string `json:"configured"` // usage, escrow or auto
	Reason     string `json:"reason,omitempty"`
	Granted    int64  `json:"granted"`
	Own        int64  `json:"own"`
	Others     int64  `json:"others"`
	Waiting    int64  `json:"waiting"`
	Missed     int64  `json:"missed"`
	Vain       int64  `json:"waited_in_vain"`
}

// withSync returns states with how their limits are kept together.
func (a *API) withSync(states []engine.State) []stateBody {
	out := stateBodies(states)
	if a.accounts == nil {
		return out
	}
	by := a.accounts()
	for i := range out {
		for _, x := range by[out[i].ID] {
			out[i].Sync = append(out[i].Sync, bodyOf(&x))
		}
	}
	return out
}

func bodyOf(a *syncer.Account) syncBody {
	return syncBody{
		Limit: a.Name(), Mode: a.Mode.String(), Configured: a.Configured.String(), Reason: a.Reason,
		Granted: a.Granted, Own: a.Own, Others: a.Others, Waiting: a.Waiting, Missed: a.Missed, Vain: a.Vain,
	}
}

package transport

import (
	"net/http"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// outcome is the end of an attempt after which the client has no answer.
type outcome struct {
	resp   *http.Response // a refusal or failure of the provider, unread
	err    error
	signal provider.Signal
	place  *place
	known  bool // the deployment was failing when the attempt began
}

func (o *outcome) discard() {
	if o != nil && o.resp != nil {
		_ = o.resp.Body.Close()
	}
}

// again reports whether another deployment may be tried. A call that was refused before any
// work was done may be sent again. A call on which the provider may have worked is sent again
// once, if the group has a retry and the call creates nothing that stays. A request that is too
// large for one deployment is sent again once, if another may be larger.
func (q *request) again(o *outcome, b *budget) bool {
	switch {
	case o.signal.Kind == provider.TooLarge:
		if q.large != nil {
			return false
		}
		q.large = o.place
	case o.signal.Worked:
		if q.doubled || q.creates() || !b.spend(o.known, time.Now()) {
			return false
		}
		q.doubled = true
	}
	return true
}

// creates reports whether each call creates something that stays.
func (q *request) creates() bool {
	if q.op == imageGenerations || q.op == imageEdits || q.op == imageVariations || q.op == speech {
		return true
	}
	return string(q.body.Get("background")) == "true" || string(q.body.Get("store")) == "true"
}

// larger reports whether an endpoint may accept a request that is too large for another:
// it has a larger context window or another model, or either is unknown.
func (p *place) larger(than *place) bool {
	switch {
	case p.MaxInputTokens > 0 && than.MaxInputTokens > 0:
		return p.MaxInputTokens > than.MaxInputTokens
	case p.BaseModel != "" && than.BaseModel != "":
		return p.BaseModel != than.BaseModel
	}
	return true
}

package config

import (
	"math"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// tier is what LiteLLM's shuffle draws from: deployments of one group and order.
type tier struct {
	group string
	order int
}

// shuffleWeights gives deployments the weights that simple-shuffle draws by: if
// the first of a tier has a weight, everyone's weight; else if it has an rpm,
// everyone's rpm; else the same for tpm; else all are equal. A deployment
// without the value in question is never drawn, so it is disabled here.
func (r *liteLLM) shuffleWeights() {
	metric := map[tier]string{}
	drawn := map[tier]int{}
	for _, e := range r.entries {
		if e.Disabled {
			continue
		}
		at := tier{e.Group, e.Order}
		key, ok := metric[at]
		if !ok {
			for _, k := range []string{"weight", "rpm", "tpm"} {
				if key == "" && !e.shuffleValue(k).absent() {
					key = k
				}
			}
			metric[at] = key
		}
		e.weigh(key)
		if !e.Disabled {
			drawn[at]++
		}
	}
	warned := map[tier]bool{}
	for _, e := range r.entries {
		at := tier{e.Group, e.Order}
		if drawn[at] == 0 && !warned[at] && metric[at] != "" {
			r.warnf(e.section.table.line, e.section.path+"model_name", "no deployment of group %s with order %d can be drawn: none has %s above 0",
				r.secrets.quote(e.Group), e.Order, metric[at])
			warned[at] = true
		}
	}
}

// shuffleValue returns what simple-shuffle weighs by. LiteLLM's router copies
// rpm and tpm of the entry into litellm_params where they are missing.
func (e *entry) shuffleValue(key string) *value {
	v := e.params.table.get(key)
	if v.absent() && key != "weight" {
		v = e.section.table.get(key)
	}
	return v
}

// weigh sets the weight, or disables a deployment whose weight is zero.
func (e *entry) weigh(key string) {
	if key == "" {
		if v := e.params.table.get("weight"); !v.absent() {
			e.params.warnf(v.line, e.params.path+"weight", "is not used: the first deployment of its group has none, and LiteLLM goes by that one")
		}
		return
	}
	v := e.shuffleValue(key)
	if v.absent() {
		e.section.warnf(e.section.table.line, e.params.path+key, "is missing, so that LiteLLM's simple-shuffle never draws this deployment: the first of its group has %s, and draws go by that. It is disabled here", key)
		e.Disabled = true
		return
	}
	if key == "rpm" && e.Limits.RPM == engine.Blocked || key == "tpm" && e.Limits.TPM == engine.Blocked {
		return // its limit says more than disabled would
	}
	switch w := e.params.numeric(v).number(); {
	case w == 0:
		e.Disabled = true
	case key == "weight" && (!(w > 0) || math.IsInf(w, 0)):
		e.params.wrong(key, v, "a number, 0 to draw others only")
	case w > 0:
		e.Weight = min(w, float64(engine.MaxCount))
	default:
		e.Disabled = true // a limit below zero, which was warned of, or no number, which was an error
	}
}

// ignoredWeights warns of weights under a strategy that has no use for them.
func (r *liteLLM) ignoredWeights() {
	var seen mention
	for _, e := range r.entries {
		if v := e.params.table.get("weight"); !v.absent() {
			if seen.times++; seen.times == 1 {
				seen.line = v.line
			}
		}
	}
	if seen.times > 0 {
		r.warnf(seen.line, "litellm_params.weight", "is ignored under usage-based-routing-v2, as LiteLLM does (%s in this file)", times(seen.times))
	}
}

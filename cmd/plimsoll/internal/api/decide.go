package api

import (
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

type pickAnswer struct {
	Deployment string `json:"deployment"`
	Group      string `json:"group"`
	Model      string `json:"model,omitempty"`
}

// pick is POST /v1/pick.
func (a *API) pick(who *server.Token, in *demandBody, out *pickAnswer) *problem {
	d, p := a.demand(who, in)
	if p != nil {
		return p
	}
	var id string
	err := a.grantedFirst(&d, func() (err error) {
		id, err = a.engine.Pick(in.Group, d)
		return err
	})
	if err != nil {
		return a.refusalOf(err, in.Group, &d)
	}
	out.Deployment, out.Group, out.Model = id, in.Group, a.Model(id)
	if g, err := a.engine.Group(in.Group); err == nil {
		out.Group, out.Model = g.Name(), modelFor(g, in.Group, out.Model)
	}
	return nil
}

type preCheckBody struct {
	Deployment      string `json:"deployment"`
	InputTokens     int64  `json:"input_tokens"`
	OutputTokens    int64  `json:"output_tokens"`
	MaxOutputTokens int64  `json:"max_output_tokens"`
	Priority        int64  `json:"priority"`
}

type deploymentAnswer struct {
	Deployment string `json:"deployment"`
}

// preCheck is POST /v1/precheck.
func (a *API) preCheck(who *server.Token, in *preCheckBody, out *deploymentAnswer) *problem {
	if in.Deployment == "" {
		return invalid("deployment", "is missing; name the deployment to admit a request on")
	}
	if p := a.mayUse(who, in.Deployment); p != nil {
		return p
	}
	d := engine.Demand{InputTokens: in.InputTokens, OutputTokens: in.OutputTokens, MaxOutputTokens: in.MaxOutputTokens, Caller: who.Caller()}
	p := counts(&d)
	if p == nil {
		d.Priority, p = priority(who, in.Priority)
	}
	if p != nil {
		return p
	}
	if err := a.grantedFirst(&d, func() error { return a.engine.PreCheck(in.Deployment, d) }); err != nil {
		return a.refusal(err)
	}
	out.Deployment = in.Deployment
	return nil
}

type recordBody struct {
	Deployment string     `json:"deployment"`
	Usage      *usageBody `json:"usage"`
}

// record is POST /v1/record.
func (a *API) record(who *server.Token, in *recordBody, out *deploymentAnswer) *problem {
	if in.Deployment == "" {
		return invalid("deployment", "is missing; name the deployment that was used")
	}
	if p := a.mayUse(who, in.Deployment); p != nil {
		return p
	}
	if in.Usage == nil {
		return invalid("usage", "is missing; give the tokens that the call consumed")
	}
	u, p := in.Usage.usage()
	if p != nil {
		return p
	}
	if err := a.engine.Record(in.Deployment, u); err != nil {
		return a.refusal(err)
	}
	who.Caller().Record(u)
	out.Deployment = in.Deployment
	return nil
}

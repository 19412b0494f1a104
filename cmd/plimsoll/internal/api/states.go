package api

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

type deploymentsAnswer struct {
	Deployments []stateBody `json:"deployments"`
}

// getDeployments is GET /v1/deployments.
func (a *API) getDeployments(w http.ResponseWriter, r *http.Request) {
	if _, p := query(r); p != nil {
		a.refuse(w, p)
		return
	}
	who := server.CallerOf(r.Context())
	a.write(w, http.StatusOK, deploymentsAnswer{a.withSync(slices.DeleteFunc(a.engine.AppendStates(nil), func(s engine.State) bool { return !who.MayCall(s.Group) }))})
}

type groupAnswer struct {
	Group       string      `json:"group"`
	Deployments []stateBody `json:"deployments"`
}

// getGroup is GET /v1/groups/{name}.
func (a *API) getGroup(w http.ResponseWriter, r *http.Request) {
	if _, p := query(r); p != nil {
		a.refuse(w, p)
		return
	}
	if p := a.mayCall(server.CallerOf(r.Context()), r.PathValue("name")); p != nil {
		a.refuse(w, p)
		return
	}
	g, err := a.engine.Group(r.PathValue("name"))
	if err != nil {
		a.refuse(w, a.refusal(err))
		return
	}
	states := slices.DeleteFunc(a.engine.AppendStates(nil), func(s engine.State) bool { return s.Group != g.Name() })
	a.write(w, http.StatusOK, groupAnswer{g.Name(), a.withSync(states)})
}

type explainAnswer struct {
	Group      string          `json:"group"`
	Candidates []candidateBody `json:"candidates"`
	Pick       []string        `json:"pick"`
	Acquire    []string        `json:"acquire"`
	Error      *problemDetail  `json:"error,omitempty"` // acquire's answer if it would refuse; absent if it would admit
}

// getExplain is GET /v1/explain: its query holds the fields of an acquire.
func (a *API) getExplain(w http.ResponseWriter, r *http.Request) {
	var in demandBody
	q, p := query(r, "group", "input_tokens", "output_tokens", "max_output_tokens", "exclude", "tags", "affinity", "priority")
	for _, f := range []struct {
		name string
		to   *int64
	}{{"input_tokens", &in.InputTokens}, {"output_tokens", &in.OutputTokens}, {"max_output_tokens", &in.MaxOutputTokens}, {"priority", &in.Priority}} {
		if p == nil && q.Has(f.name) {
			var err error
			if *f.to, err = strconv.ParseInt(q.Get(f.name), 10, 64); err != nil {
				p = invalid(f.name, "is not a whole number")
			}
		}
	}
	in.Group, in.Exclude, in.Tags, in.Affinity = q.Get("group"), q["exclude"], q["tags"], q.Get("affinity")
	var d engine.Demand
	if p == nil {
		d, p = a.demand(server.CallerOf(r.Context()), &in)
	}
	if p == nil {
		if _, err := a.engine.Group(in.Group); err != nil {
			p = a.refusal(err)
		}
	}
	if p != nil {
		a.refuse(w, p)
		return
	}
	x := a.engine.Explain(in.Group, d)
	if errors.Is(x.Err, engine.ErrInvalidDemand) {
		a.refuse(w, a.refusal(x.Err))
		return
	}
	out := explainAnswer{Group: x.Group, Candidates: candidateBodies(x.Candidates), Pick: x.Pick, Acquire: x.Acquire}
	if x.Err != nil {
		body := a.refusal(x.Err).body("")
		body.Error.States = nil // the candidates contain them
		out.Error = &body.Error
	}
	a.write(w, http.StatusOK, out)
}

// query returns the parameters of a request, or a problem if one is not in known.
func query(r *http.Request, known ...string) (url.Values, *problem) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &problem{status: http.StatusBadRequest, kind: "invalid", message: "the query cannot be read: escape its values"}
	}
	for name := range q {
		if !slices.Contains(known, name) {
			return nil, invalid(shorten(name), "is no parameter of this request; leave it out")
		}
	}
	return q, nil
}

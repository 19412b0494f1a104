package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// model is a name that can be called, in the form of
// https://platform.openai.com/docs/api-reference/models.
type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // when the configuration was read
	OwnedBy string `json:"owned_by"`
}

// modelsOf lists the groups that have endpoints, and their aliases, by name.
func modelsOf(cfg engine.Config, endpoints map[string]transport.Endpoint, now time.Time) []model {
	names := map[string]bool{}
	for i := range cfg.Deployments {
		if d := &cfg.Deployments[i]; !names[d.Group] {
			_, names[d.Group] = endpoints[d.ID]
		}
	}
	for alias := range cfg.Aliases {
		to := alias
		for range len(cfg.Aliases) + 1 { // an alias may mean another one
			next, ok := cfg.Aliases[to]
			if !ok {
				break
			}
			to = next
		}
		names[alias] = names[to]
	}
	list := []model{}
	for name, ok := range names {
		if ok {
			list = append(list, model{name, "model", now.Unix(), "plimsoll"})
		}
	}
	slices.SortFunc(list, func(a, b model) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Hide sets the aliases that are not listed as models, from the next Apply on.
func (p *Proxy) Hide(aliases map[string]bool) { p.hidden.Store(&aliases) }

// listed returns the models without hidden aliases and without patterns, which name no
// model.
func (p *Proxy) listed(list []model) []model {
	hidden := p.hidden.Load()
	return slices.DeleteFunc(list, func(m model) bool {
		return strings.Contains(m.ID, "*") || hidden != nil && (*hidden)[m.ID]
	})
}

// anthropicModel is the same in the form of https://platform.claude.com/docs/en/api/models-list.
type anthropicModel struct {
	Type        string    `json:"type"`
	ID          string    `json:"id"`
	DisplayName string    `json:"display_name"`
	CreatedAt   time.Time `json:"created_at"`
}

func (m model) anthropic() anthropicModel {
	return anthropicModel{"model", m.ID, m.ID, time.Unix(m.Created, 0).UTC()}
}

// modelsFor returns the models that the token of a request may ask for.
func (p *Proxy) modelsFor(r *http.Request) []model {
	all, who := p.served.Load().models, server.CallerOf(r.Context())
	return slices.DeleteFunc(slices.Clone(all), func(m model) bool { return !who.MayAsk(p.cfg.Engine, m.ID) })
}

// listModels answers with the models that the client may ask for. Clients of Anthropic's
// API get its form.
func (p *Proxy) listModels(w http.ResponseWriter, r *http.Request, s shape) {
	now := p.served.Load()
	if !now.any {
		s.refuse(w, http.StatusNotFound, nothingServed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if modelShape(r, s) == openAI {
		_ = json.NewEncoder(w).Encode(struct {
			Object string  `json:"object"`
			Data   []model `json:"data"`
		}{"list", p.modelsFor(r)})
		return
	}
	list := struct {
		Data    []anthropicModel `json:"data"`
		HasMore bool             `json:"has_more"`
		FirstID *string          `json:"first_id"`
		LastID  *string          `json:"last_id"`
	}{Data: []anthropicModel{}}
	for _, m := range p.modelsFor(r) {
		list.Data = append(list.Data, m.anthropic())
	}
	if n := len(list.Data); n > 0 {
		list.FirstID, list.LastID = &list.Data[0].ID, &list.Data[n-1].ID
	}
	_ = json.NewEncoder(w).Encode(list)
}

// getModel answers with one model.
func (p *Proxy) getModel(w http.ResponseWriter, r *http.Request, s shape) {
	s = modelShape(r, s)
	name := r.PathValue("name")
	list := p.modelsFor(r)
	i, ok := slices.BinarySearchFunc(list, name, func(m model, name string) int { return strings.Compare(m.ID, name) })
	if !ok {
		s.refuse(w, http.StatusNotFound, fmt.Sprintf("the model %q does not exist", name))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if s == anthropic {
		_ = json.NewEncoder(w).Encode(list[i].anthropic())
		return
	}
	_ = json.NewEncoder(w).Encode(list[i])
}

// modelShape returns the API of a request for a path that both APIs have, by its headers.
func modelShape(r *http.Request, s shape) shape {
	if r.Header.Get("Anthropic-Version") != "" {
		return anthropic
	}
	return s
}

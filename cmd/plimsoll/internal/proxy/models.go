package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

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

// listModels is GET /openai/v1/models.
func (p *Proxy) listModels(w http.ResponseWriter, _ *http.Request) {
	now := p.served.Load()
	if !now.any {
		openAI.refuse(w, http.StatusNotFound, nothingServed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{"list", now.models})
}

// getModel is GET /openai/v1/models/{name}.
func (p *Proxy) getModel(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	list := p.served.Load().models
	i, ok := slices.BinarySearchFunc(list, name, func(m model, name string) int { return strings.Compare(m.ID, name) })
	if !ok {
		openAI.refuse(w, http.StatusNotFound, fmt.Sprintf("the model %q does not exist", name))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list[i])
}

package page

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// postSwitch is POST /page/switch: it switches a deployment on this node off or on. The
// token must be in a header that a page of another origin cannot make a browser send, so
// basic authentication is not accepted.
func (p *Page) postSwitch(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	header := r.Header.Get("Authorization")
	if scheme, _, _ := strings.Cut(header, " "); server.CallerOf(r.Context()) != nil && !strings.EqualFold(scheme, "Bearer") {
		http.Error(w, "send the token as Authorization: Bearer TOKEN", http.StatusUnauthorized)
		return
	}
	var in struct {
		Key string `json:"key"`
		On  *bool  `json:"on"`
	}
	if r.Header.Get("Content-Type") != "application/json" || json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in) != nil || in.On == nil {
		http.Error(w, `want application/json: {"key": KEY, "on": true or false}`, http.StatusBadRequest)
		return
	}
	if p.cfg.Switch == nil {
		http.Error(w, "this daemon cannot switch deployments", http.StatusNotFound)
		return
	}
	for _, s := range p.cfg.Engine.AppendStates(nil) {
		if keyOf(s.ID) != in.Key {
			continue
		}
		if err := p.cfg.Switch(r, s.ID, *in.On); err != nil {
			http.Error(w, "the configuration no longer has the deployment; reload the page", http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Error(w, "no deployment has that key", http.StatusNotFound)
}

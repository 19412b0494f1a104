package proxy

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// handler answers requests of one method for one path.
type handler func(w http.ResponseWriter, r *http.Request, s shape)

// route is a path behind a base, and how each method of it is answered.
type route struct {
	path    string
	methods map[string]handler
	// named reports that the route exists below bases that name a deployment, too.
	named bool
}

func (p *Proxy) openAIRoutes() []route {
	var list []route
	for _, path := range openAICalls {
		list = append(list, route{path, map[string]handler{http.MethodPost: p.caller(path)}, true})
	}
	return append(list,
		route{path: "/models", methods: map[string]handler{http.MethodGet: p.listModels}},
		route{path: "/models/{name...}", methods: map[string]handler{http.MethodGet: p.getModel}},
		route{path: "/responses/{id}", methods: map[string]handler{http.MethodGet: p.pinned(""), http.MethodDelete: p.pinned("")}},
		route{path: "/responses/{id}/cancel", methods: map[string]handler{http.MethodPost: p.pinned("/cancel")}},
		route{path: "/responses/{id}/input_items", methods: map[string]handler{http.MethodGet: p.pinned("/input_items")}},
		route{path: "/files", methods: map[string]handler{http.MethodPost: p.create(files), http.MethodGet: p.list(files)}},
		route{path: "/files/{id}", methods: map[string]handler{http.MethodGet: p.object(files, ""), http.MethodDelete: p.object(files, "")}},
		route{path: "/files/{id}/content", methods: map[string]handler{http.MethodGet: p.object(files, "/content")}},
		route{path: "/batches", methods: map[string]handler{http.MethodPost: p.create(batches), http.MethodGet: p.list(batches)}},
		route{path: "/batches/{id}", methods: map[string]handler{http.MethodGet: p.object(batches, "")}},
		route{path: "/batches/{id}/cancel", methods: map[string]handler{http.MethodPost: p.object(batches, "/cancel")}},
	)
}

func (p *Proxy) anthropicRoutes() []route {
	var list []route
	for _, path := range anthropicCalls {
		list = append(list, route{path: path, methods: map[string]handler{http.MethodPost: p.caller(path)}})
	}
	k := messageBatches
	return append(list,
		route{path: k.path, methods: map[string]handler{http.MethodPost: p.create(k), http.MethodGet: p.list(k)}},
		route{path: k.path + "/{id}", methods: map[string]handler{http.MethodGet: p.object(k, ""), http.MethodDelete: p.object(k, "")}},
		route{path: k.path + "/{id}/cancel", methods: map[string]handler{http.MethodPost: p.object(k, "/cancel")}},
		route{path: k.path + "/{id}/results", methods: map[string]handler{http.MethodGet: p.object(k, "/results")}},
	)
}

// Register adds the proxy's routes to a mux.
func (p *Proxy) Register(mux *http.ServeMux) {
	for _, base := range bases {
		for _, rt := range p.openAIRoutes() {
			if rt.named || !strings.Contains(base, "{") {
				p.register(mux, base, rt, openAI)
			}
		}
	}
	for _, base := range anthropicBases {
		for _, rt := range p.anthropicRoutes() {
			p.register(mux, base, rt, anthropic)
		}
	}
	for _, base := range []string{"/anthropic/v1", "/anthropic"} {
		p.register(mux, base, route{path: "/models", methods: map[string]handler{http.MethodGet: p.listModels}}, anthropic)
		p.register(mux, base, route{path: "/models/{name...}", methods: map[string]handler{http.MethodGet: p.getModel}}, anthropic)
	}
	for _, begin := range unserved {
		mux.HandleFunc("/v1"+begin, noRoute(openAI))
		mux.HandleFunc("/v1"+begin+"/", noRoute(openAI))
	}
	mux.HandleFunc("/openai/", noRoute(openAI))
	mux.HandleFunc("/anthropic/", noRoute(anthropic))
}

// register adds a route below a base. What measures calls by their route sees one name
// for all bases.
func (p *Proxy) register(mux *http.ServeMux, base string, rt route, s shape) {
	name := "/openai/v1" + rt.path
	if s == anthropic {
		name = "/anthropic/v1" + rt.path
	}
	allow := strings.Join(slices.Sorted(maps.Keys(rt.methods)), ", ")
	mux.HandleFunc(base+rt.path, func(w http.ResponseWriter, r *http.Request) {
		h := rt.methods[r.Method]
		if r.Method == http.MethodHead && strings.HasPrefix(rt.path, "/models") {
			h = rt.methods[http.MethodGet] // the server sends no body
		}
		switch {
		case h == nil && r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
			noWebSocket(w, s)
			return
		case h == nil:
			w.Header().Set("Allow", allow)
			s.refuse(w, http.StatusMethodNotAllowed, fmt.Sprintf("use %s for this path", allow))
			return
		}
		r.Pattern = r.Method + " " + name
		h(w, r, s)
	})
}

// noWebSocket answers a client that asks for a WebSocket. After this status the Codex command line
// goes on with POST at once, after any other only when it has tried five times
// (https://github.com/openai/codex/issues/44953, https://developers.openai.com/api/docs/guides/websocket-mode).
func noWebSocket(w http.ResponseWriter, s shape) {
	w.Header().Set("Upgrade", "HTTP/1.1")
	w.Header().Set("Connection", "Upgrade")
	s.refuse(w, http.StatusUpgradeRequired, "WebSockets are not served: send the request by POST")
}

// noRoute answers that a path is not served, and lists those that are.
func noRoute(s shape) http.HandlerFunc {
	calls := strings.Join(openAICalls[:], ", ") + ", /models, /files and /batches"
	base := "/openai/v1"
	if s == anthropic {
		calls, base = strings.Join(anthropicCalls[:], ", ")+", /messages/batches and /models", "/anthropic/v1"
	}
	return func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if len(path) > 200 {
			path = path[:200] + "…"
		}
		s.refuse(w, http.StatusNotFound, fmt.Sprintf("the path %q is not served by this proxy; below %s it serves %s", strings.ToValidUTF8(path, "\uFFFD"), base, calls))
	}
}

package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// notKept is the message why files and batches are not served.
const notKept = "files and batches are not served: no endpoint of the model has objects: true (docs/CONFIG.md)"

// create answers the creation of a file or a batch. A file, and a batch of messages,
// whose requests are in its body, go to a deployment of the group that the header
// X-Plimsoll-Group or the query's model names, or of the only group that keeps objects
// of its API; another batch goes to the deployment that has its file.
func (p *Proxy) create(k kind) handler {
	return func(w http.ResponseWriter, r *http.Request, s shape) {
		now := p.served.Load()
		caller := p.callerOf(r)
		var deployment string
		if k == batches {
			in := newBody(p, r, http.NewResponseController(w))
			in.upload = true // it is small
			if err := in.decode(r.Header); err != nil {
				s.refuse(w, http.StatusUnsupportedMediaType, err.Error())
				return
			}
			text, err := io.ReadAll(http.MaxBytesReader(w, in, 1<<20))
			var b struct {
				InputFileID string `json:"input_file_id"`
			}
			r.Header.Del("Content-Encoding")
			if err != nil || json.Unmarshal(text, &b) != nil || b.InputFileID == "" {
				s.refuse(w, http.StatusBadRequest, "the body must be JSON with the member input_file_id")
				return
			}
			file, ok := p.objects.get(files, b.InputFileID, caller)
			if !ok {
				p.noObject(w, s, files, b.InputFileID)
				return
			}
			deployment = file.deployment
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		} else if deployment = p.keeper(w, r, s, now, k, caller); deployment == "" {
			return
		}
		p.forward(w, r, s, now, deployment, k.path, func(resp *http.Response) { p.remember(resp, k, deployment, caller) })
	}
}

// keeper returns the deployment that will keep a caller's new object; "" = the request
// was refused.
func (p *Proxy) keeper(w http.ResponseWriter, r *http.Request, s shape, now *served, k kind, caller string) string {
	name := r.Header.Get(headerGroup)
	if name == "" {
		name = r.URL.Query().Get("model")
	}
	groups := map[string][]string{}
	for _, at := range now.pins {
		if at.keeps == k.api {
			groups[at.group] = append(groups[at.group], at.id)
		}
	}
	if name == "" && len(groups) == 1 {
		for only := range groups {
			name = only
		}
	}
	if group, err := p.cfg.Engine.Group(name); err == nil {
		name = group.Name()
	} else if name == "" && len(groups) > 1 {
		s.refuse(w, http.StatusBadRequest, "name the model whose deployment is to keep the "+k.name+", by the header "+headerGroup+" or the query's model")
		return ""
	}
	if !server.CallerOf(r.Context()).MayAsk(p.cfg.Engine, name) {
		s.refuse(w, http.StatusForbidden, notForGroup)
		return ""
	}
	ids := groups[name]
	if len(ids) == 0 {
		s.refuse(w, http.StatusNotFound, notKept)
		return ""
	}
	slices.Sort(ids)
	return ids[hash(caller)%uint64(len(ids))] // all files of a caller go to one deployment
}

// remember records the objects that an answer describes. It replaces the address of a
// batch's results, which clients call with their token, by a path of the proxy, behind the
// base URL of Anthropic's clients.
func (p *Proxy) remember(resp *http.Response, k kind, deployment, caller string) {
	if resp.StatusCode >= http.StatusBadRequest || !isJSON(resp.Header) {
		return
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxObject))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(text), resp.Body), resp.Body}
	var it struct {
		ID         string `json:"id"`
		Deleted    bool   `json:"deleted"`
		Type       string
		OutputFile string          `json:"output_file_id"`
		ErrorFile  string          `json:"error_file_id"`
		ResultsURL json.RawMessage `json:"results_url"`
	}
	if err != nil || json.Unmarshal(text, &it) != nil || it.ID == "" || len(it.ID) > maxID {
		return
	}
	if it.Deleted || it.Type == "message_batch_deleted" {
		p.objects.forget(it.ID)
		return
	}
	if k == messageBatches && len(it.ResultsURL) > 0 && it.ResultsURL[0] == '"' {
		own, _ := json.Marshal("/v1" + k.path + "/" + url.PathEscape(it.ID) + "/results")
		text = bytes.ReplaceAll(text, it.ResultsURL, own)
		resp.Body = struct {
			io.Reader
			io.Closer
		}{bytes.NewReader(text), resp.Body}
		resp.ContentLength = int64(len(text))
		resp.Header.Set("Content-Length", strconv.Itoa(len(text)))
	}
	made := time.Now()
	p.objects.put(object{id: it.ID, deployment: deployment, caller: caller, kind: k, made: made, text: text})
	for _, id := range [...]string{it.OutputFile, it.ErrorFile} {
		if k == batches && id != "" && len(id) <= maxID {
			p.objects.put(object{id: id, deployment: deployment, caller: caller, kind: files, made: made})
		}
	}
}

// object answers requests about one object: they go to the deployment that keeps it.
func (p *Proxy) object(k kind, action string) handler {
	return func(w http.ResponseWriter, r *http.Request, s shape) {
		now, caller, id := p.served.Load(), p.callerOf(r), r.PathValue("id")
		it, ok := p.objects.get(k, id, caller)
		if !ok || now.rt == nil || now.pins[hash(it.deployment)].keeps != k.api {
			p.noObject(w, s, k, id)
			return
		}
		p.forward(w, r, s, now, it.deployment, k.path+"/"+url.PathEscape(id)+action, func(resp *http.Response) {
			if action != "/content" && action != "/results" {
				p.remember(resp, k, it.deployment, caller)
			}
		})
	}
}

func (p *Proxy) noObject(w http.ResponseWriter, s shape, k kind, id string) {
	s.refuse(w, http.StatusNotFound, fmt.Sprintf("No such %s: %q. It must have been created by this token through this node.", k.name, shortened(id)))
}

// list answers with a caller's objects, as they were last described.
func (p *Proxy) list(k kind) handler {
	return func(w http.ResponseWriter, r *http.Request, s shape) {
		limit, most, after, before := 20, 100, "after", ""
		switch k {
		case files:
			limit, most = 10_000, 10_000
		case messageBatches:
			most, after, before = 1000, "after_id", "before_id"
		}
		query := r.URL.Query()
		if n, err := strconv.Atoi(query.Get("limit")); err == nil && n > 0 {
			limit = min(n, most)
		}
		all := p.objects.of(k, p.callerOf(r))
		if k == files && strings.EqualFold(query.Get("order"), "asc") {
			slices.Reverse(all)
		}
		if purpose := query.Get("purpose"); k == files && purpose != "" {
			all = slices.DeleteFunc(all, func(o object) bool {
				var it struct{ Purpose string }
				return json.Unmarshal(o.text, &it) != nil || it.Purpose != purpose
			})
		}
		w.Header().Set("Content-Type", "application/json")
		found := pageOf(all, query.Get(after), query.Get(before), limit)
		if k.api == transport.OpenAI {
			found.Object = "list"
		}
		_ = json.NewEncoder(w).Encode(found)
	}
}

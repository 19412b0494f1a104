package proxy

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// Endpoints returns a file's endpoints for package transport. It omits those of groups
// of which only some deployments have an endpoint, because such a group cannot be
// called. LookupEnv returns environment variables; nil = the process's.
func Endpoints(file *config.File, lookupEnv func(string) (string, bool)) map[string]transport.Endpoint {
	part := map[string]bool{}
	for i := range file.Engine.Deployments {
		d := &file.Engine.Deployments[i]
		if _, ok := file.Endpoints[d.ID]; !ok {
			part[d.Group] = true
		}
	}
	out := map[string]transport.Endpoint{}
	for i := range file.Engine.Deployments {
		d := &file.Engine.Deployments[i]
		if ep, ok := file.Endpoints[d.ID]; ok && !part[d.Group] {
			out[d.ID] = endpointOf(ep, lookupEnv)
		}
	}
	return out
}

// Objects returns the deployments of a file that keep files and batches.
func Objects(file *config.File) map[string]bool {
	out := map[string]bool{}
	for id, ep := range file.Endpoints {
		if ep.Objects {
			out[id] = true
		}
	}
	return out
}

func endpointOf(ep config.Endpoint, lookupEnv func(string) (string, bool)) transport.Endpoint {
	out := transport.Endpoint{
		API: transport.API(ep.API), BaseURL: ep.BaseURL, Model: ep.Model, APIVersion: ep.APIVersion,
		Provider: ep.Provider, Bearer: ep.Bearer, NoStreamUsage: ep.NoStreamUsage, PassHeaders: ep.PassHeaders,
		Timeouts: transport.Timeouts(ep.Timeouts), MaxInputTokens: ep.MaxInputTokens, BaseModel: ep.BaseModel,
	}
	for name, text := range ep.Defaults {
		if out.Defaults == nil {
			out.Defaults = map[string]json.RawMessage{}
		}
		out.Defaults[name] = json.RawMessage(string(text))
	}
	for name, text := range ep.Headers {
		if out.Headers == nil {
			out.Headers = http.Header{}
		}
		out.Headers.Set(name, string(text))
	}
	if !ep.Credential.IsZero() {
		out.Credential = func(context.Context) (string, error) { return ep.Credential.Get(lookupEnv) }
	}
	return out
}

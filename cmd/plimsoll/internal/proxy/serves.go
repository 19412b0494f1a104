package proxy

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// Serves returns the paths that the proxy serves for each deployment of a file, behind
// the base URL of its API; none for one that is for decisions only: it has no endpoint,
// or others of its group have none.
func Serves(file *config.File) map[string][]string {
	out := map[string][]string{}
	for id := range Endpoints(file, nil) {
		ep := file.Endpoints[id]
		switch {
		case ep.API == "anthropic" && ep.Objects:
			out[id] = append(slices.Clone(anthropicCalls[:]), "/models", "/messages/batches")
		case ep.API == "anthropic":
			out[id] = append(slices.Clone(anthropicCalls[:]), "/models")
		case ep.Objects:
			out[id] = append(slices.Clone(openAICalls[:]), "/models", "/files", "/batches")
		default:
			out[id] = append(slices.Clone(openAICalls[:]), "/models")
		}
	}
	return out
}

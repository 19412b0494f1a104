package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// batch is a batch of messages that an account keeps, ended as soon as it is made.
type batch struct {
	id    string
	names []string // custom ids of its requests
}

// messageBatches answers requests about batches of messages, which cost nothing:
// https://docs.claude.com/en/api/creating-message-batches. Batches are lost with the
// server.
func (s *Server) messageBatches(w http.ResponseWriter, r *http.Request, a *account, path string, body []byte) {
	id, action, _ := strings.Cut(strings.Trim(strings.TrimPrefix(path, "/messages/batches"), "/"), "/")
	if id == "" && r.Method == http.MethodPost {
		var asked struct {
			Requests []struct {
				CustomID string `json:"custom_id"`
			}
		}
		if json.Unmarshal(body, &asked) != nil || len(asked.Requests) == 0 {
			fault(w, http.StatusBadRequest, "invalid_request_error", "requests: at least one is required")
			return
		}
		made := batch{}
		for _, one := range asked.Requests {
			made.names = append(made.names, one.CustomID)
		}
		writeJSON(w, http.StatusOK, batchOf(r, a, a.addBatch(made)))
		return
	}
	found, ok := a.batch(id, r.Method == http.MethodDelete)
	switch {
	case !ok:
		fault(w, http.StatusNotFound, "not_found_error", fmt.Sprintf("there is no batch %q", id))
	case r.Method == http.MethodDelete:
		writeJSON(w, http.StatusOK, object{"id": id, "type": "message_batch_deleted"})
	case action == "results":
		w.Header().Set("Content-Type", "application/x-jsonl")
		lines := json.NewEncoder(w)
		for _, name := range found.names {
			_ = lines.Encode(object{"custom_id": name, "result": object{"type": "succeeded", "message": messageOf("fake", reply{text: text(5)}, usage{in: 10, out: 5})}})
		}
	default:
		writeJSON(w, http.StatusOK, batchOf(r, a, found))
	}
}

// batchOf describes a batch. The results have an address of their own, as the
// provider's have.
func batchOf(r *http.Request, a *account, b batch) object {
	made := time.Now().UTC().Format(time.RFC3339)
	return object{
		"id": b.id, "type": "message_batch", "processing_status": "ended", "created_at": made, "expires_at": made, "ended_at": made,
		"archived_at": nil, "cancel_initiated_at": nil,
		"request_counts": object{"processing": 0, "succeeded": len(b.names), "errored": 0, "canceled": 0, "expired": 0},
		"results_url":    fmt.Sprintf("http://%s/%s/v1/messages/batches/%s/results", r.Host, a.Name, b.id),
	}
}

// maxBatches bounds the batches that an account keeps.
const maxBatches = 1000

// addBatch keeps a batch under an id of its own.
func (a *account) addBatch(b batch) batch {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.made++
	b.id = fmt.Sprintf("msgbatch_%s_%06d", strings.ReplaceAll(a.Name, "-", ""), a.made)
	if a.batches = append(a.batches, b); len(a.batches) > maxBatches {
		a.batches = a.batches[1:]
	}
	return b
}

// batch returns a batch, and whether it is known.
func (a *account) batch(id string, forget bool) (batch, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, b := range a.batches {
		if b.id == id {
			if forget {
				a.batches = append(a.batches[:i:i], a.batches[i+1:]...)
			}
			return b, true
		}
	}
	return batch{}, false
}

package api

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// smallAnswer is the size in bytes up to which an answer is not counted, because a
// connection's buffers hold it.
const smallAnswer = 16 << 10

const busyMessage = "the bound on bytes of requests and answers in memory is reached; try again"

const busyAnswer = `{"error":{"type":"too_much_held","message":"` + busyMessage + `","retry_after_ms":1000}}`

var errHeld = errors.New("too much is held")

func tooBusy() *problem {
	return &problem{status: http.StatusServiceUnavailable, kind: "too_much_held", message: busyMessage, retryAfter: time.Second}
}

// heldReader reads a body and counts its bytes towards Config.MaxHeld.
type heldReader struct {
	src io.Reader
	api *API
	n   int64
}

// Read implements [io.Reader].
func (h *heldReader) Read(p []byte) (int, error) {
	n, err := h.src.Read(p)
	if n > 0 {
		h.n += int64(n)
		if h.api.held.Add(int64(n)) > h.api.most {
			err = errHeld
		}
	}
	return n, err
}

// release uncounts the bytes that were read.
func (h *heldReader) release() { h.api.held.Add(-h.n) }

package proxy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// Headers of a client about the admission of its call. They are not sent to the provider.
const (
	headerAffinity = "X-Plimsoll-Affinity"
	headerTags     = "X-Plimsoll-Tags"
	headerPriority = "X-Plimsoll-Priority"
	headerWait     = "X-Plimsoll-Wait"
	headerGroup    = "X-Plimsoll-Group"
)

// maxWait is how long a call may wait for headroom.
const maxWait = time.Minute

// visit is the proxy's record of a request in flight.
type visit struct {
	group    string // that the path names; "" = the body does
	caller   string
	wait     time.Duration
	id       string // the request's
	tokens   int64  // that were expected
	raw, ask string // the id of the previous response: the provider's, and the client's for it
}

type visitKey struct{}

// visitOf returns the record of a request in flight; nil if it is not the proxy's.
func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// arrive reads a request's headers about its admission. The error names a header.
func (p *Proxy) arrive(w http.ResponseWriter, r *http.Request) (*visit, error) {
	v := &visit{group: r.PathValue("deployment"), wait: p.cfg.Wait}
	if id := w.Header()[server.RequestIDHeader]; len(id) > 0 {
		v.id = id[0]
	}
	if text := r.Header.Get(headerWait); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 || d > maxWait {
			return nil, fmt.Errorf("the header %s must be a time from 0s to 1m, such as 2s or 500ms", headerWait)
		}
		v.wait = d
	}
	return v, nil
}

// callerOf returns whose request it is; "" where there are no tokens.
func (p *Proxy) callerOf(r *http.Request) string {
	if p.cfg.Caller == nil {
		return ""
	}
	return p.cfg.Caller(r)
}

// clientOf names who sent a request: its token, or where there are none its address.
func (p *Proxy) clientOf(r *http.Request) string {
	if name := p.callerOf(r); name != "" {
		return name
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// listed returns the parts of a list with commas.
func listed(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func requestID(ctx context.Context) string {
	if v := visitOf(ctx); v != nil {
		return v.id
	}
	return ""
}

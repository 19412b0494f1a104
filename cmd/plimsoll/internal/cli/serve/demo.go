package serve

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/fake"
)

// startDemo runs a fake provider until ctx ends, and returns the configuration of its
// accounts; nil without --demo.
func (f *flags) startDemo(ctx context.Context) ([]byte, error) {
	if !f.demo {
		return nil, nil
	}
	s, err := fake.New(fake.Config{Latency: 200 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() { _ = srv.Serve(l) }() // ends with ctx
	return fake.DemoConfig(l.Addr().String()), nil
}

package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// Certificate is the certificate and the key for TLS, from two files. It reads them again
// when they change. While they cannot be used, as when the new key is not there yet, the
// last good pair stays in force.
type Certificate struct {
	cert, key string
	log       *slog.Logger
	pair      atomic.Pointer[tls.Certificate]
	seen      [2]stamp
}

// stamp identifies the content of a file by its metadata.
type stamp struct {
	size int64
	time time.Time
}

// LoadCertificate reads the files. It returns an error if they cannot be used.
func LoadCertificate(cert, key string, log *slog.Logger) (*Certificate, error) {
	for _, path := range []string{cert, key} {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // reading a pipe could block
			return nil, fmt.Errorf("%s is no regular file", path)
		}
	}
	c := &Certificate{cert: cert, key: key, log: log}
	c.seen = c.stamps()
	return c, c.load()
}

func (c *Certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return Remedied(fmt.Errorf("the certificate %s and the key %s: %w; give a certificate and its own key, both in PEM", c.cert, c.key, err))
	}
	c.pair.Store(&pair)
	return nil
}

// TLS returns a configuration that always uses the pair in force.
func (c *Certificate) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil },
	}
}

// Run checks the files for changes every every, until ctx ends.
func (c *Certificate) Run(ctx context.Context, every time.Duration) {
	look := time.NewTicker(every)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			c.renew()
		}
	}
}

func (c *Certificate) renew() {
	now := c.stamps()
	if now == c.seen {
		return
	}
	c.seen = now
	if err := c.load(); err != nil {
		c.log.Warn("TLS keeps the previous certificate: the new one cannot be used; replace both files", "error", err.Error())
		return
	}
	leaf := c.pair.Load().Leaf
	c.log.Info("TLS certificate read", "valid_until", leaf.NotAfter)
}

func (c *Certificate) stamps() [2]stamp {
	var out [2]stamp
	for i, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil {
			out[i] = stamp{info.Size(), info.ModTime()}
		}
	}
	return out
}

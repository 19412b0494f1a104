package daemon

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
)

// share makes the syncer for the store that the options or the file name.
func (d *Daemon) share(s config.Store) error {
	address, from := d.opts.Sync, "--sync"
	if address == "" {
		address, from = string(s.URL), "store"
	}
	if address == "" {
		return nil
	}
	cfg := valkeystore.Config{Namespace: s.Namespace, Buckets: s.Buckets, TTL: s.TTL, Logger: d.log}
	if s.KeyFormat == "litellm" {
		cfg.KeyFormat, cfg.Model = valkeystore.FormatLiteLLM, d.model
	}
	var err error
	if d.store, err = valkeystore.Open(address, cfg); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	d.Syncer, err = syncer.New(d.Engine, d.store, syncer.Config{
		Interval: s.Interval, Timeout: s.Timeout, Clock: d.Clock, Logger: d.log,
		Deployments: func(dst []string) []string {
			for _, dep := range d.File().Engine.Deployments {
				dst = append(dst, dep.ID)
			}
			return dst
		},
	})
	if err != nil {
		d.store.Close()
		return fmt.Errorf("%s: %w", from, err)
	}
	return nil
}

// model returns the model of a deployment, for LiteLLM's keys.
func (d *Daemon) model(id string) string { return d.API.Model(id) }

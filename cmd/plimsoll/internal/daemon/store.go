package daemon

import (
	"errors"
	"fmt"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// keyFormatLiteLLM is the name of LiteLLM's format of keys.
const keyFormatLiteLLM = "litellm"

// share creates the syncer for the store that the options or the file name.
func (d *Daemon) share(s config.Store) error {
	address, from := d.opts.Sync, "--sync"
	if address == "" {
		address, from = string(s.URL), "store"
	}
	if address == "" && s.Missing != "" {
		return fmt.Errorf("store: the environment variable %s is not set; set it, give the store by --sync URL, or take it out of the file", s.Missing)
	}
	if address == "" {
		if d.opts.SyncMode != "" {
			return errors.New("--sync-mode: there is no store; give one by --sync URL or in the file's section store")
		}
		return nil
	}
	mode, err := d.mode(s)
	if err != nil {
		return err
	}
	cfg := valkeystore.Config{Namespace: s.Namespace, Buckets: s.Buckets, TTL: s.TTL, Logger: d.log}
	if d.keyFormat = s.KeyFormat; s.KeyFormat == keyFormatLiteLLM {
		cfg.KeyFormat, cfg.Model = valkeystore.FormatLiteLLM, d.model
	}
	if d.store, err = valkeystore.Open(address, cfg); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	d.Syncer, err = syncer.New(sharedSource{d.Engine, d}, d.store, syncer.Config{
		Mode: mode, Modes: d.modes(mode), Nodes: s.Nodes, Away: policies(s.Outage), Interval: s.Interval, Timeout: s.Timeout, Clock: d.Clock, Logger: d.log,
		Deployments: func(dst []string) []string {
			names := d.names.Load()
			for _, dep := range d.File().Engine.Deployments {
				dst = append(dst, names.toStore(dep.ID))
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

// mode returns the mode of limits for which the file has no mode by deployment: that of the
// options, else of the file's store, else auto, because clients of a daemon can wait for a
// grant. With LiteLLM's keys only usage is possible.
func (d *Daemon) mode(s config.Store) (syncer.Mode, error) {
	name, from := d.opts.SyncMode, "--sync-mode"
	if name == "" {
		name, from = s.Mode, "store.mode"
	}
	switch {
	case name == "" && s.KeyFormat == keyFormatLiteLLM:
		return syncer.Usage, nil
	case name == "":
		return syncer.Auto, nil
	}
	mode, err := syncer.ParseMode(name)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s: %w", from, err)
	case mode == syncer.Escrow && s.KeyFormat == keyFormatLiteLLM:
		return 0, fmt.Errorf("%s: escrow needs counters that can be renamed after a loss, and LiteLLM's cannot; use usage or auto, or take key_format: litellm out of the file", from)
	}
	return mode, nil
}

// policies returns what a node admits while the store does not reply, by the name that the file
// gives; "" = its share.
func policies(name string) syncer.Policies {
	for p := syncer.Share; p <= syncer.Closed; p++ {
		if p.String() == name {
			return syncer.Policies{Requests: p, Tokens: p}
		}
	}
	return syncer.Policies{}
}

// modes returns the function by which the syncer reads a deployment's modes from the file in
// force.
func (d *Daemon) modes(otherwise syncer.Mode) func(name string, kind window.Kind) syncer.Modes {
	return func(name string, kind window.Kind) syncer.Modes {
		id := d.names.Load().toEngine(name)
		if pool, ok := strings.CutPrefix(id, window.PoolPrefix); ok {
			id = d.syncOfPool(pool)
		}
		of, ok := d.File().Sync[id]
		m := syncer.AllModes(otherwise)
		if !ok {
			return m
		}
		for _, set := range []struct {
			of provider.Quantity
			to *syncer.Mode
		}{{provider.Requests, &m.Requests}, {provider.Tokens, &m.Tokens}, {provider.InputTokens, &m.Input}, {provider.OutputTokens, &m.Output}} {
			l := provider.LimitOf(set.of, spanOf(kind))
			if mode, err := syncer.ParseMode(of.Of(l)); err == nil {
				*set.to = mode
			}
		}
		return m
	}
}

// Accounts returns how this node keeps limits together with other nodes, by deployment; nil =
// usage is not shared.
func (d *Daemon) Accounts() map[string][]syncer.Account {
	if d.Syncer == nil {
		return nil
	}
	by := map[string][]syncer.Account{}
	for _, a := range d.AppendAccounts(nil) {
		by[a.ID] = append(by[a.ID], a)
	}
	return by
}

// AppendAccounts appends how this node keeps limits together with other nodes, with the
// engine's ids. It must only be called if usage is shared.
func (d *Daemon) AppendAccounts(dst []syncer.Account) []syncer.Account {
	n, from := d.names.Load(), len(dst)
	dst = d.Syncer.AppendAccounts(dst)
	for i, to := from, len(dst); i < to; i++ {
		a := &dst[i]
		pool, ok := strings.CutPrefix(a.ID, window.PoolPrefix)
		if !ok {
			a.ID = n.toEngine(a.ID)
			continue
		}
		for k, id := range d.deploymentsOf(pool) { // each deployment shows the pool's account
			if one := dst[i]; k > 0 {
				one.ID = id
				dst = append(dst, one)
			} else {
				a.ID = id
			}
		}
	}
	return dst
}

// deploymentsOf returns the deployments of a pool.
func (d *Daemon) deploymentsOf(pool string) (ids []string) {
	for i := range d.File().Engine.Deployments {
		if of := &d.File().Engine.Deployments[i]; of.Profile.Pool == pool {
			ids = append(ids, of.ID)
		}
	}
	return ids
}

// syncOfPool returns the first deployment of a pool for which the file has a mode, which is
// the pool's mode; "" if there is none.
func (d *Daemon) syncOfPool(pool string) string {
	for _, id := range d.deploymentsOf(pool) {
		if _, ok := d.File().Sync[id]; ok {
			return id
		}
	}
	return ""
}

// spanOf returns the span of the limits whose windows are of a kind.
func spanOf(kind window.Kind) provider.Span {
	switch {
	case kind.Daily():
		return provider.PerDay
	case kind == window.KindHour:
		return provider.PerHour
	}
	return provider.PerMinute
}

// model returns the model of a deployment, for LiteLLM's keys.
func (d *Daemon) model(name string) string { return d.API.Model(d.names.Load().toEngine(name)) }

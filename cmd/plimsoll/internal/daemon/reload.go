package daemon

import (
	_ "embed" // of the example
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

//go:embed example.yaml
var example []byte

// ExampleConfig returns the configuration of a daemon without one of its own.
func ExampleConfig() []byte { return example }

// read reads the configuration.
func (d *Daemon) read() (*config.File, error) {
	o := config.Options{LookupEnv: d.opts.LookupEnv, Profiles: d.opts.Profiles}
	if d.opts.Config == "" {
		if d.opts.Builtin != nil {
			return config.Parse("demo.yaml", d.opts.Builtin, o)
		}
		return config.Parse("example.yaml", example, o)
	}
	return config.Load(d.opts.Config, o)
}

// reloadProblem is the reason why the files were refused.
type reloadProblem struct {
	at  time.Time
	err string
}

// Reload reads the configuration and the tokens again. If either cannot be used,
// nothing changes, and the log and /readyz report it.
func (d *Daemon) Reload() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := server.Remedied(d.reload()); err != nil {
		d.problem.Store(&reloadProblem{time.Now(), err.Error()})
		d.failedReloads.Add(1)
		d.log.Error("configuration refused: nothing changed", "error", err.Error())
		return
	}
	d.reloads.Add(1)
	d.problem.Store(nil)
}

// readFiles reads the configuration and the tokens, and checks them against each other.
func (d *Daemon) readFiles() (*filesRead, error) {
	var at atomic.Pointer[string] // the file that is being read
	at.Store(&d.opts.Config)
	read, err := within(&d.patient, func() (*filesRead, error) {
		file, err := d.read()
		if err != nil {
			return nil, err
		}
		r := &filesRead{file: file}
		if d.opts.Tokens != "" {
			at.Store(&d.opts.Tokens)
			if r.tokens, err = server.ReadTokens(d.opts.Tokens); err != nil {
				return nil, fmt.Errorf("tokens: %w", err)
			}
			if err := r.tokens.CheckGroups(groupsOf(file)); err != nil {
				return nil, fmt.Errorf("tokens: %w", err)
			}
		}
		master, err := file.MasterKey.Get(d.opts.LookupEnv)
		if err == nil && master != "" {
			r.tokens, err = r.tokens.WithMaster(d.opts.Config, master)
		}
		file.Engine.Callers = r.tokens.Callers()
		return r, err
	})
	if errors.Is(err, errStuck) {
		return nil, fmt.Errorf("%s: %w; give a regular file", *at.Load(), err)
	}
	return read, err
}

// filesRead is the content of the files.
type filesRead struct {
	file   *config.File
	tokens *server.Tokens
}

func groupsOf(file *config.File) []string {
	var list []string
	for _, d := range file.Engine.Deployments {
		if !slices.Contains(list, d.Group) {
			list = append(list, d.Group)
		}
	}
	return list
}

func (d *Daemon) reload() error {
	read, err := d.readFiles()
	if err != nil {
		return err
	}
	file, old := read.file, d.File()
	if ttl := file.Engine.LeaseTTL; ttl != 0 && ttl != d.leaseTTL {
		return fmt.Errorf("%s: lease_ttl: is %v, and this daemon runs with %v; restart it, or write %v", d.opts.Config, ttl, d.leaseTTL, d.leaseTTL)
	}
	file.Continue(old)
	endpoints := proxy.Endpoints(file, d.opts.LookupEnv)
	if err := proxy.Check(file.Engine, endpoints); err != nil { // while nothing has changed yet
		return err
	}
	if err := d.Engine.Apply(file.Engine); err != nil {
		return err
	}
	d.names.Store(namesOf(file, d.keyFormat == keyFormatLiteLLM))
	d.Proxy.Hide(file.Hidden)
	d.Proxy.Route(file.Routing)
	// The endpoints change after the deployments. A call in between does not use new
	// deployments.
	d.keep(file)
	if err := d.Proxy.Apply(file.Engine, endpoints, proxy.Objects(file)); err != nil {
		d.log.Error("the proxy keeps the previous endpoints", "error", err.Error()) // cannot happen: proxy.Check has passed
	}
	d.keepTokens(read.tokens)
	d.log.Info("configuration read", "deployments", len(file.Engine.Deployments), "warnings", len(file.Warnings))
	if d.opts.Sync == "" && old.Store.URL != file.Store.URL {
		d.log.Warn("the store's settings changed: they take effect after a restart")
	}
	return nil
}

// keepTokens puts tokens into force.
func (d *Daemon) keepTokens(tokens *server.Tokens) {
	if tokens == nil {
		if d.tokens.Load() != nil {
			d.log.Warn("the configuration has no master key now: the previous one stays in force until a restart")
		}
		return
	}
	if err := tokens.Bind(d.Engine); err != nil {
		d.log.Error("the previous tokens stay in force", "error", err.Error()) // cannot happen: the engine has applied their limits
		return
	}
	tokens.Keep(d.tokens.Load())
	d.tokens.Store(tokens)
	d.TokenCounts.Forget(tokens)
	for _, warning := range tokens.Warnings(time.Now()) {
		d.log.Warn("a token", "warning", warning)
	}
}

// Reloads counts the readings of changed files.
type Reloads struct {
	Taken, Refused int64     // since the start
	Last           time.Time // when the configuration in force was read
	Problem        string    // why a later configuration was refused, which may contain secrets; "" = none was
	ProblemAt      time.Time
}

// Reloads returns the counts of readings of changed files.
func (d *Daemon) Reloads() Reloads {
	r := Reloads{Taken: d.reloads.Load(), Refused: d.failedReloads.Load(), Last: *d.loaded.Load()}
	if p := d.problem.Load(); p != nil {
		r.Problem, r.ProblemAt = p.err, p.at
	}
	return r
}

// Tokens returns the tokens with which clients may call; nil = any client may.
func (d *Daemon) Tokens() *server.Tokens { return d.tokens.Load() }

// TokenStates returns the tokens with the outcomes of their requests and the usage of their
// limits; none if any client may call.
func (d *Daemon) TokenStates() []server.TokenState {
	return d.Tokens().States(&d.TokenCounts, d.Engine)
}

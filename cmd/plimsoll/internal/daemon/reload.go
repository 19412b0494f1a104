package daemon

import (
	_ "embed" // the example
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

//go:embed example.yaml
var example []byte

// ExampleConfig is the configuration of a daemon that is given none.
func ExampleConfig() []byte { return example }

// read reads the configuration.
func (d *Daemon) read() (*config.File, error) {
	o := config.Options{LookupEnv: d.opts.LookupEnv, Profiles: d.opts.Profiles}
	if d.opts.Config == "" {
		return config.Parse("example.yaml", example, o)
	}
	return config.Load(d.opts.Config, o)
}

// reloadProblem is why files were not taken.
type reloadProblem struct {
	at  time.Time
	err string
}

// Reload reads the configuration and the tokens anew. What cannot be used
// changes nothing, and is told in the log and by readyz.
func (d *Daemon) Reload() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.reload(); err != nil {
		d.problem.Store(&reloadProblem{time.Now(), err.Error()})
		d.log.Error("configuration not taken: nothing changed", "error", err.Error())
		return
	}
	d.problem.Store(nil)
}

func (d *Daemon) reload() error {
	file, err := d.read()
	if err != nil {
		return err
	}
	var keys tokensFile
	if err := keys.read(d.opts.Tokens); err != nil {
		return err
	}
	endpoints := proxy.Endpoints(file, d.opts.LookupEnv)
	if err := proxy.Check(file.Engine, endpoints); err != nil { // before anything has changed
		return err
	}
	old := d.File()
	if err := d.Engine.Apply(file.Engine); err != nil {
		return err
	}
	// The endpoints follow the deployments. A call that comes in between does without
	// those that are new.
	d.keep(file)
	if err := d.Proxy.Apply(file.Engine, endpoints, proxy.Objects(file)); err != nil {
		d.log.Error("the proxy goes on with the endpoints before", "error", err.Error()) // cannot be: it was checked
	}
	d.keys.tokens.Store(keys.tokens.Load())
	d.log.Info("configuration read", "deployments", len(file.Engine.Deployments), "warnings", len(file.Warnings))
	if d.opts.Sync == "" && old.Store.URL != file.Store.URL {
		d.log.Warn("the store's settings changed: they hold after a restart")
	}
	return nil
}

// tokensFile is the tokens that are in force.
type tokensFile struct{ tokens atomic.Pointer[server.Tokens] }

func (t *tokensFile) read(path string) error {
	if path == "" {
		return nil
	}
	tokens, err := server.ReadTokens(path)
	if err != nil {
		return err
	}
	t.tokens.Store(tokens)
	return nil
}

// Tokens returns those that may call; nil = all may.
func (d *Daemon) Tokens() *server.Tokens { return d.keys.tokens.Load() }

// watchedFile is a file as it was when last looked at.
type watchedFile struct {
	path string
	info fs.FileInfo // nil: it was not there
}

func watch(paths ...string) []watchedFile {
	var list []watchedFile
	for _, path := range paths {
		if path != "" {
			info, _ := os.Stat(path) // reading it says why
			list = append(list, watchedFile{path, info})
		}
	}
	return list
}

// changed reports whether a file is another than when last asked. A file that is
// gone for the moment, while an editor replaces it, is no change.
func (d *Daemon) changed() bool {
	changed := false
	for i := range d.watched {
		w := &d.watched[i]
		info, err := os.Stat(w.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil || w.info != nil && os.SameFile(info, w.info) && info.ModTime().Equal(w.info.ModTime()) && info.Size() == w.info.Size() {
			continue
		}
		w.info, changed = info, true
	}
	return changed
}

package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/api"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/traffic"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Options are what a daemon is made of.
type Options struct {
	// Config is the path of a configuration file; "" = Builtin.
	Config string
	// Builtin is the text of a configuration in the own format; nil = the built-in
	// example.
	Builtin []byte
	// Profiles says how deployments without a profile of their own count, in place
	// of the file; unset = as the file says.
	Profiles config.Profiles
	// Sync is the address of the store, in place of the file's; "" = the file's.
	Sync string
	// SyncMode is how limits are kept together with other nodes of which the file does not
	// say it by deployment: usage, escrow or auto, in place of the file's; "" = the file's.
	SyncMode string
	// Tokens is the path of the file of tokens; "" = anyone who reaches the
	// daemon may call.
	Tokens string
	// LookupEnv returns environment variables for the configuration; nil = the
	// process's.
	LookupEnv func(string) (string, bool)
	// MaxLeases is how many leases may be held at once; 0 = the API's default.
	MaxLeases int
	// MaxBody is the size in bytes of the largest body that the proxy accepts; 0 = the
	// proxy's default.
	MaxBody int64
	// Wait is how long a call of the proxy waits for headroom if it does not say; 0 = not
	// at all.
	Wait time.Duration
	// IDKey is the path of a file with the key of the proxy's ids; "" = none.
	IDKey string
	// Snapshot is the path of a file that keeps the usage of limits per day over a
	// restart; "" = none.
	Snapshot string
	// SaveEvery is how often it is written; 0 = 1 min.
	SaveEvery time.Duration
	// Annotate, if not nil, receives what came of each decision, without secrets of
	// the configuration.
	Annotate func(ctx context.Context, key, value string)
	// Poll is how often files are looked at for changes; 0 = 1 s.
	Poll time.Duration
	Log  *slog.Logger // nil disables logging
}

// Daemon is an engine and all that runs beside it.
type Daemon struct {
	Engine  *engine.Engine
	API     *api.API
	Proxy   *proxy.Proxy
	Traffic *traffic.Traffic
	Syncer  *syncer.Syncer // nil: usage is not shared
	Clock   *window.Clock
	// TokenCounts counts what came of tokens' requests.
	TokenCounts server.TokenCounts

	opts     Options
	log      *slog.Logger
	store    *valkeystore.Store
	file     atomic.Pointer[config.File]
	tokens   atomic.Pointer[server.Tokens]
	patient  patient
	gone     atomic.Bool // a file that was read is not there any more
	saved    snapshots
	started  time.Time
	draining atomic.Bool

	names                  atomic.Pointer[storeNames]
	keyFormat              string     // of the store
	mu                     sync.Mutex // reloads
	problem                atomic.Pointer[reloadProblem]
	reloads, failedReloads atomic.Int64
	loaded                 atomic.Pointer[time.Time]
	watched                []watchedFile
}

// New reads the configuration and makes a daemon. Nothing runs before Run, and
// nothing is connected to.
func New(o Options) (*Daemon, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.SaveEvery == 0 {
		o.SaveEvery = saveEvery
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	d := &Daemon{opts: o, log: o.Log, Clock: window.NewClock(), started: time.Now()}
	d.watched = watch(o.Config, o.Tokens)
	read, err := d.readFiles()
	if err != nil {
		return nil, err
	}
	idKey, err := within(&d.patient, func() ([]byte, error) { return readKey(o.IDKey) })
	if errors.Is(err, errStuck) {
		err = fmt.Errorf("%s: %w; give a regular file", o.IDKey, err)
	}
	if err != nil {
		return nil, fmt.Errorf("id key: %w", err)
	}
	file := read.file
	d.watched = withIncluded(d.watched, file.Included)
	cfg := file.Engine
	cfg.Clock, cfg.TrackHeld = d.Clock, true
	if d.Engine, err = engine.New(cfg); err != nil {
		return nil, err
	}
	d.keepTokens(read.tokens)
	d.Traffic = traffic.New(func(text string) string { return d.File().Mask(text) })
	ac := api.Config{
		Engine: d.Engine, Clock: d.Clock, LeaseTTL: cfg.LeaseTTL, MaxLeases: o.MaxLeases,
		Admitted: d.Traffic.Admitted, Refused: d.Traffic.Refused, Tokens: d.TokenStates, Accounts: d.Accounts,
	}
	attempted := d.Traffic.Attempted
	refused := func(_ *http.Request, le *engine.LimitError) { d.Traffic.Refused(le.Group) }
	if o.Annotate != nil {
		ac.Annotate = func(ctx context.Context, key, value string) { o.Annotate(ctx, key, d.File().Mask(value)) }
		attempted = func(a transport.Attempt) {
			d.Traffic.Attempted(a)
			ac.Annotate(a.Context, "plimsoll.group", a.Group)
			ac.Annotate(a.Context, "plimsoll.deployment", a.Deployment)
			ac.Annotate(a.Context, "plimsoll.attempts", strconv.Itoa(a.Number))
		}
		refused = func(r *http.Request, le *engine.LimitError) {
			d.Traffic.Refused(le.Group)
			ac.Annotate(r.Context(), "plimsoll.group", le.Group)
			ac.Annotate(r.Context(), "plimsoll.limit", le.Limit.String())
		}
	}
	d.API = api.New(ac)
	d.Proxy = proxy.New(proxy.Config{
		Engine: d.Engine, Mask: func(text string) string { return d.File().Mask(text) }, Log: d.log,
		MaxBody: o.MaxBody, Wait: o.Wait, IDKey: idKey,
		Attempted: attempted, Refused: refused,
		Caller: func(r *http.Request) string {
			if t := server.CallerOf(r.Context()); t != nil {
				return t.Name
			}
			return ""
		},
	})
	d.file.Store(file)
	d.names.Store(namesOf(file, file.Store.KeyFormat == keyFormatLiteLLM))
	if !file.MasterKey.IsZero() {
		d.log.Warn("the file's master key is a token with all scopes; virtual keys of LiteLLM's database are unknown here: make tokens by plimsoll token make, and use --tokens FILE")
	}
	d.Proxy.Hide(file.Hidden)
	d.Proxy.Route(file.Routing)
	if err := d.Proxy.Apply(file.Engine, proxy.Endpoints(file, o.LookupEnv), proxy.Objects(file)); err != nil {
		return nil, err
	}
	d.keep(file)
	if err := d.share(file.Store); err != nil {
		return nil, err
	}
	d.saved.path, d.saved.engine, d.saved.log = o.Snapshot, snapshotter{d.Engine, d.names.Load}, d.log
	d.saved.restore()
	return d, nil
}

// leastKey is the length in bytes of the shortest key of ids.
const leastKey = 32

// readKey reads a key from a file; nil for no file.
func readKey(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if data = bytes.TrimSpace(data); len(data) < leastKey {
		return nil, fmt.Errorf("%s: has %d bytes; want at least %d random ones, such as those of: head -c 32 /dev/urandom | base64", path, len(data), leastKey)
	}
	return data, nil
}

// keep makes a file the present one.
func (d *Daemon) keep(file *config.File) {
	d.file.Store(file)
	d.API.SetModels(file.Engine.Deployments)
	d.Traffic.Apply(file.Engine.Deployments)
	now := time.Now()
	d.loaded.Store(&now)
}

// File returns the configuration that is in force.
func (d *Daemon) File() *config.File { return d.file.Load() }

// Example reports whether the daemon runs the built-in example.
func (d *Daemon) Example() bool { return d.opts.Config == "" && d.opts.Builtin == nil }

// Run runs what decisions need beside them until ctx ends, then reports to the store
// what was not reported yet. A reading from reload reads the files again, as a
// change of them does; nil = changes alone do. The error is why the last usage
// was not reported.
func (d *Daemon) Run(ctx context.Context, reload <-chan os.Signal) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ticking, stop := context.WithCancel(context.WithoutCancel(ctx)) // the last exchange needs the time
	defer stop()
	wg.Go(func() { _ = d.Clock.Run(ticking) }) // fails only where it runs already
	wg.Go(func() { d.tend(ctx) })
	wg.Go(func() { d.poll(ctx.Done(), reload) })
	wg.Go(func() { d.saved.run(ctx.Done(), d.opts.SaveEvery) })
	d.saved.save() // what is in its way is reported at once
	defer d.saved.save()
	if d.Syncer == nil {
		<-ctx.Done()
		return nil
	}
	err := d.Syncer.Run(ctx)
	d.store.Close()
	return err
}

// tend does what is due from time to time.
func (d *Daemon) tend(ctx context.Context) {
	sweep := time.NewTicker(time.Second)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			d.API.Sweep()
		}
	}
}

// Drain says that the end has begun: the daemon is no longer ready.
func (d *Daemon) Drain() { d.draining.Store(true) }

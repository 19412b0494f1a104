package daemon

import (
	"bytes"
	"cmp"
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

// Options configure a daemon. The zero value runs the built-in example without sharing.
type Options struct {
	// Config is the path of a configuration file; "" = Builtin.
	Config string
	// Builtin is the text of a configuration in plimsoll's own format, used without
	// Config; nil = the built-in example.
	Builtin []byte
	// Profiles replaces the file's profiles: how deployments without a profile of
	// their own count; unset = as the file says.
	Profiles config.Profiles
	// Sync is the address of the store and replaces the file's; "" = the file's.
	Sync string
	// SyncMode is the mode, usage, escrow or auto, of limits for which the file has no mode
	// by deployment. It replaces the mode of the file's store; "" = the file's.
	SyncMode string
	// Tokens is the path of the file of tokens; "" = any client that reaches the
	// daemon may call.
	Tokens string
	// LookupEnv returns environment variables for the configuration; nil = the
	// process's.
	LookupEnv func(string) (string, bool)
	// MaxLeases is the largest number of leases held at the same time; 0 = the API's
	// default.
	MaxLeases int
	// MaxBody is the size in bytes of the largest body that the proxy accepts; 0 = the
	// proxy's default.
	MaxBody int64
	// Wait is how long a call of the proxy waits for headroom if its header gives no time;
	// 0 = it does not wait.
	Wait time.Duration
	// IDKey is the path of a file with the key of the proxy's ids; "" = none.
	IDKey string
	// Snapshot is the path of a file that keeps the usage of limits per day over a
	// restart; "" = none.
	Snapshot string
	// SaveEvery is the time between two writes of the snapshot; 0 = 1 min.
	SaveEvery time.Duration
	// Annotate, if not nil, receives the outcome of each decision, without secrets of
	// the configuration.
	Annotate func(ctx context.Context, key, value string)
	// Poll is the time between two checks of the files for changes; 0 = 1 s.
	Poll time.Duration
	Log  *slog.Logger // nil disables logging
}

// Daemon is an engine and everything that runs beside it. Its methods are safe for
// concurrent use.
type Daemon struct {
	Engine  *engine.Engine
	API     *api.API
	Proxy   *proxy.Proxy
	Traffic *traffic.Traffic
	Syncer  *syncer.Syncer // nil = usage is not shared
	Clock   *window.Clock
	// TokenCounts counts the outcomes of each token's requests.
	TokenCounts server.TokenCounts

	opts     Options
	log      *slog.Logger
	store    *valkeystore.Store
	file     atomic.Pointer[config.File]
	tokens   atomic.Pointer[server.Tokens]
	patient  patient
	gone     atomic.Bool // a file that was read is missing
	saved    snapshots
	started  time.Time
	leaseTTL time.Duration
	draining atomic.Bool

	names                  atomic.Pointer[storeNames]
	keyFormat              string     // of the store
	mu                     sync.Mutex // reloads
	problem                atomic.Pointer[reloadProblem]
	reloads, failedReloads atomic.Int64
	loaded                 atomic.Pointer[time.Time]
	watched                []watchedFile
}

// New reads the configuration and returns a daemon. Before Run it starts nothing and
// opens no connection.
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
	d.leaseTTL = cmp.Or(cfg.LeaseTTL, defaultLeaseTTL)
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

// defaultLeaseTTL is the engine's, of a configuration without lease_ttl.
const defaultLeaseTTL = 15 * time.Minute

// leastKey is the least length of the key of ids, in bytes.
const leastKey = 32

// readKey returns the key in a file; nil if path is "".
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

// keep makes file the configuration in force.
func (d *Daemon) keep(file *config.File) {
	d.file.Store(file)
	d.API.SetModels(file.Engine.Deployments)
	d.Traffic.Apply(file.Engine.Deployments)
	now := time.Now()
	d.loaded.Store(&now)
}

// File returns the configuration in force.
func (d *Daemon) File() *config.File { return d.file.Load() }

// Example reports whether the daemon runs the built-in example.
func (d *Daemon) Example() bool { return d.opts.Config == "" && d.opts.Builtin == nil }

// Run runs the clock, the syncer and the periodic work until ctx ends, and then reports
// the last usage to the store. A signal on reload makes it read the files again, as a
// change of them does; nil = only changes do. The error is why the last usage was not
// reported.
func (d *Daemon) Run(ctx context.Context, reload <-chan os.Signal) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ticking, stop := context.WithCancel(context.WithoutCancel(ctx)) // the clock must run during the last exchange
	defer stop()
	wg.Go(func() { _ = d.Clock.Run(ticking) }) // fails only if the clock runs already
	wg.Go(func() { d.tend(ctx) })
	wg.Go(func() { d.poll(ctx.Done(), reload) })
	wg.Go(func() { d.saved.run(ctx.Done(), d.opts.SaveEvery) })
	d.saved.save() // reports a problem with the file at the start
	defer d.saved.save()
	if d.Syncer == nil {
		<-ctx.Done()
		return nil
	}
	err := d.Syncer.Run(ctx)
	d.store.Close()
	return err
}

// tend does the periodic work.
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

// Drain makes /readyz report that the daemon is no longer ready.
func (d *Daemon) Drain() { d.draining.Store(true) }

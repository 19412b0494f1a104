package serve

import (
	"cmp"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

const (
	defaultListen = "127.0.0.1:4141"
	maxBodyMiB    = 64
)

// flags are the flags of plimsoll serve.
type flags struct {
	config          string // file; "" = the built-in example
	profiles        config.Profiles
	sync            string // address of the store; "" = the file's
	syncMode        string // "" = the file's
	listen          []string
	adminListen     string // "" = operators' handlers on the listeners of --listen
	tokens          string // file
	snapshot        string // file; "" = none
	otlp            string // address of a collector; "" = OpenTelemetry's environment variables
	tlsCert, tlsKey string // files
	drain           time.Duration
	lameDuck        time.Duration
	budget          *server.Budget
	maxConnections  int // 0 = the server's default
	maxLeases       int // 0 = the API's default
	demo            bool
	maxBody         int // MiB; 0 = the proxy's default
	wait            time.Duration
	idKey           string // file; "" = keys of the deployments' credentials
	log             slog.Level
	events          *server.Events
}

// envPrefix begins the environment variable that can replace a flag. The flag's name
// follows in capitals, with _ for -.
const envPrefix = "PLIMSOLL_"

// variable returns the environment variable that can replace a flag.
func variable(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func defaults() flags {
	return flags{drain: 10 * time.Second, lameDuck: 5 * time.Second, budget: &server.Budget{PerToken: 2048}}
}

// complete sets flags that the arguments do not give from the environment, and returns a
// UsageError for flags that do not fit together.
func (f *flags) complete(set *pflag.FlagSet, args []string, getenv func(string) string) error {
	switch {
	case len(args) > 0 && strings.Contains(args[0], "://"): // there may be a password in it
		return usagef("unexpected argument; a store is given by --sync URL")
	case len(args) > 0:
		return usagef("unexpected argument %q; a configuration is given by --config FILE", args[0])
	}
	var err error
	set.VisitAll(func(fl *pflag.Flag) {
		name := variable(fl.Name)
		text := getenv(name)
		if fl.Changed || text == "" || err != nil {
			return
		}
		for part := range strings.SplitSeq(text, ",") {
			if fl.Name != "listen" {
				part = text
			}
			if e := fl.Value.Set(part); e != nil {
				err = usagef("environment variable %s: %w", name, e)
			}
			if fl.Name != "listen" {
				break
			}
		}
	})
	switch {
	case err != nil:
		return err
	case f.sync != "" && !strings.Contains(f.sync, "://"):
		return usagef("--sync names no server; give an address such as valkey://127.0.0.1:6379")
	case f.demo && f.config != "":
		return usagef("--demo has a configuration of its own; leave --config out")
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return usagef("--tls-cert and --tls-key go together; give both or neither")
	}
	if len(f.listen) == 0 {
		f.listen = []string{defaultListen}
	}
	return nil
}

// register adds the flags to a set.
func (f *flags) register(set *pflag.FlagSet) {
	cmdline.Func(set, "config", "FILE", "plimsoll's own format or a LiteLLM config.yaml, read again when it changes and on SIGHUP; a file that cannot be used changes nothing (default: a built-in example)", cmdline.ParseName(&f.config, "want the name of a file; leave --config out for the built-in example"))
	cmdline.Func(set, "profiles", "auto|plain", "how deployments without a profile of their own count: by the rule of their provider, or by UTC minutes (default: as the file says, plain if it does not)", cmdline.ParseProfiles(&f.profiles))
	cmdline.Func(set, "sync", "URL", "share usage with other nodes by a Valkey or Redis server, instead of the file's store: valkey://host:6379, or valkeys:// for TLS. Give a password by ?password_file=PATH or in PLIMSOLL_SYNC", func(s string) error {
		f.sync = cmp.Or(s, "none") // checked later: package flag would repeat an address, password and all
		return nil
	})
	cmdline.Func(set, "sync-mode", "usage|escrow|auto", "how nodes keep limits together, instead of the file's store.mode: by what was used, by reserving in the store first, so that limits hold over all nodes exactly, or as suits each limit (default auto; usage with LiteLLM's keys)", func(s string) error {
		f.syncMode = s
		_, err := syncer.ParseMode(s)
		return err
	})
	cmdline.Func(set, "listen", "ADDRESS", "host:port, or unix:/path for a socket of this user's; may come several times (default 127.0.0.1:4141). Sockets that systemd hands over take its place", func(s string) error {
		f.listen = append(f.listen, s)
		return server.CheckAddress(s)
	})
	cmdline.Func(set, "admin-listen", "ADDRESS", "separate address for the page, /metrics and /debug/pprof/", func(s string) error {
		f.adminListen = s
		return server.CheckAddress(s)
	})
	cmdline.Func(set, "tokens", "FILE", "tokens that clients need; 'plimsoll token' makes them. Required on addresses that other machines can reach", cmdline.ParseName(&f.tokens, "want the name of a file"))
	cmdline.Func(set, "snapshot", "FILE", "keeps the usage of daily limits across a restart: written every minute and at the end, read at the start", cmdline.ParseName(&f.snapshot, "want the name of a file"))
	cmdline.Func(set, "otlp", "URL", "send a span of each decision and call to an OpenTelemetry collector, by OTLP over HTTP: http://host:4318. OpenTelemetry's variables do as well: OTEL_EXPORTER_OTLP_ENDPOINT and _HEADERS, OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, …", func(s string) error {
		f.otlp = cmp.Or(s, "none") // checked later, as sync
		return nil
	})
	cmdline.Func(set, "tls-cert", "FILE", "certificate for TLS on TCP; Unix sockets stay plain. Read again when certificate and key have changed", cmdline.ParseName(&f.tlsCert, "want the name of a file"))
	cmdline.Func(set, "tls-key", "FILE", "key of that certificate", cmdline.ParseName(&f.tlsKey, "want the name of a file"))
	cmdline.Func(set, "drain", "TIME", "after --lame-duck: how long requests in flight may take to end (default 10s)", func(s string) (err error) {
		if f.drain, err = time.ParseDuration(s); err != nil || f.drain < time.Millisecond || f.drain > 10*time.Minute {
			return errors.New("want a time from 1ms to 10m")
		}
		return nil
	})
	cmdline.Func(set, "lame-duck", "TIME", "after SIGTERM: how long connections are still accepted while /readyz answers 503, so that balancers stop sending; 0s to 10m (default 5s). SIGINT and a second signal skip it",
		cmdline.ParseTime(&f.lameDuck, 0, 10*time.Minute, "a time from 0s to 10m"))
	cmdline.Func(set, "max-requests-per-token", "N", "requests of one token in flight (default 2048)", cmdline.ParseCount(&f.budget.PerToken, 1_000_000))
	cmdline.Func(set, "max-requests-per-address", "N", "requests of one client address, or one /64 of IPv6, in flight (default: no bound, because a balancer is one address)", cmdline.ParseCount(&f.budget.PerAddress, 1_000_000))
	cmdline.Func(set, "trusted-proxies", "NETWORKS", "networks such as 10.0.0.0/8,::1/128 whose X-Forwarded-For gives the client's address (default: none)", func(s string) (err error) {
		f.budget.Trusted, err = server.ParseNetworks(s)
		return err
	})
	cmdline.Func(set, "max-connections", "N", "open connections; a new one closes the longest idle one (default 4096)", cmdline.ParseCount(&f.maxConnections, 1_000_000))
	cmdline.Func(set, "max-leases", "N", "leases held at once (default 1000000)", cmdline.ParseCount(&f.maxLeases, 100_000_000))
	cmdline.Bool(set, "demo", "serve accounts of a fake provider that runs in this process, with traffic of its own: the page and the proxy can be tried without a key", &f.demo)
	cmdline.Func(set, "max-body", "MiB", "size of the largest body that the proxy accepts, in MiB, at most 64 (default 8)", func(s string) error {
		var err error
		if f.maxBody, err = strconv.Atoi(strings.TrimSuffix(s, "MiB")); err != nil || f.maxBody < 1 || f.maxBody > maxBodyMiB {
			return errors.New("want a whole number of MiB from 1 to 64")
		}
		return nil
	})
	cmdline.Func(set, "wait", "TIME", "how long a proxied call waits for headroom unless its header X-Plimsoll-Wait gives a time; at most 1m (default 0s: it is refused at once)", func(s string) (err error) {
		if f.wait, err = time.ParseDuration(s); err != nil || f.wait < 0 || f.wait > time.Minute {
			return errors.New("want a time from 0s to 1m")
		}
		return nil
	})
	cmdline.Func(set, "id-key", "FILE", "a secret of 32 bytes or more that authenticates the ids of responses; the same on all nodes (default: keys derived from the deployments' credentials)", cmdline.ParseName(&f.idKey, "want the name of a file"))
	cmdline.Func(set, "log", "LEVEL", "debug, info, warn or error (default info); debug has a line for every request", func(s string) error {
		if err := f.log.UnmarshalText([]byte(s)); err != nil {
			return errors.New("want debug, info, warn or error")
		}
		return nil
	})
}

func usagef(format string, args ...any) error {
	return cmdline.Usagef("serve", format, args...)
}

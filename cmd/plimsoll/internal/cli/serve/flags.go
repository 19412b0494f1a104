package serve

import (
	"cmp"
	"errors"
	"flag"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

const defaultListen = "127.0.0.1:4141"

// flags are the flags of plimsoll serve.
type flags struct {
	config          string // file; "" = the built-in example
	profiles        config.Profiles
	sync            string // address of the store; "" = the file's
	listen          []string
	adminListen     string // "" = with everything else
	tokens          string // file
	snapshot        string // file; "" = none
	otlp            string // address of a collector; "" = OpenTelemetry's environment variables
	tlsCert, tlsKey string // files
	drain           time.Duration
	maxConnections  int // 0 = the server's default
	maxLeases       int // 0 = the API's default
	log             slog.Level
}

// envPrefix are the flags that environment variables stand in for: PLIMSOLL_ and
// the flag's name in capitals, with _ for -.
const envPrefix = "PLIMSOLL_"

// parseFlags reads the arguments after "serve"; what they leave open, the
// environment may say.
func parseFlags(args []string, getenv func(string) string) (flags, error) {
	f := flags{drain: 10 * time.Second}
	set := f.flagSet()
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return f, err
	case err != nil:
		return f, usagef("%s", cmdline.FlagMessage(err, set))
	case set.NArg() > 0 && strings.Contains(set.Arg(0), "://"): // there may be a password in it
		return f, usagef("unexpected argument; a store is given by --sync URL")
	case set.NArg() > 0:
		return f, usagef("unexpected argument %q; a configuration is given by --config FILE", set.Arg(0))
	}
	given := map[string]bool{}
	set.Visit(func(fl *flag.Flag) { given[fl.Name] = true })
	set.VisitAll(func(fl *flag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_"))
		text := getenv(name)
		if given[fl.Name] || text == "" || err != nil {
			return
		}
		for part := range strings.SplitSeq(text, ",") {
			if fl.Name != "listen" {
				part = text
			}
			if e := set.Set(fl.Name, part); e != nil {
				err = usagef("environment variable %s: %w", name, e)
			}
			if fl.Name != "listen" {
				break
			}
		}
	})
	switch {
	case err != nil:
		return f, err
	case f.sync != "" && !strings.Contains(f.sync, "://"):
		return f, usagef("--sync names no server; give an address such as valkey://127.0.0.1:6379")
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return f, usagef("--tls-cert and --tls-key go together; give both or neither")
	}
	if len(f.listen) == 0 {
		f.listen = []string{defaultListen}
	}
	return f, nil
}

func (f *flags) flagSet() *flag.FlagSet {
	set := flag.NewFlagSet("serve", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Func("config", "", cmdline.ParseName(&f.config, "want the name of a file; leave --config out for the built-in example"))
	set.Func("profiles", "", cmdline.ParseProfiles(&f.profiles))
	set.Func("sync", "", func(s string) error {
		f.sync = cmp.Or(s, "none") // checked later: package flag would repeat an address, password and all
		return nil
	})
	set.Func("listen", "", func(s string) error {
		f.listen = append(f.listen, s)
		return server.CheckAddress(s)
	})
	set.Func("admin-listen", "", func(s string) error {
		f.adminListen = s
		return server.CheckAddress(s)
	})
	set.Func("tokens", "", cmdline.ParseName(&f.tokens, "want the name of a file"))
	set.Func("snapshot", "", cmdline.ParseName(&f.snapshot, "want the name of a file"))
	set.Func("otlp", "", func(s string) error {
		f.otlp = cmp.Or(s, "none") // checked later, as sync
		return nil
	})
	set.Func("tls-cert", "", cmdline.ParseName(&f.tlsCert, "want the name of a file"))
	set.Func("tls-key", "", cmdline.ParseName(&f.tlsKey, "want the name of a file"))
	set.Func("drain", "", func(s string) (err error) {
		if f.drain, err = time.ParseDuration(s); err != nil || f.drain < time.Millisecond || f.drain > 10*time.Minute {
			return errors.New("want a time from 1ms to 10m")
		}
		return nil
	})
	set.Func("max-connections", "", cmdline.ParseCount(&f.maxConnections, 1_000_000))
	set.Func("max-leases", "", cmdline.ParseCount(&f.maxLeases, 100_000_000))
	set.Func("log", "", func(s string) error {
		if err := f.log.UnmarshalText([]byte(s)); err != nil {
			return errors.New("want debug, info, warn or error")
		}
		return nil
	})
	return set
}

func usagef(format string, args ...any) error {
	return cmdline.Usagef("serve", format, args...)
}

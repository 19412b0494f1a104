package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

const defaultListen = "127.0.0.1:4141"

// serveFlags are the flags of plimsoll serve.
type serveFlags struct {
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

// serveEnv are the flags that environment variables stand in for: PLIMSOLL_ and
// the flag's name in capitals, with _ for -.
const serveEnv = "PLIMSOLL_"

// parseServeFlags reads the arguments after "serve"; what they leave open, the
// environment may say.
func parseServeFlags(args []string, getenv func(string) string) (serveFlags, error) {
	f := serveFlags{drain: 10 * time.Second}
	set := f.flagSet()
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return f, err
	case err != nil:
		return f, serveUsage("%s", flagMessage(err, set))
	case set.NArg() > 0 && strings.Contains(set.Arg(0), "://"): // there may be a password in it
		return f, serveUsage("unexpected argument; a store is given by --sync URL")
	case set.NArg() > 0:
		return f, serveUsage("unexpected argument %q; a configuration is given by --config FILE", set.Arg(0))
	}
	given := map[string]bool{}
	set.Visit(func(fl *flag.Flag) { given[fl.Name] = true })
	set.VisitAll(func(fl *flag.Flag) {
		name := serveEnv + strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_"))
		text := getenv(name)
		if given[fl.Name] || text == "" || err != nil {
			return
		}
		for part := range strings.SplitSeq(text, ",") {
			if fl.Name != "listen" {
				part = text
			}
			if e := set.Set(fl.Name, part); e != nil {
				err = serveUsage("environment variable %s: %w", name, e)
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
		return f, serveUsage("--sync names no server; give an address such as valkey://127.0.0.1:6379")
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return f, serveUsage("--tls-cert and --tls-key go together; give both or neither")
	}
	if len(f.listen) == 0 {
		f.listen = []string{defaultListen}
	}
	return f, nil
}

func (f *serveFlags) flagSet() *flag.FlagSet {
	set := flag.NewFlagSet("serve", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Func("config", "", parseName(&f.config, "want the name of a file; leave --config out for the built-in example"))
	set.Func("profiles", "", parseProfiles(&f.profiles))
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
	set.Func("tokens", "", parseName(&f.tokens, "want the name of a file"))
	set.Func("snapshot", "", parseName(&f.snapshot, "want the name of a file"))
	set.Func("otlp", "", func(s string) error {
		f.otlp = cmp.Or(s, "none") // checked later, as sync
		return nil
	})
	set.Func("tls-cert", "", parseName(&f.tlsCert, "want the name of a file"))
	set.Func("tls-key", "", parseName(&f.tlsKey, "want the name of a file"))
	set.Func("drain", "", func(s string) (err error) {
		if f.drain, err = time.ParseDuration(s); err != nil || f.drain < time.Millisecond || f.drain > 10*time.Minute {
			return errors.New("want a time from 1ms to 10m")
		}
		return nil
	})
	set.Func("max-connections", "", parseCount(&f.maxConnections, 1_000_000))
	set.Func("max-leases", "", parseCount(&f.maxLeases, 100_000_000))
	set.Func("log", "", func(s string) error {
		if err := f.log.UnmarshalText([]byte(s)); err != nil {
			return errors.New("want debug, info, warn or error")
		}
		return nil
	})
	return set
}

func parseCount(to *int, most int) func(string) error {
	return func(s string) (err error) {
		if *to, err = strconv.Atoi(s); err != nil || *to < 1 || *to > most {
			return fmt.Errorf("want a whole number from 1 to %d", most)
		}
		return nil
	}
}

func serveUsage(format string, args ...any) error {
	return &usageError{command: "serve", err: fmt.Errorf("serve: "+format, args...)}
}

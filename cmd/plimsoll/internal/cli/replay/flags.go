package replay

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

const (
	syncMem         = "mem"
	defaultInterval = 100 * time.Millisecond
	minInterval     = 10 * time.Millisecond
	maxInterval     = time.Second
	defaultFor      = 3 * time.Minute
)

// flags are the flags of plimsoll replay.
type flags struct {
	trace         string // file; "" = generated traffic
	pool          string // name of a built-in one
	config        string // file; "" = the built-in pool
	group         string // of config; "" = the only one
	profiles      config.Profiles
	load          float64
	policy        string // name
	compare       bool
	strategy      *engine.Strategy // nil = not given
	seed          uint64
	json          bool
	rule          *provider.Kind // nil = not given
	kindOfTraffic string         // generated; "" = mixed
	nodes         int
	sync          string        // what they share; "" = not given
	interval      time.Duration // between a node's exchanges; 0 = not given
	length        time.Duration // of a replay in real time; 0 = not given
}

// live reports whether nodes share usage by a real server, in real time.
func (f *flags) live() bool { return f.sync != "" && f.sync != syncMem }

// parseFlags reads the arguments after "replay". It returns
// [flag.ErrHelp] if they ask for help, a UsageError if they make no sense.
func parseFlags(args []string) (flags, error) {
	f := flags{load: 0.95, seed: 1, nodes: 1}
	set := f.flagSet()
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return f, err
	case err != nil:
		return f, usagef("%s", cmdline.FlagMessage(err, set))
	case set.NArg() > 0 && strings.Contains(set.Arg(0), "://"): // there may be a password in it
		return f, usagef("unexpected argument; a server is given by --sync URL")
	case set.NArg() > 0:
		return f, usagef("unexpected argument %q; a trace is given by --trace FILE", set.Arg(0))
	case f.config != "" && f.pool != "":
		return f, usagef("--config and --pool both say what to send calls to; leave one out")
	case f.config == "" && f.group != "":
		return f, usagef("--group is one of a configuration's; give it by --config FILE")
	case f.config == "" && f.profiles != config.ProfilesUnset:
		return f, usagef("--profiles is about the deployments of a configuration; give it by --config FILE")
	case f.compare && f.policy != "":
		return f, usagef("--compare runs every policy; leave --policy out")
	case f.strategy != nil && f.policy != "" && f.policy != replay.EngineName:
		return f, usagef("--strategy is the engine's; leave it out with --policy %s", f.policy)
	case f.live() && !strings.Contains(f.sync, "://"):
		return f, usagef("--sync names no store; use mem, or the address of a server such as valkey://127.0.0.1:6379")
	case f.live() && f.rule != nil:
		return f, usagef("--rule is of simulated providers; with --sync URL they take every call")
	case f.trace != "" && f.kindOfTraffic != "":
		return f, usagef("--trace and --traffic both say what calls there are; leave one out")
	case f.policy == replay.ClairvoyantName && (f.rule == nil || !f.rule.Enforces):
		return f, usagef("--policy %s foresees what providers refuse; say by which rule they do, by --rule NAME", f.policy)
	case f.policy == replay.ClairvoyantName && f.nodes > 1:
		return f, usagef("policy %s is one of its own; leave --nodes out", f.policy)
	case f.length != 0 && !f.live():
		return f, usagef("--for is of a replay in real time; give a server by --sync URL")
	case f.nodes == 1 && (f.sync != "" || f.interval != 0):
		return f, usagef("--sync and --interval are of several nodes; give their number by --nodes N")
	case f.nodes > 1 && f.policy != "" && !slices.Contains(replay.NodePolicyNames(), f.policy):
		return f, usagef("policy %s shares nothing between nodes; with --nodes use one of %s", f.policy, strings.Join(replay.NodePolicyNames(), ", "))
	}
	f.interval = cmp.Or(f.interval, defaultInterval)
	f.length = cmp.Or(f.length, defaultFor)
	f.policy = cmp.Or(f.policy, replay.EngineName)
	f.pool = cmp.Or(f.pool, provider.PoolNames[0])
	return f, nil
}

// flagSet returns flags that write to f.
func (f *flags) flagSet() *flag.FlagSet {
	set := flag.NewFlagSet("replay", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Func("trace", "", cmdline.ParseName(&f.trace, "want the name of a file; leave --trace out for generated traffic"))
	set.Func("config", "", cmdline.ParseName(&f.config, "want the name of a file; leave --config out for a built-in pool"))
	set.Func("group", "", cmdline.ParseName(&f.group, "want the name of a group; leave --group out where there is only one"))
	set.Func("profiles", "", cmdline.ParseProfiles(&f.profiles))
	set.Func("pool", "", func(s string) (err error) {
		_, err = provider.Pool(s)
		f.pool = s
		return err
	})
	set.Func("rule", "", func(s string) error {
		k, err := provider.KindNamed(s)
		f.rule = &k
		return err
	})
	set.Func("traffic", "", func(s string) error {
		f.kindOfTraffic = s
		_, err := workloads(s)
		return err
	})
	set.Func("load", "", func(s string) (err error) {
		f.load, err = parseLoad(s)
		return err
	})
	set.Func("policy", "", func(s string) (err error) {
		if f.policy = s; s != replay.ClairvoyantName {
			_, err = replay.PolicyNamed(s, nil)
		}
		return err
	})
	set.BoolFunc("compare", "", cmdline.ParseBool(&f.compare))
	set.Func("strategy", "", func(s string) error {
		strategy, err := engine.ParseStrategy(s)
		f.strategy = &strategy
		return err
	})
	set.Func("seed", "", func(s string) (err error) {
		if f.seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			return errors.New("want a whole number from 0 to 18446744073709551615")
		}
		return nil
	})
	set.BoolFunc("json", "", cmdline.ParseBool(&f.json))
	set.Func("nodes", "", func(s string) (err error) {
		if f.nodes, err = strconv.Atoi(s); err != nil || f.nodes < 1 || f.nodes > replay.MaxNodes {
			return fmt.Errorf("want a whole number from 1 to %d", replay.MaxNodes)
		}
		return nil
	})
	set.Func("sync", "", func(s string) error {
		f.sync = cmp.Or(s, "none") // checked later: package flag would repeat an address, password and all
		return nil
	})
	set.Func("for", "", func(s string) (err error) {
		if f.length, err = time.ParseDuration(s); err != nil || f.length < replay.MinLive || f.length > replay.MaxLive {
			return fmt.Errorf("want a time from %v to %v", replay.MinLive, replay.MaxLive)
		}
		return nil
	})
	set.Func("interval", "", func(s string) (err error) {
		if f.interval, err = time.ParseDuration(s); err != nil || f.interval < minInterval || f.interval > maxInterval {
			return fmt.Errorf("want a time from %v to %v", minInterval, maxInterval)
		}
		return nil
	})
	return set
}

func parseLoad(s string) (float64, error) {
	load, err := strconv.ParseFloat(s, 64)
	if err != nil || !replay.ValidLoad(load) {
		return 0, fmt.Errorf("want a number from %v to %v", replay.MinLoad, replay.MaxLoad)
	}
	return load, nil
}

func usagef(format string, args ...any) error {
	return cmdline.Usagef("replay", format, args...)
}

package replay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
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
	scenario      string        // "" = not given
	modes         []syncer.Mode // of a scenario; none = not given
	loadGiven     bool
	target        string // address of a daemon
	speed         float64
	speedGiven    bool
}

// live reports whether nodes share usage by a real server, in real time.
func (f *flags) live() bool { return f.sync != "" && f.sync != syncMem }

// complete returns a UsageError for flags that do not fit together, and fills in what the
// arguments left open.
func (f *flags) complete(args []string) error {
	switch {
	case len(args) > 0 && strings.Contains(args[0], "://"): // there may be a password in it
		return usagef("unexpected argument; a server is given by --sync URL")
	case len(args) > 0:
		return usagef("unexpected argument %q; a trace is given by --trace FILE", args[0])
	case f.speedGiven:
		return usagef("--speed applies to a replay against a daemon only; give one by --target URL")
	case f.config != "" && f.pool != "":
		return usagef("--config and --pool both say what to send calls to; leave one out")
	case f.config == "" && f.group != "":
		return usagef("--group applies to a configuration only; give one by --config FILE")
	case f.config == "" && f.profiles != config.ProfilesUnset:
		return usagef("--profiles applies to a configuration only; give one by --config FILE")
	case f.compare && f.policy != "":
		return usagef("--compare runs every policy; leave --policy out")
	case f.strategy != nil && f.policy != "" && f.policy != replay.EngineName:
		return usagef("--strategy is the engine's; leave it out with --policy %s", f.policy)
	case f.live() && !strings.Contains(f.sync, "://"):
		return usagef("--sync names no store; use mem, or the address of a server such as valkey://127.0.0.1:6379")
	case f.live() && f.rule != nil:
		return usagef("--rule applies to simulated providers only; with --sync URL they take every call")
	case f.trace != "" && f.kindOfTraffic != "":
		return usagef("--trace and --traffic both say what calls there are; leave one out")
	case f.policy == replay.ClairvoyantName && (f.rule == nil || !f.rule.Enforces):
		return usagef("--policy %s foresees what providers refuse; say by which rule they do, by --rule NAME", f.policy)
	case f.policy == replay.ClairvoyantName && f.nodes > 1:
		return usagef("policy %s is one of its own; leave --nodes out", f.policy)
	case f.scenario != "" && (!f.live() || f.nodes < 2):
		return usagef("--scenario is played by several nodes that share a server; give their number by --nodes N and the server by --sync URL")
	case f.scenario != "" && (f.trace != "" || f.kindOfTraffic != "" || f.config != "" || f.pool != "" || f.compare || f.policy != "" || f.strategy != nil):
		return usagef("--scenario has calls, limits and rules of its own; with it leave --trace, --traffic, --config, --pool, --policy, --strategy and --compare out")
	case f.modes != nil && f.scenario == "":
		return usagef("--mode applies to a scenario only; give one by --scenario NAME")
	case f.scenario != "" && f.length%time.Minute != 0:
		return usagef("--scenario plays whole minutes; give them by --for, such as 2m")
	case f.length != 0 && !f.live():
		return usagef("--for applies to a replay in real time only; give a server by --sync URL")
	case f.nodes == 1 && (f.sync != "" || f.interval != 0):
		return usagef("--sync and --interval apply to several nodes only; give their number by --nodes N")
	case f.nodes > 1 && f.policy != "" && !slices.Contains(replay.NodePolicyNames(), f.policy):
		return usagef("policy %s shares nothing between nodes; with --nodes use one of %s", f.policy, strings.Join(replay.NodePolicyNames(), ", "))
	}
	f.interval = cmp.Or(f.interval, defaultInterval)
	if f.scenario != "" {
		f.length = cmp.Or(f.length, scenarioFor)
	}
	f.length = cmp.Or(f.length, defaultFor)
	f.policy = cmp.Or(f.policy, replay.EngineName)
	f.pool = cmp.Or(f.pool, provider.PoolNames[0])
	return nil
}

// register adds flags that write to f.
func (f *flags) register(set *pflag.FlagSet) {
	cmdline.Func(set, "trace", "FILE", "CSV with the header arrival_ms,input_tokens,output_tokens (default: an hour of generated traffic)", cmdline.ParseName(&f.trace, "want the name of a file; leave --trace out for generated traffic"))
	cmdline.Func(set, "config", "FILE", "deployments of a configuration instead: plimsoll's own format or LiteLLM's, as 'plimsoll check' reads it", cmdline.ParseName(&f.config, "want the name of a file; leave --config out for a built-in pool"))
	cmdline.Func(set, "group", "NAME", "one of its groups, or an alias (default: all of them)", cmdline.ParseName(&f.group, "want the name of a group; leave --group out where there is only one"))
	cmdline.Func(set, "profiles", "auto|plain", "how the engine counts for its deployments without a profile of their own: by the rule of their provider, or by UTC minutes (default: as the file says, plain if it does not). Simulated providers count by --rule, whatever it says", cmdline.ParseProfiles(&f.profiles))
	cmdline.Func(set, "pool", "NAME", "ten deployments, standard: 30k to 300k TPM and 6 RPM per 1k TPM; rpm-bound: every second one has a tenth of the RPM (default standard)", func(s string) (err error) {
		_, err = provider.Pool(s)
		f.pool = s
		return err
	})
	cmdline.Func(set, "rule", "NAME", "how providers count: fixed, fixed-unknown, bucket, azure10, azure1, sliding or softcap; see below (default: as fixed)", func(s string) error {
		k, err := provider.KindNamed(s)
		f.rule = &k
		return err
	})
	cmdline.Func(set, "traffic", "NAME", "what is generated: mixed (chat and code), chat, code, long (documents) or reason (long answers) (default mixed)", func(s string) error {
		f.kindOfTraffic = s
		_, err := workloads(s)
		return err
	})
	cmdline.Func(set, "load", "F", "warp the trace in time until its tokens are F of the pool's token limits, 0.001 to 1000 (default 0.95)", func(s string) (err error) {
		f.load, err = parseLoad(s)
		f.loadGiven = true
		return err
	})
	cmdline.Func(set, "policy", "NAME", "engine, litellm, litellm+cooldown, round-robin, random or least-in-flight; with --rule also clairvoyant (default engine)", func(s string) (err error) {
		if f.policy = s; s != replay.ClairvoyantName {
			_, err = replay.PolicyNamed(s, nil)
		}
		return err
	})
	cmdline.Bool(set, "compare", "run every policy on the same traffic, side by side", &f.compare)
	cmdline.Func(set, "strategy", "NAME", "the engine's: "+engine.StrategyNames()+" (weights are TPMs, or the configuration's) (default the configuration's, or "+engine.Strategy(0).String()+")", func(s string) error {
		strategy, err := engine.ParseStrategy(s)
		f.strategy = &strategy
		return err
	})
	cmdline.Func(set, "seed", "N", "of everything random, 0 to 18446744073709551615 (default 1)", func(s string) (err error) {
		if f.seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			return errors.New("want a whole number from 0 to 18446744073709551615")
		}
		return nil
	})
	cmdline.Bool(set, "json", "print JSON instead of a table", &f.json)
	cmdline.Func(set, "nodes", "N", "nodes that share the pool, 1 to 1000; each attempt goes to one of them at random (default 1)", func(s string) (err error) {
		if f.nodes, err = strconv.Atoi(s); err != nil || f.nodes < 1 || f.nodes > replay.MaxNodes {
			return fmt.Errorf("want a whole number from 1 to %d", replay.MaxNodes)
		}
		return nil
	})
	cmdline.Func(set, "sync", "mem|URL", "how nodes share usage: a store in memory, in virtual time; or a Valkey or Redis server, in real time (valkey://host:port, valkeys:// for TLS, ?password_file=…; default mem)", func(s string) error {
		f.sync = cmp.Or(s, "none") // checked later: package pflag would repeat an address, password and all
		return nil
	})
	cmdline.Func(set, "for", "D", "with --sync URL: how long, 1s to 24h (default 3m); less if the trace ends or you interrupt it, which has a result too", func(s string) (err error) {
		if f.length, err = time.ParseDuration(s); err != nil || f.length < replay.MinLive || f.length > replay.MaxLive {
			return fmt.Errorf("want a time from %v to %v", replay.MinLive, replay.MaxLive)
		}
		return nil
	})
	cmdline.Func(set, "interval", "D", "between two exchanges of a node, 10ms to 1s, give or take a tenth; an exchange takes 1 to 5 ms (default 100ms)", func(s string) (err error) {
		if f.interval, err = time.ParseDuration(s); err != nil || f.interval < minInterval || f.interval > maxInterval {
			return fmt.Errorf("want a time from %v to %v", minInterval, maxInterval)
		}
		return nil
	})
	cmdline.Func(set, "scenario", "NAME", "with --sync URL: offer more than some limits allow, by --load times, and compare what is admitted with LiteLLM's rule: "+strings.Join(replay.ScenarioNames, ", ")+"; see below", func(s string) error {
		if f.scenario = s; !slices.Contains(replay.ScenarioNames, s) {
			return fmt.Errorf("want %s", strings.Join(replay.ScenarioNames, ", "))
		}
		return nil
	})
	cmdline.Func(set, "mode", "usage|escrow|auto", "of a scenario: how nodes hold limits together, may come several times (default usage and escrow, side by side)", func(s string) error {
		m, err := syncer.ParseMode(s)
		if err == nil && !slices.Contains(f.modes, m) {
			f.modes = append(f.modes, m)
		}
		return err
	})
	f.registerTarget(set)
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

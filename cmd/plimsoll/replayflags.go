package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/engine"
)

const replayHelp = `Usage: plimsoll replay [flags]

Runs a trace of LLM traffic through the engine in virtual time, against ten
simulated deployments that enforce their own limits per UTC minute, and reports
what was served, what was refused and by whom. The same flags give the same
result on every run, but for the time it took.

Flags:
  --trace FILE     CSV with the header arrival_ms,input_tokens,output_tokens
                   (default: an hour of generated traffic, chat and code mixed)
  --pool NAME      standard: 30k to 300k TPM and 6 RPM per 1k TPM;
                   rpm-bound: every second deployment has a tenth of the RPM
                   (default standard)
  --load F         warp the trace in time until its tokens are F of the pool's
                   token limits, 0.001 to 1000 (default 0.95)
  --strategy NAME  least-utilized, lowest-tpm, power-of-two or weighted (by TPM)
                   (default least-utilized)
  --seed N         of everything random, 0 to 18446744073709551615 (default 1)
  --json           print JSON instead of a table

A call that the provider refuses (429) is tried once more, on another
deployment. The JSON has these keys, and the table shows the same:
  offered           calls: served + refused_local + refused_provider
  refused_local     found no room in the engine and reached no provider
  refused_provider  refused by a provider, and not saved by the second try
  provider_429      attempts that providers refused
  tokens_served, tokens_offered
                    input and output tokens of the calls served, and of all
  quota_tokens      the pool's TPM limits times the minutes the trace has begun
  wall_ms, decisions_per_s
                    real time, and attempts the engine decided on in a second
and for each of its deployments, beside id, rpm_limit and tpm_limit:
  served, tokens    calls, and their input and output tokens
  peak_rpm          most requests the engine admitted in one UTC minute
  peak_reserved_tpm highest usage of one UTC minute right after an admission:
                    reservations, and the true cost of calls that had ended
  peak_ended_tpm    most input tokens admitted in one UTC minute plus output
                    tokens of calls that ended in it; answers may be longer than
                    expected, so it may pass the limit
`

// replayFlags are the flags of plimsoll replay.
type replayFlags struct {
	trace    string // file; "" = generated traffic
	pool     string
	load     float64
	strategy engine.Strategy
	seed     uint64
	json     bool
}

// parseReplayFlags reads the arguments after "replay". It returns
// [flag.ErrHelp] if they ask for help, a usageError if they make no sense.
func parseReplayFlags(args []string) (replayFlags, error) {
	f := replayFlags{pool: "standard", load: 0.95, seed: 1}
	set := flag.NewFlagSet("replay", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Func("trace", "", func(s string) error {
		if f.trace = s; s == "" {
			return errors.New("want the name of a file; leave --trace out for generated traffic")
		}
		return nil
	})
	set.BoolFunc("json", "", func(s string) (err error) {
		if f.json, err = strconv.ParseBool(s); err != nil {
			return errors.New("want true or false")
		}
		return nil
	})
	set.Func("pool", "", func(s string) (err error) {
		_, err = provider.Pool(s)
		f.pool = s
		return err
	})
	set.Func("load", "", func(s string) (err error) {
		f.load, err = parseLoad(s)
		return err
	})
	set.Func("strategy", "", func(s string) (err error) {
		f.strategy, err = engine.ParseStrategy(s)
		return err
	})
	set.Func("seed", "", func(s string) (err error) {
		if f.seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			return errors.New("want a whole number from 0 to 18446744073709551615")
		}
		return nil
	})
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return f, err
	case err != nil:
		return f, replayUsage("%s", flagMessage(err, set))
	case set.NArg() > 0:
		return f, replayUsage("unexpected argument %q; a trace is given by --trace FILE", set.Arg(0))
	}
	return f, nil
}

func parseLoad(s string) (float64, error) {
	load, err := strconv.ParseFloat(s, 64)
	if err != nil || !replay.ValidLoad(load) {
		return 0, fmt.Errorf("want a number from %v to %v", replay.MinLoad, replay.MaxLoad)
	}
	return load, nil
}

func replayUsage(format string, args ...any) error {
	return &usageError{command: "replay", err: fmt.Errorf("replay: "+format, args...)}
}

// flagMessage puts what package flag says into this command's words: flags have
// two dashes, as in the help, and an unknown one is answered with those there are.
func flagMessage(err error, set *flag.FlagSet) string {
	if name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); unknown {
		var names []string
		set.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
		return fmt.Sprintf("unknown flag --%s; use one of %s", name, strings.Join(names, ", "))
	}
	return strings.NewReplacer("flag -", "flag --", "argument: -", "argument: --", "\" for -", "\" for flag --").Replace(err.Error())
}

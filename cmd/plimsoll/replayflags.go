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

Columns of the table, all per UTC minute:
  used          tokens served, as a share of the TPM limit over the trace
  RPM peak      most requests the engine admitted
  TPM reserved  highest usage right after an admission: reservations, and the
                true cost of calls that had ended
  TPM ended     most input tokens admitted plus output tokens of calls that
                ended; answers may be longer than expected, so it may pass the
                limit
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
	set.StringVar(&f.trace, "trace", "", "")
	set.BoolVar(&f.json, "json", false, "")
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
		return f, replayUsage("%s", twoDashes(err.Error()))
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

// twoDashes writes flags in messages of package flag the way the help does.
func twoDashes(message string) string {
	return strings.NewReplacer("flag -", "flag --", "not defined: -", "not defined: --", "an argument: -", "an argument: --").Replace(message)
}

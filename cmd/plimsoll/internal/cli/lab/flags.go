package lab

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
	engineprovider "github.com/plimsoll-dev/plimsoll/engine/provider"
)

const mostSeeds = 100

// flags are the flags of plimsoll lab.
type flags struct {
	quick, gate     bool
	whole           bool
	traces          string // a folder; "" = generated traffic alone
	worlds, traffic []string
	seeds           int // 0 = as the plan has
	resume          string
	known           string // a file with a table of goals; "" = every goal is to be met
	csv, json, html string
	markdown        []string

	log                            string // "" = the worlds
	model, config, group, operator string // of the log
	provider                       string
}

// complete returns a UsageError for flags that do not fit together.
func (f *flags) complete(args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q; traffic is given by --traces FOLDER", args[0])
	}
	if f.known != "" && !f.gate {
		return usagef("--known says which goals --gate leaves out; give --gate too")
	}
	if f.log == "" {
		for _, of := range [][2]string{{"model", f.model}, {"config", f.config}, {"group", f.group}, {"operator", f.operator}, {"provider", f.provider}} {
			if of[1] != "" {
				return usagef("--%s applies to a log only; give one by --from-log FILE", of[0])
			}
		}
		return nil
	}
	if f.quick || f.whole || f.gate || f.traces != "" || len(f.worlds) > 0 || len(f.traffic) > 0 || f.seeds > 0 || f.resume != "" || f.csv != "" || f.html != "" || len(f.markdown) > 0 {
		return usagef("--from-log plays the log's own traffic; of the other flags it takes --model, --config, --group, --operator, --provider and --json")
	}
	if f.group != "" && f.config == "" {
		return usagef("--group applies to a configuration only; give one by --config FILE")
	}
	return nil
}

// register adds flags that write to f.
func (f *flags) register(set *pflag.FlagSet) {
	cmdline.Bool(set, "quick", "short generated traffic and one seed: less than a minute on two cores", &f.quick)
	cmdline.Bool(set, "whole", "play every combination of the full set, instead of those that its design chooses", &f.whole)
	cmdline.Bool(set, "gate", "end with status 1 where a goal is missed", &f.gate)
	cmdline.Func(set, "known", "FILE", "with --gate: goals that the table in this file, such as docs/QUALITY.md, records as missed may be missed", cmdline.ParseName(&f.known, "want the name of a file"))
	cmdline.Func(set, "traces", "FOLDER", "play the traffic of its .csv files too (default: generated traffic alone)", cmdline.ParseName(&f.traces, "want the name of a folder"))
	cmdline.Func(set, "world", "NAME", "play this world only; may be repeated (default all)", func(s string) error {
		_, err := lab.WorldNamed(s)
		f.worlds = append(f.worlds, s)
		return err
	})
	cmdline.Func(set, "traffic", "NAME", "play this traffic only: chat, code, long, reason, crowd, agents, or a file of --traces without .csv; may be repeated (default all)", func(s string) error {
		f.traffic = append(f.traffic, s)
		return nil
	})
	cmdline.Func(set, "seeds", "N", "seeds of network, counts and failures, 1 to 100 (default 5; 1 with --quick)", cmdline.ParseCount(&f.seeds, mostSeeds))
	cmdline.Func(set, "resume", "FILE", "keep finished runs in this file, and take those that are there already", cmdline.ParseName(&f.resume, "want the name of a file"))
	cmdline.Func(set, "csv", "FILE", "write a line for every run", cmdline.ParseName(&f.csv, "want the name of a file"))
	cmdline.Func(set, "json", "FILE", "write rows and goals as JSON", cmdline.ParseName(&f.json, "want the name of a file"))
	cmdline.Func(set, "html", "FILE", "write a page with tables and charts, which needs nothing beside itself", cmdline.ParseName(&f.html, "want the name of a file"))
	cmdline.Func(set, "from-log", "FILE", "play the traffic of a log instead: LiteLLM's spend logs (JSON, CSV), OpenTelemetry's GenAI spans (OTLP JSON), a trace, or the generic format; see below", cmdline.ParseName(&f.log, "want the name of a file"))
	cmdline.Func(set, "model", "NAME", "of the log (default the one with the most calls)", cmdline.ParseName(&f.model, "want the name of a model"))
	cmdline.Func(set, "config", "FILE", "with --from-log: the deployments and their limits, in plimsoll's own format or LiteLLM's (default: those of the log, with the most that each served in a minute)", cmdline.ParseName(&f.config, "want the name of a file"))
	cmdline.Func(set, "group", "NAME", "of the configuration (default the model's name)", cmdline.ParseName(&f.group, "want the name of a group"))
	cmdline.Func(set, "provider", "NAME", "with --from-log: whose rule limits follow (default the configuration's, or openai)", func(s string) error {
		name, ok := engineprovider.Canonical(s)
		if !ok {
			return fmt.Errorf("unknown provider; use one of %s", strings.Join(engineprovider.Names(), ", "))
		}
		f.provider = name
		return nil
	})
	cmdline.Func(set, "operator", "POLICY", "with --from-log: the policy that made the log, such as litellm+cooldown or round-robin (default simple-shuffle+cooldown)", func(s string) error {
		_, err := lab.PolicyNamed(s)
		f.operator = s
		return err
	})
	cmdline.Func(set, "markdown", "FILE", "replace the tables of this Markdown file, between <!-- lab:goals --> and <!-- /lab:goals -->, and the same for plan, overall, ours, without, policies and below; without --quick those of lab:full:goals and so on; may be repeated", func(s string) error {
		f.markdown = append(f.markdown, s)
		return nil
	})
}

func usagef(format string, args ...any) error { return cmdline.Usagef("lab", format, args...) }

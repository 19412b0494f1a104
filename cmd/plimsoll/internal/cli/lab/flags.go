package lab

import (
	"github.com/spf13/pflag"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

const mostSeeds = 100

// flags are the flags of plimsoll lab.
type flags struct {
	quick, gate     bool
	traces          string // a folder; "" = generated traffic alone
	worlds, traffic []string
	seeds           int // 0 = as the plan has
	resume          string
	csv, json       string
	markdown        string
}

// complete reports what makes no sense.
func (f *flags) complete(args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q; traffic is given by --traces FOLDER", args[0])
	}
	return nil
}

// register adds flags that write to f.
func (f *flags) register(set *pflag.FlagSet) {
	cmdline.Bool(set, "quick", "short generated traffic and one seed: less than a minute on two cores", &f.quick)
	cmdline.Bool(set, "gate", "end with status 1 where a goal is missed", &f.gate)
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
	cmdline.Func(set, "markdown", "FILE", "replace the tables of this Markdown file, between <!-- lab:goals --> and <!-- /lab:goals -->, and the same for ours and policies", cmdline.ParseName(&f.markdown, "want the name of a file"))
}

func usagef(format string, args ...any) error { return cmdline.Usagef("lab", format, args...) }

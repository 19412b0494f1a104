// Package check is plimsoll check: it shows what a configuration file says, or what
// is wrong with it.
package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
)

const (
	intro = `Reads a configuration file, plimsoll's own (YAML, or JSON if its name ends in
.json) or LiteLLM's config.yaml, and shows the deployments, the strategy, the
aliases and the store as plimsoll understands them, with warnings about what it
does not, and notes; or everything that is wrong, with lines. No secret is shown:
values from the environment appear as os.environ/NAME. With --convert it writes a
LiteLLM file in plimsoll's own format.`

	more = `Columns of the table:
  RPM, TPM         requests and tokens per minute; - is unlimited
  in flight        requests at once, on each node; - is unlimited
  order            a higher one is used when no lower one has room
  weight           share of the draws, under the strategy weighted
  profile          the rule by which its provider counts, described below the
                   table; plain is the UTC minute
  endpoint         where it is, if the file says how it is called
  state            ready; disabled; blocked (a limit of 0 lets nothing through)

Exit code: 0 if the file can be used, 1 if not, 2 if the command is wrong.`
)

// flags are the arguments of plimsoll check.
type flags struct {
	file     string
	json     bool
	strict   bool
	profiles config.Profiles
	convert  bool
	output   string // file; "" = stdout
}

// New returns plimsoll check.
func New(env cmdline.Environment) *cobra.Command {
	var f flags
	c := cmdline.New(cmdline.Text{
		Use: "check [flags] FILE", Short: "show what a configuration file says, or what is wrong with it", Intro: intro, More: more,
	})
	set := c.Flags()
	cmdline.Bool(set, "json", "print JSON instead of a table", &f.json)
	cmdline.Bool(set, "strict", "take a routing strategy of LiteLLM's that plimsoll does not have for an error, not a warning", &f.strict)
	cmdline.Func(set, "profiles", "auto|plain", "how deployments without a profile of their own count: by the rule of their provider, or by UTC minutes (default: as the file says, plain if it does not)", cmdline.ParseProfiles(&f.profiles))
	cmdline.Bool(set, "convert", "write a LiteLLM file in plimsoll's own format, with the line that each value comes from; secrets become ${NAME}", &f.convert)
	cmdline.FuncP(set, "output", "o", "FILE", "with --convert: a new file to write it to (default: the terminal)", cmdline.ParseName(&f.output, "want the name of a file; leave --output out for the terminal"))
	c.RunE = func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0 || args[0] == "":
			return usagef("no file given; name the configuration to check")
		case len(args) > 1:
			return usagef("unexpected argument %q; one file is checked at a time", args[1])
		case f.output != "" && !f.convert:
			return usagef("--output is where --convert writes to; give both, or redirect the output")
		case f.json && f.convert:
			return usagef("--convert writes YAML; leave --json out")
		}
		f.file = args[0]
		if f.convert {
			return f.writeConverted(env)
		}
		return f.run(env)
	}
	return c
}

func usagef(format string, args ...any) error {
	return cmdline.Usagef("check", format, args...)
}

func (f flags) run(env cmdline.Environment) error {
	file, err := config.Load(f.file, config.Options{Profiles: f.profiles, Strict: f.strict})
	wrong, bad := errors.AsType[*config.Error](err)
	switch {
	case err != nil && !bad:
		return fmt.Errorf("check: %w", err)
	case bad && f.json:
		if err := writeJSON(env.Stdout, brokenFile(f.file, wrong)); err != nil {
			return err
		}
		return fmt.Errorf("check: %s cannot be used: %s", f.file, cmdline.Counted(len(wrong.Findings)+wrong.Omitted, "error"))
	case bad:
		return f.unusable(wrong)
	}
	view := checkedFile(f.file, file)
	view.Warnings = append(view.Warnings, storeProblem(f.file, file)...)
	if f.json {
		return writeJSON(env.Stdout, view)
	}
	_, err = io.WriteString(env.Stdout, view.text())
	return err
}

// storeProblem warns of a store that serve could not open. It makes no connection.
func storeProblem(name string, file *config.File) []config.Finding {
	if file.Store.URL == "" {
		return nil
	}
	store, err := valkeystore.Open(string(file.Store.URL), valkeystore.Config{})
	if err != nil {
		return []config.Finding{{File: name, Key: "store", Message: file.Mask("serve cannot use it, unless --sync names another: " + err.Error())}}
	}
	store.Close()
	return nil
}

// unusable is the error of a file that cannot be used.
func (f flags) unusable(wrong *config.Error) error {
	return fmt.Errorf("check: %s cannot be used: %s\n%s", f.file, cmdline.Counted(len(wrong.Findings)+wrong.Omitted, "error"), strings.TrimSuffix(findingLines(wrong), "\n"))
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// findingLines lists errors, then the warnings that may explain them.
func findingLines(e *config.Error) string {
	var b strings.Builder
	b.WriteString("\n")
	for line := range strings.Lines(e.Error()) {
		b.WriteString("  " + strings.TrimSuffix(line, "\n") + "\n")
	}
	b.WriteString(warningLines(e.Warnings))
	return b.String()
}

// warningLines lists warnings under a heading; "" if there are none.
func warningLines(list []config.Finding) string { return headed("Warnings", list) }

// headed lists findings under a heading; "" if there are none.
func headed(heading string, list []config.Finding) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n" + heading + ":\n")
	for _, w := range list {
		b.WriteString("  " + w.String() + "\n")
	}
	return b.String()
}

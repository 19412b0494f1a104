// Package lab is plimsoll lab: it reads the flags, plays the matrix of internal/lab, and
// writes the results.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab/report"
)

// New returns plimsoll lab.
func New(env cmdline.Environment) *cobra.Command {
	f := flags{}
	c := cmdline.New(cmdline.Text{Use: "lab [flags]", Short: "judge routing in simulated worlds of many kinds, against goals", Intro: intro, More: more})
	f.register(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.complete(args); err != nil {
			return err
		}
		if f.log != "" {
			return f.runLog(c.Context(), env)
		}
		return f.run(c.Context(), env)
	}
	return c
}

func (f *flags) run(ctx context.Context, env cmdline.Environment) error {
	plan, err := f.plan(ctx)
	if err != nil {
		return err
	}
	known, err := f.recorded(plan.Set) // before --markdown replaces the table, which may be in the same file
	if err != nil {
		return err
	}
	if err := f.writable(plan.Set); err != nil { // found before the run, not after it
		return fmt.Errorf("lab: %w", err)
	}
	state, err := openState(f.resume)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	defer state.close()
	bar := cmdline.NewProgress(env, -1, "runs")
	results, err := plan.Run(ctx, state.known, func(r lab.Result, finished, of int) error {
		bar.ShowOf(finished, of)
		return state.add(r)
	})
	bar.Clear()
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	s := plan.Summarize(results)
	if err := f.write(s); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if err := f.print(env.Stdout, s); err != nil {
		return err
	}
	if missed := known.Missed(s); f.gate && len(missed) != 0 {
		text := strings.Join(missed, "\n")
		if slices.Contains(f.markdown, f.known) {
			text += fmt.Sprintf("\n--markdown has replaced the table of %s, which records these goals as missed now: restore it to keep the gate", f.known)
		}
		return fmt.Errorf("lab: %d goals are missed:\n%s", len(missed), text)
	}
	return nil
}

// recorded returns the goals that the file of --known records as missed; none without one.
func (f *flags) recorded(set string) (report.Recorded, error) {
	if f.known == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.known)
	if err != nil {
		return nil, fmt.Errorf("lab: --known: %w", err)
	}
	known, err := report.ReadRecorded(text, set)
	if err != nil {
		return nil, fmt.Errorf("lab: --known: %s: %w", f.known, err)
	}
	return known, nil
}

func (f *flags) print(w io.Writer, s *lab.Summary) error {
	if err := report.Policies(w, s); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	if err := report.Overall(w, s); err != nil {
		return err
	}
	return report.Goals(w, s)
}

// plan returns the matrix that the flags ask for.
func (f *flags) plan(ctx context.Context) (*lab.Plan, error) {
	var files []*lab.Traffic
	if f.traces != "" {
		var err error
		if files, err = lab.ReadTraffic(ctx, f.traces); err != nil {
			return nil, fmt.Errorf("lab: --traces: %w", err)
		}
	}
	p := lab.Full(files)
	if f.quick {
		p = lab.Quick()
		p.Traffic = append(p.Traffic, files...)
	}
	p.Whole = p.Whole || f.whole
	if f.seeds > 0 {
		p.Seeds = nil
		for i := range f.seeds {
			p.Seeds = append(p.Seeds, uint64(i+1))
		}
	}
	if len(f.worlds) > 0 {
		p.Worlds = slices.DeleteFunc(lab.Worlds(), func(w lab.World) bool { return !slices.Contains(f.worlds, w.Name) })
	}
	if len(f.traffic) > 0 {
		var names []string
		for _, t := range p.Traffic {
			names = append(names, t.Name)
		}
		for _, t := range f.traffic {
			if !slices.Contains(names, t) {
				return nil, usagef("--traffic: there is no traffic %q; use one of %s", t, strings.Join(names, ", "))
			}
		}
		p.Traffic = slices.DeleteFunc(p.Traffic, func(t *lab.Traffic) bool { return !slices.Contains(f.traffic, t.Name) })
	}
	return p, nil
}

// writable reports whether the files that were asked for can be written. It makes those that
// are not there, except of Markdown, which is to have tables of a set.
func (f *flags) writable(set string) error {
	for _, name := range []string{f.csv, f.json, f.html} {
		if name == "" {
			continue
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666) //nolint:gosec // as os.Create has it
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	for _, name := range f.markdown {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := report.CheckMarkdown(text, set); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// write writes the files that were asked for.
func (f *flags) write(s *lab.Summary) error {
	for _, out := range []struct {
		path  string
		write func(io.Writer, *lab.Summary) error
	}{{f.csv, report.CSV}, {f.json, report.JSON}, {f.html, report.HTML}} {
		if out.path == "" {
			continue
		}
		file, err := os.Create(out.path)
		if err != nil {
			return err
		}
		if err := errors.Join(out.write(file, s), file.Close()); err != nil {
			return err
		}
	}
	for _, name := range f.markdown {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if text, err = report.Markdown(text, s); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(name, text, 0o600); err != nil { //nolint:gosec // the same
			return err
		}
	}
	return nil
}

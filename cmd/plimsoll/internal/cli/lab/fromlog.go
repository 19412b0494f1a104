package lab

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab/logs"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab/report"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// perOutputToken is the assumed speed of deployments, because neither a log nor a
// configuration has it.
const perOutputToken = 20 * time.Millisecond

// runLog plays the traffic of a log.
func (f *flags) runLog(ctx context.Context, env cmdline.Environment) error {
	reading := cmdline.NewProgress(env, -1, "MB of the log")
	l, err := logs.ReadFile(f.log, func(done, of int64) { reading.ShowOf(int(done>>20), int(of>>20)+1) })
	reading.Clear()
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	models := l.Models()
	model := cmp.Or(f.model, models[0])
	if !slices.Contains(models, model) {
		return usagef("--model: the log has no model %q; use one of %s", model, strings.Join(models[:min(len(models), 20)], ", "))
	}
	g := lab.FromLog(l, model)
	if g.Imputed == len(g.Traffic.Calls) {
		return fmt.Errorf("lab: no call of model %s was served with tokens, so those of none can be imputed; the lab needs the input and output tokens of at least one", model)
	}
	w := lab.WorldOf(f.provider)
	w.Pool = g.Observed
	if f.config != "" {
		if w, err = f.configured(model); err != nil {
			return err
		}
	}
	if len(w.Pool) == 0 {
		return fmt.Errorf("lab: no call of model %s was served, so its deployments are not known; give them by --config FILE", model)
	}
	operator, err := lab.PolicyNamed(cmp.Or(f.operator, "simple-shuffle+cooldown"))
	if err != nil {
		return err
	}
	if err := f.writable(""); err != nil { // a mistake is to show before the run, not after it
		return fmt.Errorf("lab: %w", err)
	}
	bar := cmdline.NewProgress(env, -1, "runs")
	r, err := lab.PlayLog(ctx, w, g, operator, lab.Policies, bar.ShowOf)
	bar.Clear()
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if f.json != "" {
		file, err := os.Create(f.json)
		if err != nil {
			return fmt.Errorf("lab: %w", err)
		}
		defer func() { _ = file.Close() }() // LogJSON reports what could not be written
		if err := report.LogJSON(file, r); err != nil {
			return fmt.Errorf("lab: %w", err)
		}
	}
	return report.Log(env.Stdout, l, g, f.config == "", r)
}

// deploymentOf returns a deployment as the lab plays it; false where nothing limits its tokens
// per minute, or nothing is admitted.
func deploymentOf(d engine.Deployment) (provider.Deployment, bool) {
	l := d.Limits
	one := provider.Deployment{ID: d.ID, RPM: l.RPM, TPM: l.TPM, PerOutputToken: perOutputToken}
	if l.TPM == 0 && l.InputTPM > 0 && l.OutputTPM > 0 {
		one.TPM = l.InputTPM + l.OutputTPM
		one.Other = rule.Limits{InputTPM: l.InputTPM, OutputTPM: l.OutputTPM}
	}
	if one.RPM == 0 {
		one.RPM = one.TPM // no limit that matters
	}
	return one, one.TPM > 0 && one.RPM > 0
}

// configured returns the world of a configuration's group for a model.
func (f *flags) configured(model string) (lab.World, error) {
	file, err := config.Load(f.config, config.Options{})
	if err != nil {
		return lab.World{}, fmt.Errorf("lab: cannot use %s:\n%w", f.config, err)
	}
	group, named := cmp.Or(f.group, model), map[string]bool{}
	for name := group; !named[name] && file.Engine.Aliases[name] != ""; name = group {
		named[name] = true
		group = file.Engine.Aliases[name]
	}
	var pool []provider.Deployment
	var groups []string
	kinds := map[string]int{}
	for _, d := range file.Engine.Deployments {
		if !slices.Contains(groups, d.Group) {
			groups = append(groups, d.Group)
		}
		if d.Group != group || d.Disabled {
			continue
		}
		one, ok := deploymentOf(d)
		if !ok {
			return lab.World{}, fmt.Errorf("lab: %s: deployment %s has no tpm, nor both input_tpm and output_tpm; the lab needs them of each deployment", f.config, file.Mask(d.ID))
		}
		one.Label = file.Mask(d.ID)
		pool = append(pool, one)
		kinds[file.Counting[d.ID].Provider]++
	}
	if len(pool) == 0 {
		for i := range groups {
			groups[i] = file.Mask(groups[i])
		}
		return lab.World{}, usagef("--group: %s has no group %q with deployments; use one of %s", f.config, group, strings.Join(groups, ", "))
	}
	most := ""
	for name, n := range kinds {
		if n > kinds[most] || n == kinds[most] && name < most {
			most = name
		}
	}
	w := lab.WorldOf(cmp.Or(f.provider, most))
	w.Pool = pool
	return w, nil
}

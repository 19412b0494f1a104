package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	signals "github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// perOutputToken is the assumed speed of the deployments of a configuration, which
// does not have it. It is in the middle of the built-in pools' deployments.
const perOutputToken = 20 * time.Millisecond

// maxGroupsNamed is how many groups an error lists by name.
const maxGroupsNamed = 20

// readConfig returns the pools that a configuration file describes: for the group
// that the flags name, or for each group, its deployments except the disabled
// ones. Warnings about the file go to stderr.
func (f flags) readConfig(env cmdline.Environment) ([]pool, error) {
	file, err := config.Load(f.config, config.Options{Profiles: f.profiles})
	if err != nil {
		return nil, fmt.Errorf("replay: cannot use %s:\n%w", f.config, err)
	}
	if n := len(file.Warnings); n > 0 {
		if _, err := fmt.Fprintf(env.Stderr, "plimsoll: replay: %s has warnings (%d); 'plimsoll check %s' shows them\n", f.config, n, f.config); err != nil {
			return nil, err
		}
	}
	groups, err := f.chosenGroups(file)
	if err != nil {
		return nil, usagef("%s: %w", f.config, err)
	}
	byGroup := map[string][]engine.Deployment{}
	for _, d := range file.Engine.Deployments {
		byGroup[d.Group] = append(byGroup[d.Group], d)
	}
	pools := make([]pool, 0, len(groups))
	for _, group := range groups {
		pools = append(pools, f.poolOf(file, group, byGroup[group]))
	}
	return pools, nil
}

// poolOf returns the pool of one group.
func (f flags) poolOf(file *config.File, group string, deployments []engine.Deployment) pool {
	cfg := file.Engine
	cfg.Deployments, cfg.Aliases = deployments, nil
	if f.strategy != nil {
		cfg.Strategy = *f.strategy
	}
	p := pool{
		name:     fmt.Sprintf("config %s, group %s, %s", f.config, file.Mask(group), profilesOf(file, group)),
		group:    file.Mask(group),
		strategy: cfg.Strategy,
		engine:   replay.ConfiguredEngine(cfg, group),
		several:  true,
		silent:   len(deployments) > 0,
	}
	for _, d := range deployments {
		if d.Disabled {
			continue
		}
		kind := provider.OfProvider(file.Counting[d.ID].Provider)
		p.deployments = append(p.deployments, provider.Deployment{
			ID: d.ID, Label: file.Mask(d.ID), RPM: d.Limits.RPM, TPM: d.Limits.TPM,
			Other:          providersLimits(&d.Limits),
			PerOutputToken: perOutputToken, Kind: &kind,
		})
		p.silent = p.silent && noOutput(file.Modes[d.ID], d.Model)
		switch l := d.Limits; {
		case l.TPM != 0 || l.InputTPM != 0 || l.OutputTPM != 0:
		case l.RPM != 0:
			p.byRequests++
		default:
			p.unlimited++
		}
	}
	return p
}

// providersLimits are a deployment's limits as its simulated provider has them.
func providersLimits(from *engine.Limits) (to rule.Limits) {
	for l := range signals.AllLimits() {
		if n := to.Named(l.Key()); n != nil {
			*n = *from.Of(l)
		}
	}
	return to
}

// noOutput reports whether a deployment's answers have no output tokens.
func noOutput(mode, model string) bool {
	if mode == "" && strings.Contains(strings.ToLower(model), "embed") {
		return true
	}
	return mode == "embedding" || mode == "rerank"
}

// assumption returns a note on what load is a share of, for deployments without limits on tokens.
func (p pool) assumption() string {
	var parts []string
	if p.byRequests > 0 {
		parts = append(parts, cmdline.Counted(p.byRequests, "deployment")+" without a limit on tokens: load is a share of RPM")
	}
	if p.unlimited > 0 {
		parts = append(parts, fmt.Sprintf("%s without limits per minute: taken to serve %d calls a minute", cmdline.Counted(p.unlimited, "deployment"), provider.AssumedRPM))
	}
	return strings.Join(parts, "; ")
}

// profilesOf names the profiles that the engine counts by for a group, the most
// frequent first, with how many deployments each has if there are several.
func profilesOf(file *config.File, group string) string {
	times := map[string]int{}
	for _, d := range file.Engine.Deployments {
		if d.Group == group && !d.Disabled {
			times[file.Counting[d.ID].String()]++
		}
	}
	names := slices.SortedFunc(maps.Keys(times), func(a, b string) int {
		return cmp.Or(cmp.Compare(times[b], times[a]), cmp.Compare(a, b))
	})
	if len(names) == 1 {
		return "profile " + names[0]
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%d)", name, times[name])
	}
	return "profiles " + strings.Join(names, ", ")
}

// chosenGroups returns the group that the flags name, by its name or an alias, or
// all groups in the order of the file.
func (f flags) chosenGroups(file *config.File) ([]string, error) {
	var groups []string
	known := map[string]bool{}
	for _, d := range file.Engine.Deployments {
		if !known[d.Group] {
			known[d.Group] = true
			groups = append(groups, d.Group)
		}
	}
	if f.group == "" {
		return groups, nil
	}
	group := f.group
	for range len(file.Engine.Aliases) + 1 { // a valid configuration has no circle of aliases
		if known[group] {
			return []string{group}, nil
		}
		group = file.Engine.Aliases[group]
	}
	return nil, fmt.Errorf("there is no group %q; use one of: %s", f.group, listed(groups, file.Mask))
}

// listed names the groups, in order, the first of them if they are many.
func listed(groups []string, mask func(string) string) string {
	groups = slices.Clone(groups)
	slices.Sort(groups)
	more := ""
	if n := len(groups) - maxGroupsNamed; n > 0 {
		groups, more = groups[:maxGroupsNamed], fmt.Sprintf(" and %d more", n)
	}
	for i, g := range groups {
		groups[i] = mask(g)
	}
	return strings.Join(groups, ", ") + more
}

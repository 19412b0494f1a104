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
)

// perOutputToken is how fast the deployments of a configuration answer, which
// it does not say: in the middle of the built-in pools' deployments.
const perOutputToken = 20 * time.Millisecond

// maxGroupsNamed is how many groups an error lists by name.
const maxGroupsNamed = 20

// readConfig returns the pool that a configuration file describes: one group's
// deployments, but for the disabled ones. What it has to say about the file
// goes to stderr.
func (f flags) readConfig(env cmdline.Environment) (pool, error) {
	file, err := config.Load(f.config, config.Options{Profiles: f.profiles})
	if err != nil {
		return pool{}, fmt.Errorf("replay: cannot use %s:\n%w", f.config, err)
	}
	if n := len(file.Warnings); n > 0 {
		if _, err := fmt.Fprintf(env.Stderr, "plimsoll: replay: %s has warnings (%d); 'plimsoll check %s' shows them\n", f.config, n, f.config); err != nil {
			return pool{}, err
		}
	}
	cfg := file.Engine
	if f.strategy != nil {
		cfg.Strategy = *f.strategy
	}
	group, err := chooseGroup(cfg, f.group, file.Mask)
	if err != nil {
		return pool{}, usagef("%s: %w", f.config, err)
	}
	p := pool{
		name:     fmt.Sprintf("config %s, group %s, %s", f.config, file.Mask(group), profilesOf(file, group)),
		strategy: cfg.Strategy,
		engine:   replay.ConfiguredEngine(cfg, group),
	}
	for _, d := range cfg.Deployments {
		if d.Group == group && !d.Disabled {
			p.deployments = append(p.deployments, provider.Deployment{
				ID:             d.ID,
				Label:          file.Mask(d.ID),
				RPM:            d.Limits.RPM,
				TPM:            d.Limits.TPM,
				PerOutputToken: perOutputToken,
			})
		}
	}
	if len(p.deployments) == 0 {
		return pool{}, fmt.Errorf("replay: %s: every deployment of group %s is disabled", f.config, file.Mask(group))
	}
	return p, nil
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

// chooseGroup returns the group of that name or alias, or the only one there is
// if the name is empty.
func chooseGroup(cfg engine.Config, name string, mask func(string) string) (string, error) {
	var groups []string
	known := map[string]bool{}
	for _, d := range cfg.Deployments {
		if !known[d.Group] {
			known[d.Group] = true
			groups = append(groups, d.Group)
		}
	}
	if name == "" {
		if len(groups) == 1 {
			return groups[0], nil
		}
		return "", fmt.Errorf("there are %d groups; choose one by --group: %s", len(groups), listed(groups, mask))
	}
	group := name
	for range len(cfg.Aliases) + 1 { // a valid configuration has no circle of aliases
		if known[group] {
			return group, nil
		}
		group = cfg.Aliases[group]
	}
	return "", fmt.Errorf("there is no group %q; use one of: %s", name, listed(groups, mask))
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

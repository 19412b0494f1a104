package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// group is a group's headline and, while it is open, its rows.
type group struct {
	Key, Name   string
	Open        bool
	Deployments string
	Headroom    string // tokens a minute; "" = not limited
	Refused     string // in the last minute; "" = none
	Share       string // class of the refusals: low, high
	Trouble     string // deployments that cannot be picked, or whose providers fail; "" = none
	Rows        []row
	More        int // deployments without a row
	full        float64
}

// groups returns the groups that a viewer has chosen to see.
func (p *Page) groups(states []engine.State, c choice, v *view) []group {
	members := map[string][]*engine.State{}
	var names []string
	for i := range states {
		s := &states[i]
		if c.search != "" && !p.found(s, c.search) {
			continue
		}
		if members[s.Group] == nil {
			names = append(names, s.Group)
		}
		members[s.Group] = append(members[s.Group], s)
	}
	room := p.cfg.MaxDeployments
	list := make([]group, 0, len(names))
	for _, name := range names {
		g := p.headline(name, members[name])
		g.Open = c.search != "" || (c.open == nil && !v.Many) || c.open[g.Key]
		list = append(list, g)
	}
	if c.fullest {
		slices.SortStableFunc(list, func(a, b group) int { return cmp.Compare(b.full, a.full) })
	}
	byKey := map[string]string{}
	for _, name := range names {
		byKey[keyOf(name)] = name
	}
	var accounts map[string][]syncer.Account
	if p.cfg.Accounts != nil {
		accounts = p.cfg.Accounts()
	}
	for i := range list {
		g := &list[i]
		of := members[byKey[g.Key]]
		if !g.Open {
			continue
		}
		if c.fullest || len(of) > rowsOfGroup {
			slices.SortStableFunc(of, func(a, b *engine.State) int { return cmp.Compare(b.Utilization, a.Utilization) })
		}
		n := min(len(of), rowsOfGroup, room)
		room -= n
		for _, s := range of[:n] {
			r := p.row(s)
			r.Sync = accountTexts(accounts[s.ID])
			g.Rows = append(g.Rows, r)
		}
		if g.More = len(of) - n; n == room+n { // the page's bound cut the rows
			v.Omitted += g.More
			g.More = 0
		}
	}
	return slices.DeleteFunc(list, func(g group) bool { return g.Open && len(g.Rows) == 0 })
}

// found reports whether a deployment matches a search, by its shown texts.
func (p *Page) found(s *engine.State, text string) bool {
	for _, name := range []string{s.ID, s.Group, s.Model} {
		if strings.Contains(strings.ToLower(p.cfg.Mask(name)), text) {
			return true
		}
	}
	return false
}

func (p *Page) headline(name string, of []*engine.State) group {
	g := group{Key: keyOf(name), Name: p.cfg.Mask(name), Deployments: plural(len(of), "deployment")}
	var free [3]sum // of tokens, and where only those are limited, of input and output
	off, cooling, full, failing := 0, 0, 0, 0
	for _, s := range of {
		g.full = max(g.full, s.Utilization)
		if p.history.trouble(s.ID) != "" {
			failing++
		}
		switch {
		case !s.Enabled:
			off++
			continue
		case s.CoolingFor > 0:
			cooling++
			continue
		case s.Utilization >= 1:
			full++
		}
		free[0].add(s.Limit(engine.LimitTPM))
		free[1].add(s.Limit(engine.LimitInputTPM))
		free[2].add(s.Limit(engine.LimitOutputTPM))
	}
	switch {
	case free[0].some():
		g.Headroom = free[0].String() + " tokens a minute free"
	case free[1].some() && free[2].some():
		g.Headroom = fmt.Sprintf("%v input and %v output tokens a minute free", &free[1], &free[2])
	}
	var trouble []string
	for _, t := range []struct {
		n    int
		what string
	}{{cooling, "cooling down"}, {off, "switched off"}, {full, "at a limit"}, {failing, "with provider errors"}} {
		if t.n > 0 {
			trouble = append(trouble, fmt.Sprintf("%d %s", t.n, t.what))
		}
	}
	g.Trouble = strings.Join(trouble, ", ")
	admitted, refused := p.history.lately(name)
	if refused > 0 {
		g.Refused, g.Share = grouped(refused)+" refused", shareOfRefused(admitted, refused)
	}
	return g
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return grouped(int64(n)) + " " + thing + "s"
}

// lately returns how many requests a group has admitted and refused since the oldest sample.
func (h *history) lately(name string) (admitted, refused int64) {
	list := h.traffic.list()
	if len(list) == 0 {
		return 0, 0
	}
	first, last := list[0], list[len(list)-1]
	return last.admitted[name] - first.admitted[name], last.refused[name] - first.refused[name]
}

// trouble returns a text about the refusals and failures of a deployment's provider since
// the oldest sample.
func (h *history) trouble(id string) string {
	list := h.traffic.list()
	if len(list) == 0 {
		return ""
	}
	first, last := list[0], list[len(list)-1]
	var parts []string
	if n := last.limited[id] - first.limited[id]; n > 0 {
		parts = append(parts, plural(int(n), "call")+" refused by the provider")
	}
	if n := last.failed[id] - first.failed[id]; n > 0 {
		parts = append(parts, plural(int(n), "call")+" failed")
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + " in the last minute"
}

// sum is the headroom of a kind of limit, over the deployments of a group.
type sum struct {
	used, limit int64
	open        bool // a deployment has no such limit
}

func (s *sum) add(l engine.LimitState) {
	s.open = s.open || l.Max == 0
	s.used, s.limit = s.used+l.Used, s.limit+max(l.Max, 0)
}

func (s *sum) some() bool { return !s.open && s.limit > 0 }

func (s *sum) String() string {
	return fmt.Sprintf("%s of %s", grouped(max(s.limit-s.used, 0)), grouped(s.limit))
}

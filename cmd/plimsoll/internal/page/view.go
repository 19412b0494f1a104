package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// view is the data of the templates.
type view struct {
	Note, Clock                         string
	Left                                int // seconds, of the minute
	Admitted, Tokens, Refused, InFlight string
	Share                               string // how bad the refusals are: low, high
	Waiting                             string // requests; "" = none
	Sync                                share
	Groups                              []group
	Omitted                             int
	Problem                             string // "" = none
	Many, Fullest                       bool
	Search                              string
	Refusals                            []refusal
	TokenRows                           []tokenRow
	MoreTokens                          int
}

// share is the state of sharing with other nodes.
type share struct {
	Title, Detail string
	Bad           bool
}

type row struct {
	Key, ID, Model   string
	Trouble          string // refusals and failures of its provider in the last minute; "" = none
	Off, Switch      bool
	Requests, Tokens []bar // that of the minute first; others where a limit is set
	InFlight         string
	State            string   // why it cannot be picked; "" = it can
	Line, Area, Tale string   // of the last ten minutes
	Sync             []string // how nodes keep its limits together, if not by usage as configured
}

type refusal struct{ Reason, Minute, Total string }

// view returns the view of the states that a viewer has chosen.
func (p *Page) view(now time.Time, states []engine.State, stats *engine.Stats, c choice) *view {
	p.mu.Lock()
	defer p.mu.Unlock()
	lately := p.history.since(countsOf(stats))
	v := &view{
		Note: p.cfg.Note, Clock: now.UTC().Format("15:04:05"), Left: 60 - now.Second(),
		Admitted: grouped(lately.admitted), Tokens: grouped(lately.tokens), Refused: grouped(lately.refused), InFlight: grouped(stats.Held),
		Sync: p.share(), Share: shareOfRefused(lately.admitted, lately.refused), Many: len(states) > allOpen, Search: c.search,
	}
	if stats.Waiting > 0 {
		v.Waiting = grouped(stats.Waiting)
	}
	if p.cfg.Problem != nil {
		v.Problem = p.cfg.Problem()
	}
	if !c.sorted {
		c.fullest = v.Many
	}
	v.Fullest = c.fullest
	v.Groups = p.groups(states, c, v)
	v.TokenRows, v.MoreTokens = p.tokens(now, c)
	for l, n := range stats.Refused {
		v.Refusals = append(v.Refusals, refusal{reason(l), grouped(lately.by[l]), grouped(n)})
	}
	slices.SortFunc(v.Refusals, func(a, b refusal) int { return strings.Compare(a.Reason, b.Reason) })
	return v
}

// alwaysShown reports whether a limit has a bar or a figure even if it is not set.
func alwaysShown(l engine.Limit) bool {
	return l == engine.LimitRPM || l == engine.LimitTPM || l == engine.LimitInFlight
}

// spanOf returns the word that distinguishes a further limit's bar from that of the minute.
func spanOf(l engine.Limit) string {
	switch {
	case l.Per() == provider.PerDay:
		return "today"
	case l.Per() == provider.PerHour:
		return "this hour"
	case l.Counts() == provider.InputTokens:
		return "in"
	case l.Counts() == provider.OutputTokens:
		return "out"
	default:
		return l.Per().String()
	}
}

func (p *Page) row(s *engine.State) row {
	requests, tokens, calls := s.Limit(engine.LimitRPM), s.Limit(engine.LimitTPM), s.Limit(engine.LimitInFlight)
	r := row{
		Key: keyOf(s.ID), ID: p.cfg.Mask(s.ID), Model: p.cfg.Mask(s.Model), Off: !s.Enabled, Switch: p.cfg.Switch != nil,
		Trouble:  p.history.trouble(s.ID),
		Requests: []bar{newBar("requests", requests.Used, requests.Remote, 0, requests.Max)},
		Tokens:   []bar{newBar("tokens", tokens.Used, tokens.Remote, max(int64(tokens.Held), 0), tokens.Max)},
		InFlight: grouped(calls.Used),
	}
	if calls.Max != 0 {
		r.InFlight += " of " + grouped(max(calls.Max, 0))
	}
	for _, l := range s.Limits {
		if l.Max == 0 || alwaysShown(l.Limit) {
			continue
		}
		to, name, kind := &r.Tokens, "tokens", spanOf(l.Limit)
		if l.Limit.Counts() == provider.Requests {
			to, name = &r.Requests, "requests"
		}
		b := newBar(name+" "+kind, l.Used, l.Remote, 0, l.Max)
		b.Kind = kind
		*to = append(*to, b)
	}
	switch {
	case !s.Enabled:
		r.State = "switched off"
	case s.CoolingFor > 0:
		r.State = "cooling down, " + wait(s.CoolingFor)
	case s.HalfOpen:
		r.State = "half open, one request goes first"
	case s.Utilization >= 1:
		r.State = "at its limit"
	}
	if h := p.history.used[s.ID]; h != nil {
		r.Line, r.Area, r.Tale = chart(h.list())
	}
	return r
}

func (p *Page) share() share {
	if p.cfg.Syncer == nil {
		return share{Title: "One node", Detail: "usage is not shared"}
	}
	s := p.cfg.Syncer.Stats()
	return shareOf(&s)
}

func shareOf(s *syncer.Stats) share {
	nodes := "nodes not known yet"
	if s.Nodes == 1 {
		nodes = "1 node"
	} else if s.Nodes > 1 {
		nodes = fmt.Sprintf("%d nodes", s.Nodes)
	}
	switch {
	case s.Outdated > 0:
		return share{"Older nodes", fmt.Sprintf("%d of an older version share by other keys: this node is not ready and admits its share alone until they have stopped", s.Outdated), true}
	case s.Away && s.Exchanges == 0:
		return share{"Store away", "deciding alone; no answer yet, see /readyz for the reason", true}
	case s.Away:
		return share{"Store away", "deciding alone; last answer " + wait(s.Staleness) + " ago", true}
	case s.Exchanges == 0:
		return share{"Joining", "the store has not been asked yet", false}
	case s.Staleness > 5*time.Second:
		return share{"Behind", nodes + ", last answer " + wait(s.Staleness) + " ago", true}
	}
	if s.Unaware > 0 {
		nodes += fmt.Sprintf(", %d of a version that shares usage alone", s.Unaware)
	}
	if s.OtherModes > 0 {
		nodes += fmt.Sprintf(", %d configured for another mode", s.OtherModes)
	}
	if s.Differing > 0 {
		nodes += fmt.Sprintf(", %d deployments in another mode than configured here, as other nodes have it", s.Differing)
	}
	if s.Mode != syncer.Usage {
		if s.ByUsage > 0 {
			nodes += fmt.Sprintf(", %d deployments by usage", s.ByUsage)
		}
		return share{"In step", fmt.Sprintf("%s, %v: %d of %d granted requests and %d of %d tokens used, %d waiting, %d refused after a wait, %d at once",
			nodes, s.Mode, s.Own.Requests, s.Granted.Requests, s.Own.Tokens, s.Granted.Tokens, s.Waiting.Requests, s.Vain, s.Missed), false}
	}
	return share{"In step", fmt.Sprintf("%s, %d ms behind", nodes, s.Staleness.Milliseconds()), false}
}

func reason(l engine.Limit) string {
	switch l {
	case engine.LimitShare:
		return "this node's share of a limit"
	case engine.LimitCooldown:
		return "cooling down"
	case engine.LimitDisabled:
		return "switched off"
	default:
		return l.Describe()
	}
}

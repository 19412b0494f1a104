package syncer

import "github.com/plimsoll-dev/plimsoll/window"

// Account is how the nodes keep one limit of a deployment together in the window that runs.
// Amounts are requests or tokens.
type Account struct {
	ID    string
	Kind  window.Kind
	Count Counts // what the limit counts: one of the Counts
	Limit int64
	// Mode is Usage or Escrow, and Configured what this node is configured for. Where they
	// differ, Reason says why; "" = they are the same, or Auto has decided so.
	Mode, Configured Mode
	Reason           string
	// Granted is what this node may use, 0 where Mode is Usage; Own is what it has used,
	// Others what the others have used or reserved, as far as is known.
	Granted, Own, Others int64
	Waiting              int64 // what requests that wait for a grant would use
	// Missed are requests of the deployment that found no grant at once although the limit
	// had room, and Vain those that waited for one and were refused; since the
	// syncer was made.
	Missed, Vain int64
}

// Name returns the name of the limit, as in configuration files: rpm, input_tpm, tpd.
func (a Account) Name() string {
	of := limitNames[a.Count]
	switch {
	case a.Kind.Daily():
		return of + "d"
	case a.Kind == window.KindHour:
		return of + "h"
	}
	return of + "m"
}

// limitNames are the names of limits, without the span.
var limitNames = map[Counts]string{CountRequests: "rp", CountTokens: "tp", CountInput: "input_tp", CountOutput: "output_tp"}

// Reasons for which a limit is not kept together as it is configured.
const (
	reasonLoose   = "nodes cannot name its windows: of a phase or shape to be learned, or of a part of a minute that is no whole seconds"
	reasonBucket  = "auto keeps buckets by usage"
	reasonStore   = "the store has no epochs, as with LiteLLM's keys"
	reasonBroken  = "the store refuses its counter"
	reasonOthers  = "another node asked first in this window"
	reasonUnknown = "the store has not been asked yet"
)

// AppendAccounts appends an account for every limit of the deployments that this node keeps
// in step, in the windows that run. It does not wait for an exchange.
func (s *Syncer) AppendAccounts(dst []Account) []Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Read()
	for _, b := range s.buckets {
		for _, d := range b.deployments {
			for _, u := range d.windows {
				if now/1e9 >= u.start && u.runs(now) {
					dst = u.appendAccounts(dst, b)
				}
			}
		}
	}
	return dst
}

func (u *usage) appendAccounts(dst []Account, b *bucket) []Account {
	d, modes := u.d, u.d.modes[u.kind].list()
	own, others := u.own.list(), u.others.list()
	for i, limit := range u.limits().list() {
		if limit == 0 || d.loose[u.kind] && d.elsewhere[u.kind] && !d.grantless {
			continue
		}
		a := Account{
			ID: d.id, Kind: u.kind, Count: 1 << i, Limit: max(limit, 0), Configured: modes[i], Own: own[i], Others: others[i],
			Missed: d.missed, Vain: d.vain,
		}
		if x := u.accounts[i]; x != nil {
			a.Mode, a.Granted, a.Others, a.Waiting = Escrow, x.Granted(), x.Others(), d.demand.of[i].waiting
		}
		a.Reason = u.reason(b, i, a.Mode, a.Configured)
		dst = append(dst, a)
	}
	return dst
}

// reason says why a limit is kept together in another mode than configured.
func (u *usage) reason(b *bucket, i int, mode, want Mode) string {
	switch {
	case mode == want || want == Auto && mode == Escrow:
		return ""
	case mode == Escrow:
		return reasonOthers
	case u.d.loose[u.kind] && !u.d.elsewhere[u.kind]:
		return reasonLoose
	case b.met && b.epoch == 0:
		return reasonStore
	case u.d.loose[u.kind]:
		return reasonBucket
	case u.broken:
		return reasonBroken
	case want == Auto && u.agreement != (agreement{}) && u.escrow()&(1<<i) == 0:
		return ""
	case u.held.Said():
		return reasonOthers
	}
	return reasonUnknown
}

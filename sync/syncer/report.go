package syncer

import "github.com/plimsoll-dev/plimsoll/window"

// Account is the state of one limit of a deployment in its current window. Amounts are in
// the limit's unit: requests or tokens.
type Account struct {
	ID    string
	Kind  window.Kind
	Count Counts // the limited count: exactly one of the Counts
	Limit int64
	// Mode is the mode in force, Usage or Escrow, and Configured the mode that this node is
	// configured for. Reason is why they differ; "" = they are equal, or Auto has decided so.
	Mode, Configured Mode
	Reason           string
	// Granted is how much this node may use; 0 where Mode is Usage. Own is its usage. Others is
	// the usage and the reservations of the other nodes by the last total.
	Granted, Own, Others int64
	Waiting              int64 // demand of the requests that wait for a grant
	// Missed is the number of the deployment's requests that lacked a grant although the limit
	// had headroom and were refused at once. Vain is the number of those that waited for a
	// grant and were refused. Both count since New.
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

// limitNames are the names of limits without the last letter, which is the window's.
var limitNames = map[Counts]string{CountRequests: "rp", CountTokens: "tp", CountInput: "input_tp", CountOutput: "output_tp"}

// Reasons why a limit's mode is not the configured one.
const (
	reasonLoose   = "nodes cannot name its windows: of a phase or shape to be learned, or of a part of a minute that is no whole seconds"
	reasonBucket  = "auto keeps buckets by usage"
	reasonStore   = "the store has no epochs, as with LiteLLM's keys"
	reasonBroken  = "the store refuses its counter"
	reasonOthers  = "another node asked first in this window"
	reasonNodes   = "another node is configured for escrow or auto"
	reasonUnknown = "the store has not been asked yet"
)

// AppendAccounts appends an Account for every limit, in its current window, of the
// deployments that this node exchanges. The order is not defined. It does not wait for an
// exchange, and is safe for concurrent use.
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
	d, modes := u.d, u.d.configured[u.kind].list()
	own, remote := u.own.list(), u.remote.list()
	for i, limit := range u.limits().list() {
		if limit == 0 || d.loose[u.kind] && d.covered[u.kind] && !d.grantless {
			continue
		}
		a := Account{
			ID: d.id, Kind: u.kind, Count: 1 << i, Limit: max(limit, 0), Configured: modes[i], Own: own[i], Others: remote[i],
			Missed: d.missed, Vain: d.vain,
		}
		if x := u.accounts[i]; x != nil {
			a.Mode, a.Granted, a.Others, a.Waiting = Escrow, x.Granted(), x.Remote(), d.demand.of[i].waiting
		}
		a.Reason = u.reason(b, i, a.Mode, a.Configured)
		dst = append(dst, a)
	}
	return dst
}

// reason returns why the mode in force is not the configured one; "" = it is.
func (u *usage) reason(b *bucket, i int, mode, want Mode) string {
	switch {
	case mode == want || want == Auto && mode == Escrow:
		return ""
	case mode == Escrow && u.d.modes[u.kind] != u.d.configured[u.kind]:
		return reasonNodes
	case mode == Escrow:
		return reasonOthers
	case u.d.loose[u.kind] && !u.d.covered[u.kind]:
		return reasonLoose
	case b.met && b.epoch == 0:
		return reasonStore
	case u.d.loose[u.kind]:
		return reasonBucket
	case u.broken:
		return reasonBroken
	case want == Auto && u.agreement != (agreement{}) && u.escrow()&(1<<i) == 0:
		return ""
	case u.held.Known():
		return reasonOthers
	}
	return reasonUnknown
}

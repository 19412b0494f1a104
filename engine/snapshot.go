package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	snapshotVersion = 1
	maxSnapshot     = 16 << 20                          // bytes that Restore reads
	mostSnapshot    = 2 * (MaxDeployments + MaxCallers) // entries: an hour and a day of each
)

// snapshot is what Snapshot writes, as JSON.
type snapshot struct {
	Version int          `json:"version"`
	Days    snapshotDays `json:"days"`
}

// snapshotDays are the hours and days of at most [MaxDeployments] deployments and
// [MaxCallers] callers.
type snapshotDays []snapshotDay

type snapshotDay struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`  // window.Kind
	Start    int64  `json:"start"` // of the hour or day, Unix seconds
	Requests int64  `json:"requests"`
	Tokens   int64  `json:"tokens"`
	Input    int64  `json:"input,omitempty"`  // tokens, under a limit on them
	Output   int64  `json:"output,omitempty"` // tokens, under a limit on them
}

// Snapshot writes the usage under limits per hour and day, of this node and the others
// together, for [Engine.Restore] after a restart. It writes one JSON object with a version, and
// the IDs of deployments and of callers, these with [window.CallerPrefix]; no
// secrets. The error is that of w.
func (e *Engine) Snapshot(w io.Writer) error {
	now := e.clock.Read()
	s := snapshot{Version: snapshotVersion, Days: snapshotDays{}}
	e.eachGroup(now, func(g *Group) {
		for _, h := range slices.Concat(g.view.Load().handles, g.removed) {
			s.Days = h.snapshot(s.Days)
		}
	})
	if err := json.NewEncoder(w).Encode(&s); err != nil {
		return fmt.Errorf("engine: snapshot: %w", err)
	}
	return nil
}

func (h *handle) snapshot(dst snapshotDays) snapshotDays {
	ms, at := h.limits.Load(), counter.At{Epoch: h.turned}
	var used [window.Kinds]amounts
	var starts [window.Kinds]int64
	for m := range ms.long() {
		w := m.Window(at)
		used[m.Kind()][m.Dim], starts[m.Kind()] = m.UsedIn(w), startOf(m.Kind(), w)
	}
	for kind := range used {
		if u := &used[kind]; *u != (amounts{}) {
			dst = append(dst, snapshotDay{
				ID: h.shared(), Kind: window.Kind(kind).String(), Start: starts[kind],
				Requests: min(u[counter.Requests], MaxCount), Tokens: min(u[counter.Tokens], MaxCount),
				Input: min(u[counter.Input], MaxCount), Output: min(u[counter.Output], MaxCount),
			})
		}
	}
	return dst
}

// Restore reads what [Engine.Snapshot] wrote, normally before the first request. The usage counts
// as that of other nodes: Collect never lists it, and the first Absorb that names the window
// replaces it, so that usage which a store has already is not reported twice. Without a store it
// stays, and limits per hour and day hold over a restart. Windows other than the current ones,
// deployments that are not configured or have no such limits, and windows that Absorb has
// named are ignored. Another Restore replaces the usage of the one before.
//
// For a snapshot that is malformed, of another version or larger than 16 MiB, Restore changes
// nothing and returns an error that names the place.
func (e *Engine) Restore(r io.Reader) error {
	s, err := readSnapshot(r)
	if err != nil {
		return fmt.Errorf("engine: snapshot: %w", err)
	}
	for i := range s.Days {
		d := &s.Days[i]
		if h := e.sharedBy(d.ID); h != nil {
			h.locked(func(*owner, int64) { h.restoreDay(d) })
		}
	}
	return nil
}

// restoreDay counts a restored hour or day as used by other nodes, unless Absorb has named
// that window. Under the group's mutex.
func (h *handle) restoreDay(in *snapshotDay) {
	ms, at := h.limits.Load(), counter.At{Epoch: h.turned}
	for m := range ms.long() {
		day := m.Window(at)
		if m.Kind().String() != in.Kind || startOf(m.Kind(), day) != in.Start || m.Ledger(day).Known {
			continue
		}
		n := [counter.Dims]int64{counter.Input: in.Input, counter.Output: in.Output, counter.Tokens: in.Tokens, counter.Requests: in.Requests}[m.Dim]
		more, _ := m.Absorb(at, day, counter.Received{Others: n, Ceiling: m.Ledger(day).Ceiling, Retry: m.Ledger(day).Retry})
		m.Ledger(day).Known = false
		ms.absorbLong(m.Shape, m.Dim, day, more)
		h.capacityFreed(h.turned)
	}
}

func readSnapshot(r io.Reader) (s snapshot, err error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSnapshot+1))
	if err != nil {
		return s, err
	}
	if len(b) > maxSnapshot {
		return s, fmt.Errorf("larger than %d bytes: not a snapshot", maxSnapshot)
	}
	in := json.NewDecoder(bytes.NewReader(b))
	in.DisallowUnknownFields()
	if err := in.Decode(&s); err != nil {
		return s, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return s, errors.New("something follows the object")
	}
	if s.Version != snapshotVersion {
		return s, fmt.Errorf("version %d: this release reads %d only; start without it", s.Version, snapshotVersion)
	}
	return s, s.Days.check()
}

// UnmarshalJSON reads a list of at most mostSnapshot entries.
func (s *snapshotDays) UnmarshalJSON(b []byte) error {
	in := json.NewDecoder(bytes.NewReader(b))
	in.DisallowUnknownFields()
	if t, err := in.Token(); err != nil || t != json.Delim('[') {
		return errors.New("days: a list is needed")
	}
	for *s = nil; in.More(); {
		if len(*s) == mostSnapshot {
			return fmt.Errorf("days: more than %d", mostSnapshot)
		}
		var d snapshotDay
		if err := in.Decode(&d); err != nil {
			return fmt.Errorf("days[%d]: %w", len(*s), err)
		}
		*s = append(*s, d)
	}
	return nil
}

// latestStart is the latest start that a snapshot may have, in Unix seconds: in the year 2242.
const latestStart = 1 << 33

func (s snapshotDays) check() error {
	seen := make(map[string]bool, len(s))
	kinds := [...]window.Kind{window.KindHour, window.KindDay, window.KindDayPacific}
	for i, d := range s {
		bad := func(field, format string, args ...any) error {
			return fmt.Errorf("days[%d].%s: %s", i, field, fmt.Sprintf(format, args...))
		}
		k := slices.IndexFunc(kinds[:], func(k window.Kind) bool { return k.String() == d.Kind })
		if k < 0 {
			return bad("kind", "%q is neither %q, %q nor %q", d.Kind, kinds[0], kinds[1], kinds[2])
		}
		switch {
		case d.ID == "":
			return bad("id", "is empty")
		case seen[d.ID+" "+d.Kind]:
			return bad("id", "%q is there twice", d.ID)
		case d.Start < 0 || d.Start > latestStart:
			return bad("start", "%d is not from 0 to %d", d.Start, int64(latestStart))
		}
		for k, n := range [...]int64{d.Requests, d.Tokens, d.Input, d.Output} {
			if n < 0 || n > MaxCount {
				return bad([...]string{"requests", "tokens", "input", "output"}[k], "%d is not from 0 to %d", n, MaxCount)
			}
		}
		if start, _ := kinds[k].Span(d.Start); start != d.Start {
			name := "day"
			if !kinds[k].Daily() {
				name = kinds[k].String()
			}
			return bad("start", "no %s begins at %d", name, d.Start)
		}
		seen[d.ID+" "+d.Kind] = true
	}
	return nil
}

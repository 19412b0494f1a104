package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// Traffic is a load. It is never changed once it is made.
type Traffic struct {
	Name string
	// Calls arrive whatever became of those before them.
	Calls trace.Trace
	// Sessions are closed loops: a call begins when the one before it has ended.
	Sessions []Session
}

// Session is an agent's conversation.
type Session struct {
	Begin time.Duration // since the beginning of the traffic
	Steps []Step
}

// Step is a round of calls of a session, which begin together.
type Step struct {
	Think time.Duration // from the end of the round before, or from the session's beginning
	Calls []trace.Request
}

// each calls f for every call of the traffic.
func (t *Traffic) each(f func(*trace.Request)) {
	for i := range t.Calls {
		f(&t.Calls[i])
	}
	for _, s := range t.Sessions {
		for _, step := range s.Steps {
			for i := range step.Calls {
				f(&step.Calls[i])
			}
		}
	}
}

// duration is how long the traffic arrives if calls take no time.
func (t *Traffic) duration() time.Duration {
	d := t.Calls.Duration()
	for _, s := range t.Sessions {
		at := s.Begin
		for _, step := range s.Steps {
			at += step.Think
		}
		d = max(d, at)
	}
	return d
}

// fit returns a copy of the traffic that is warped in time: what the providers charge for
// it is load times their limits on tokens; where input and output have limits of their own, times
// those that the traffic uses more of.
func (t *Traffic) fit(w *World, load float64) (*Traffic, error) {
	charge, tpm := rule.Charge{}, int64(0)
	t.each(func(r *trace.Request) {
		c := w.charged(rule.Call{Input: r.Input, Output: r.Output, MaxOutput: r.MaxOutput})
		charge.Input += c.Input
		charge.Output += c.Output
	})
	for _, d := range w.pool() {
		tpm += d.TPM
	}
	tokens, from := w.needs(charge), t.duration()
	if tokens == 0 || from == 0 {
		return nil, fmt.Errorf("traffic %s has no tokens, or all calls arrive at one instant, so it cannot be scaled to a load", t.Name)
	}
	to := time.Duration(float64(tokens) / (float64(tpm) * load) * float64(time.Minute))
	fitted := &Traffic{Name: t.Name, Calls: slices.Clone(t.Calls)}
	fitted.Calls.Warp(time.Duration(float64(t.Calls.Duration()) / float64(from) * float64(to)))
	by := float64(to) / float64(from)
	for _, s := range t.Sessions {
		steps := slices.Clone(s.Steps)
		for i := range steps {
			steps[i].Think = time.Duration(float64(steps[i].Think) * by)
		}
		fitted.Sessions = append(fitted.Sessions, Session{time.Duration(float64(s.Begin) * by), steps})
	}
	return fitted, nil
}

// named returns the calls of the workload with the caps that clients name.
func named(name string, calls trace.Trace) *Traffic {
	calls.NameMaxOutput(1)
	return &Traffic{Name: name, Calls: calls}
}

// Generated returns the traffic of the generators, each of a length.
func Generated(length time.Duration) []*Traffic {
	return []*Traffic{
		named("chat", trace.Generate(1, length, trace.Chat())),
		named("code", trace.Generate(1, length, trace.Code())),
		named("long", trace.Generate(1, length, trace.Long())),
		named("reason", trace.Generate(1, length, trace.Reason())),
		named("crowd", crowd(1, length)),
		agents(1, length),
	}
}

// ReadTraffic returns the traffic of every .csv file of a folder, by name.
func ReadTraffic(ctx context.Context, folder string) ([]*Traffic, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []*Traffic
	for _, e := range entries {
		name, csv := strings.CutSuffix(e.Name(), ".csv")
		if !csv || e.IsDir() {
			continue
		}
		calls, err := trace.ReadFile(ctx, filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, named(name, calls))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no file whose name ends with .csv; want files with the columns %s", folder, trace.Header)
	}
	return all, nil
}

package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Profiles is the rule by which deployments without a profile of their own count.
type Profiles string

// The two rules, and ProfilesUnset: the rule of the file, plain if it has none.
const (
	ProfilesUnset Profiles = ""
	// ProfilesPlain counts by the plain rule: the zero [provider.Profile].
	ProfilesPlain Profiles = "plain"
	// ProfilesAuto counts by the rule of the deployment's provider, or by that of
	// [provider.Unknown] if the provider is unknown.
	ProfilesAuto Profiles = "auto"
)

var profilesNames = []string{string(ProfilesAuto), string(ProfilesPlain)}

// ParseProfiles returns the rule with a name: auto or plain. The error says which names there are.
func ParseProfiles(name string) (Profiles, error) {
	if !slices.Contains(profilesNames, name) {
		return ProfilesUnset, fmt.Errorf("want %s", listed(profilesNames))
	}
	return Profiles(name), nil
}

// Names of rules that are no provider's.
const (
	presetPlain  = "plain"
	presetBucket = "bucket"
)

// Counting is the source of a deployment's profile.
type Counting struct {
	// Provider is the provider's name, as in [provider.Names]; "" = unknown.
	Provider string
	// Preset is the rule that its profile is or begins with: a name of
	// [provider.Names], plain, or bucket for [provider.Unknown].
	Preset string
	// Changed is set if the file changes fields of the preset.
	Changed bool
}

// String returns the preset's name, and whether it was changed.
func (c Counting) String() string {
	if c.Changed {
		return c.Preset + ", changed"
	}
	return c.Preset
}

var (
	profileKeys = []string{"preset", "shape", "phase", "learn_phase", "learn_shape", "request_window", "admit", "estimate_stands", "weights", "counts_refused", "day", "pool"}
	weightKeys  = []string{"input", "cached_input", "cache_write", "output"}
)

// presetOf returns the rule of a provider for a model, and its name.
func presetOf(name, model string) (provider.Profile, string) {
	p, known := provider.Preset(name, model)
	if !known {
		return p, presetBucket
	}
	name, _ = provider.Canonical(name)
	return p, name
}

// given returns the profile of a deployment without one of its own.
func (o Profiles) given(name, model string) (provider.Profile, string) {
	if o == ProfilesAuto {
		return presetOf(name, model)
	}
	return provider.Profile{}, presetPlain
}

// readProfile reads the key profile of a deployment in the own format: a name, or
// a mapping that changes fields of a rule.
func readProfile(d section, mode Profiles, name, model string) (provider.Profile, Counting) {
	how := Counting{Provider: name}
	var p provider.Profile
	v := d.table.get("profile")
	switch {
	case v.absent():
		p, how.Preset = mode.given(name, model)
	case v.kind == table:
		s, _ := d.within("profile")
		p, how.Preset = s.preset("preset", name, model)
		base := p
		s.changed(&p)
		how.Changed = p != base
	default:
		p, how.Preset = d.preset("profile", name, model)
	}
	return p, how
}

// preset returns the rule that a key names; the plain one if there is none.
func (s section) preset(key, name, model string) (provider.Profile, string) {
	v := s.table.get(key)
	want := "plain, bucket, auto for the provider's own, or one of " + strings.Join(provider.Names(), ", ")
	if key == "profile" {
		want += "; or a mapping"
	}
	switch given := s.text(key, want); given {
	case "", presetPlain:
		return provider.Profile{}, presetPlain
	case presetBucket:
		return provider.Unknown(), presetBucket
	case string(ProfilesAuto):
		return presetOf(name, model)
	default:
		if _, known := provider.Canonical(given); !known {
			s.wrong(key, v, want)
		}
		return presetOf(given, model)
	}
}

// changed changes the fields of a rule that the file gives. Each is checked with
// its line, and so is what does not go together.
func (s section) changed(p *provider.Profile) {
	s.unknown(append(slices.Clone(profileKeys), outputAtEnd)...)
	has := func(key string) bool { return !s.table.get(key).absent() }
	if shape, ok := named(s, "shape", "minute or bucket", provider.ParseShape); ok {
		p.LearnShape = false // a shape that is given is no assumption
		if p.Shape = shape; shape == provider.Bucket {
			p.Phase, p.LearnPhase = 0, false // the preset's, which only minutes have
		}
	}
	if has("phase") {
		p.Phase = s.duration("phase", 0, time.Minute-time.Millisecond)
	}
	s.setFlag("learn_phase", &p.LearnPhase)
	for _, key := range []string{"phase", "learn_phase"} {
		if v := s.table.get(key); p.Shape == provider.Bucket && has(key) && (p.LearnPhase || key == "phase" && p.Phase > 0) {
			s.errorf(v.line, s.path+key, "is of minutes, and the shape is a bucket; leave it out, or choose shape: minute")
		}
	}
	s.setFlag("learn_shape", &p.LearnShape)
	if v := s.table.get("learn_shape"); p.LearnShape && p.Shape != provider.Bucket {
		s.errorf(v.line, s.path+"learn_shape", "is of buckets, and the shape is a minute; leave it out, or choose shape: bucket")
	}
	if has("request_window") {
		p.RequestWindow = s.duration("request_window", time.Second, time.Minute)
		if w := p.RequestWindow; w > 0 && time.Minute%w != 0 {
			s.wrong("request_window", s.table.get("request_window"), "a part of a minute, such as 1s, 10s or 20s; 1m for the whole minute")
		}
	}
	const admits = "expected, nothing, input, input+max, larger or max-as-input"
	if admit, ok := named(s, "admit", admits, provider.ParseAdmit); ok {
		p.Admit = admit
	}
	s.setFlag("estimate_stands", &p.EstimateStands)
	if p.EstimateStands && p.Admit == provider.AdmitNothing {
		at := s.table
		if has("estimate_stands") {
			at = s.table.get("estimate_stands")
		}
		s.errorf(at.line, s.path+"estimate_stands", "is true, and with admit: nothing no token would ever count; use false, or another admit")
	}
	s.outputAtEndGone()
	s.setFlag("counts_refused", &p.CountsRefused)
	if day, ok := named(s, "day", "utc or pacific", provider.ParseDay); ok {
		p.Day = day
	}
	if pool := s.plainText("pool", "the name of a limit that several deployments draw on"); pool != "" {
		p.Pool = pool
	}
	if w, ok := s.within("weights"); ok {
		w.weights(&p.Weights)
	}
}

// outputAtEnd is the key of a rule that releases before this one had.
const outputAtEnd = "output_at_end"

// outputAtEndGone rejects that rule; false, which meant that
// it is not used, is only reported.
func (s section) outputAtEndGone() {
	v := s.table.get(outputAtEnd)
	switch {
	case v.absent():
	case s.flag(outputAtEnd):
		s.errorf(v.line, s.path+outputAtEnd, "is true, and output counts in the minute of admission; leave the key out, and lower tpm where a limit of your own must hold minute by minute")
	default:
		s.warnf(v.line, s.path+outputAtEnd, "has no effect any more; leave it out")
	}
}

// named returns what a key's text is the name of; false if there is none.
func named[T any](s section, key, want string, parse func(string) (T, error)) (got T, ok bool) {
	text := s.text(key, want)
	if text == "" {
		return got, false
	}
	got, err := parse(text)
	if err != nil {
		s.wrong(key, s.table.get(key), want)
	}
	return got, err == nil
}

// setFlag sets a truth value that the file gives.
func (s section) setFlag(key string, to *bool) {
	if !s.table.get(key).absent() {
		*to = s.flag(key)
	}
}

// weights changes what tokens count. Weights that are all zero would mean that
// each counts as one, so they are not taken.
func (s section) weights(w *provider.Weights) {
	s.unknown(weightKeys...)
	if *w == (provider.Weights{}) {
		*w = provider.Weights{Input: 1, CachedInput: 1, CacheWrite: 1, Output: 1}
	}
	for i, to := range []*float64{&w.Input, &w.CachedInput, &w.CacheWrite, &w.Output} {
		v := s.table.get(weightKeys[i])
		if v.absent() {
			continue
		}
		n := s.numeric(v).number()
		if n != 0 && !(n >= provider.MinWeight && n <= provider.MaxWeight) {
			s.wrong(weightKeys[i], v, fmt.Sprintf("0, or a number from %v to %v", provider.MinWeight, provider.MaxWeight))
			continue
		}
		*to = n
	}
	if *w == (provider.Weights{}) {
		s.errorf(s.table.line, s.path, "are all 0, and then no token would ever count; give one that is above")
	}
}

// pool reads the pool that a deployment draws on, which may stand beside its profile or
// in it.
func (s section) pool(p *provider.Profile) {
	name := s.text("pool", "the name of a limit that several deployments draw on")
	if name != "" && p.Pool != "" && p.Pool != name {
		s.errorf(s.table.get("pool").line, s.path+"pool", "is %s, and profile.pool is %s; give one of them", s.secrets.quote(name), s.secrets.quote(p.Pool))
		return
	}
	if name != "" {
		p.Pool = name
	}
}

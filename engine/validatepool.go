package engine

import (
	"reflect"
	"strings"
)

// validatePools checks that the deployments of a pool have equal limits, margins and profiles.
// MaxInFlight may differ, because leases are limited for each deployment alone.
func (c *Config) validatePools(p *problems) {
	first := map[string]int{}
	for i := range c.Deployments {
		d := &c.Deployments[i]
		name := d.Profile.Pool
		if name == "" {
			continue
		}
		j, ok := first[name]
		if !ok {
			first[name] = i
			continue
		}
		o := &c.Deployments[j]
		if fields := unlike(d, o); len(fields) > 0 {
			p.addf("Deployments[%d]: %q differs from Deployments[%d], %q, of the same Profile.Pool %q, in %s; make them equal, or the pools different",
				i, d.ID, j, o.ID, name, strings.Join(fields, ", "))
		}
	}
}

// unlike names the fields in which two deployments of a pool differ.
func unlike(d, o *Deployment) (fields []string) {
	a, b := d.Limits, o.Limits
	a.MaxInFlight, b.MaxInFlight = 0, 0
	if a != b {
		fields = differences(fields, "Limits.", a, b)
	}
	if d.Margin != o.Margin {
		fields = append(fields, "Margin")
	}
	if d.Profile != o.Profile {
		fields = differences(fields, "Profile.", d.Profile, o.Profile)
	}
	return fields
}

func differences(fields []string, prefix string, a, b any) []string {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	for k := range va.NumField() {
		if !va.Field(k).Equal(vb.Field(k)) {
			fields = append(fields, prefix+va.Type().Field(k).Name)
		}
	}
	return fields
}

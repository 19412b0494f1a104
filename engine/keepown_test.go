package engine

import (
	"runtime"
	"testing"
	"weak"
)

// An Apply copies all deployments as one slice. A removed deployment to which a Ref refers must
// not keep that slice in memory.
func TestRemovedDeploymentsKeepTheirOwnConfiguration(t *testing.T) {
	of := func(ids ...string) (cfg Config) {
		for _, id := range ids {
			cfg.Deployments = append(cfg.Deployments, Deployment{ID: id, Group: "g", Limits: Limits{TPM: 1000}})
		}
		return cfg
	}
	e, err := New(of("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := e.Ref("a")
	b, _ := e.Ref("b")
	all := weak.Make(b.h.configured)
	if err := e.Apply(of("b")); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if all.Value() != nil {
		t.Error("the first configuration of both deployments is still in memory")
	}
	if d := a.h.configured; d.ID != "a" || d.Limits.TPM != 1000 {
		t.Errorf("the removed deployment has the configuration %+v", d)
	}
	runtime.KeepAlive(e)
}

package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Identity identifies a deployment, whatever its limits and parameters.
type Identity struct {
	// Named is true if the file has the deployment's id. LiteLLM generates all other ids from all
	// parameters, so that they change with any parameter.
	Named bool
	// Stable is a name that no edit of parameters changes: the id of a named one, else
	// a hash of group, model and address, and of the place among equals.
	Stable string
	// Generated is the id of the file, which LiteLLM has for it too.
	Generated string

	group, model, address string
	keyName               string // the variable that holds the key
	key                   uint64 // fingerprint of the key, of this process
}

// keySeed salts the fingerprints of keys: they mean nothing outside this process.
var keySeed = maphash.MakeSeed()

// identities returns the identity of each entry, by its id.
func (r *liteLLM) identities() map[string]Identity {
	out := make(map[string]Identity, len(r.entries))
	type equal struct{ group, model, address string }
	equals := map[equal][]*entry{}
	for _, e := range r.entries {
		id := Identity{Named: e.named, Stable: e.ID, Generated: e.ID, group: e.Group, model: e.Model}
		base := e.params.table.get("api_base")
		if base.absent() {
			base = e.params.table.get("base_url")
		}
		if base != nil {
			id.address = strings.TrimSuffix(base.text, "/")
		}
		if key := e.params.table.get("api_key"); key != nil {
			id.key, id.keyName = maphash.String(keySeed, key.text), key.env
		}
		out[e.ID] = id
		if !e.named {
			at := equal{id.group, id.model, id.address}
			equals[at] = append(equals[at], e)
		}
	}
	for at, list := range equals {
		// Those whose keys stand in variables of other names keep apart wherever they
		// stand in the file.
		slices.SortStableFunc(list, func(a, b *entry) int { return cmp.Compare(out[a.ID].keyName, out[b.ID].keyName) })
		for i, e := range list {
			sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d", at.group, at.model, at.address, i))
			id := out[e.ID]
			id.Stable = hex.EncodeToString(sum[:16])
			out[e.ID] = id
		}
	}
	return out
}

// Continue gives the deployments of f the ids that they have in the file before it,
// so that usage, cooldowns, leases and what was learned go on. It matches one to one:
// ids of the file, then group, model, address and key, then group, model and address
// in the order of the file. Deployments that are new get ids that none has. Call it
// before f is used, from one goroutine.
func (f *File) Continue(before *File) {
	if before == nil || len(f.Identities) == 0 {
		return
	}
	free := make([]string, 0, len(before.Identities)) // ids that a deployment of f may take over
	for _, d := range before.Engine.Deployments {
		if id, ok := before.Identities[d.ID]; ok && !id.Named {
			free = append(free, d.ID)
		}
	}
	used := map[string]bool{}
	for id, identity := range f.Identities {
		if identity.Named {
			used[id] = true
		}
	}
	renamed := map[string]string{} // id of f to the id it gets
	match := func(key func(Identity) string) {
		at := map[string][]string{}
		for _, id := range free {
			if !used[id] {
				k := key(before.Identities[id])
				at[k] = append(at[k], id)
			}
		}
		for _, d := range f.Engine.Deployments {
			identity := f.Identities[d.ID]
			if _, done := renamed[d.ID]; done || identity.Named {
				continue
			}
			k := key(identity)
			if list := at[k]; len(list) > 0 {
				renamed[d.ID], used[list[0]] = list[0], true
				at[k] = list[1:]
			}
		}
	}
	match(func(id Identity) string { return id.Generated })
	match(func(id Identity) string { return fmt.Sprintf("%q %q %q %d", id.group, id.model, id.address, id.key) })
	match(func(id Identity) string { return fmt.Sprintf("%q %q %q", id.group, id.model, id.address) })
	stable := map[string]bool{}
	for id, to := range renamed {
		identity := f.Identities[id]
		identity.Stable = before.Identities[to].Stable
		stable[identity.Stable] = true
		f.Identities[id] = identity
	}
	for _, d := range f.Engine.Deployments {
		identity := f.Identities[d.ID]
		if _, done := renamed[d.ID]; done || identity.Named {
			continue
		}
		renamed[d.ID] = freeName(d.ID, used)
		used[renamed[d.ID]] = true
		identity.Stable = freeName(identity.Stable, stable)
		stable[identity.Stable] = true
		f.Identities[d.ID] = identity
	}
	f.rename(renamed)
}

// freeName returns a name that is not taken yet.
func freeName(name string, taken map[string]bool) string {
	for n, to := 2, name; ; n++ {
		if !taken[to] {
			return to
		}
		to = fmt.Sprintf("%s-%d", name, n)
	}
}

// rename gives deployments other ids.
func (f *File) rename(to map[string]string) {
	deployments := make([]engine.Deployment, len(f.Engine.Deployments))
	for i, d := range f.Engine.Deployments {
		if id, ok := to[d.ID]; ok {
			d.ID = id
		}
		deployments[i] = d
	}
	f.Engine.Deployments = deployments
	f.Endpoints = renamedKeys(f.Endpoints, to)
	f.Counting = renamedKeys(f.Counting, to)
	f.Modes = renamedKeys(f.Modes, to)
	f.Identities = renamedKeys(f.Identities, to)
}

func renamedKeys[V any](m map[string]V, to map[string]string) map[string]V {
	if m == nil {
		return nil
	}
	out := make(map[string]V, len(m))
	for id, v := range m {
		if other, ok := to[id]; ok {
			id = other
		}
		out[id] = v
	}
	return out
}

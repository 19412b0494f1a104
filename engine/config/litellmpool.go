package config

import (
	"fmt"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// baseModel returns a base_model without the provider that may stand before it.
func baseModel(text string) string {
	if before, after, cut := strings.Cut(text, "/"); cut && nameKnown(before) {
		return after
	}
	return text
}

// proposePools notes entries that seem to be one account: the same address, key and
// model, each with limits. They are counted apart unless a pool says otherwise.
func (r *liteLLM) proposePools() {
	type account struct{ key, base, model string }
	first, count := map[account]*entry{}, map[account]int{}
	var order []account
	for _, e := range r.entries {
		key := e.params.table.get("api_key")
		if key.absent() && (key == nil || !key.unset) || e.pool != "" || e.Limits == (engine.Limits{}) || e.organization != nil {
			continue
		}
		base := e.params.table.get("api_base")
		if base.absent() {
			base = e.params.table.get("base_url")
		}
		a := account{key.text + "\x00" + key.env, "", e.Model}
		if base != nil {
			a.base = base.text + "\x00" + base.env
		}
		if count[a]++; count[a] == 1 {
			first[a] = e
			order = append(order, a)
		}
	}
	for _, a := range order {
		if n := count[a]; n > 1 {
			e := first[a]
			r.notef(e.section.table.line, fmt.Sprintf("%smodel_info.plimsoll_pool", e.section.path),
				"%d deployments have the same model, address and key: if they are one account, give them the same pool, so that they draw on its limits together", n)
		}
	}
}

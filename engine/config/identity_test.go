package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// Every kind of edit keeps the ids of deployments that are the same, one to one.
func TestContinue(t *testing.T) {
	const (
		a = `{model_name: chat, litellm_params: {model: openai/m, api_base: "http://h/v1", api_key: k1, rpm: 5}}`
		b = `{model_name: chat, litellm_params: {model: openai/m, api_base: "http://h/v1", api_key: k2, rpm: 5}}`
		c = `{model_name: other, litellm_params: {model: openai/m, api_key: k1, rpm: 5}}`
		n = `{model_name: chat, litellm_params: {model: openai/m, rpm: 5}, model_info: {id: named}}`
	)
	read := func(entries ...string) *config.File {
		return mustParse(t, "model_list:\n- "+strings.Join(entries, "\n- ")+v2)
	}
	edited := func(entry, from, to string) string {
		require.Contains(t, entry, from)
		return strings.Replace(entry, from, to, 1)
	}
	for name, tt := range map[string]struct {
		entries []string
		want    []int // which of a, b, c and n each continues; -1 = none
	}{
		"nothing":                  {[]string{a, b, c, n}, []int{0, 1, 2, 3}},
		"limit up":                 {[]string{edited(a, "rpm: 5", "rpm: 6"), b, c, n}, []int{0, 1, 2, 3}},
		"limit down, of all":       {[]string{edited(a, "rpm: 5", "rpm: 4"), edited(b, "rpm: 5", "rpm: 4"), edited(c, "rpm: 5", "rpm: 4"), n}, []int{0, 1, 2, 3}},
		"key rotated":              {[]string{a, edited(b, "k2", "k3"), c, n}, []int{0, 1, 2, 3}},
		"all keys rotated":         {[]string{edited(a, "k1", "k8"), edited(b, "k2", "k9"), c, n}, []int{0, 1, 2, 3}},
		"timeout added":            {[]string{edited(a, "rpm: 5", "rpm: 5, timeout: 30"), b, c, n}, []int{0, 1, 2, 3}},
		"keys reordered":           {[]string{edited(a, "api_key: k1, rpm: 5", "rpm: 5, api_key: k1"), b, c, n}, []int{0, 1, 2, 3}},
		"moved":                    {[]string{n, c, b, a}, []int{3, 2, 1, 0}},
		"moved, with other limits": {[]string{edited(b, "rpm: 5", "rpm: 7"), edited(a, "rpm: 5", "rpm: 8"), c, n}, []int{1, 0, 2, 3}},
		"first removed":            {[]string{edited(b, "rpm: 5", "rpm: 7"), c, n}, []int{1, 2, 3}},
		"duplicated":               {[]string{a, a, b, c, n}, []int{0, -1, 1, 2, 3}},
		"another model":            {[]string{edited(a, "openai/m", "openai/x"), b, c, n}, []int{-1, 1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			before := read(a, b, c, n)
			after := read(tt.entries...)
			after.Continue(before)
			seen := map[string]bool{}
			for i, d := range after.Engine.Deployments {
				require.False(t, seen[d.ID], "ids are unique")
				seen[d.ID] = true
				if want := tt.want[i]; want >= 0 {
					require.Equal(t, before.Engine.Deployments[want].ID, d.ID, "entry %d", i)
					require.Equal(t, before.Identities[d.ID].Stable, after.Identities[d.ID].Stable)
				} else {
					for _, old := range before.Engine.Deployments {
						require.NotEqual(t, old.ID, d.ID)
					}
				}
				require.Contains(t, after.Counting, d.ID)
			}
			require.NoError(t, after.Engine.Validate())
		})
	}
}

// The name in a store follows from group, model, address and place among equals, so
// nodes with files that differ in limits, keys and order of others agree.
func TestStableNames(t *testing.T) {
	names := func(text string) map[string]bool {
		f := mustParse(t, text+v2)
		out := map[string]bool{}
		for _, d := range f.Engine.Deployments {
			out[f.Identities[d.ID].Stable] = true
		}
		return out
	}
	const entry = "- {model_name: g, litellm_params: {model: openai/m, api_key: %s, rpm: %d}}\n"
	first := names("model_list:\n" + fmt.Sprintf(entry, "k1", 5) + "- {model_name: h, litellm_params: {model: openai/m}, model_info: {id: mine}}")
	require.True(t, first["mine"])
	require.Equal(t, first, names("model_list:\n- {model_name: h, litellm_params: {model: openai/m, rpm: 9}, model_info: {id: mine}}\n"+fmt.Sprintf(entry, "k2", 6)))
	require.Len(t, names("model_list:\n"+fmt.Sprintf(entry, "k1", 5)+fmt.Sprintf(entry, "k2", 5)), 2)
}

package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestStoreMode: how nodes keep limits together is one of three words, and escrow does not
// go with LiteLLM's keys.
func TestStoreMode(t *testing.T) {
	read := func(store string) (*config.File, error) {
		return config.Parse("plimsoll.yaml", []byte("deployments: [{id: a, group: chat, rpm: 6}]\nstore: "+store+"\n"), config.Options{})
	}
	f, err := read("{url: 'valkey://127.0.0.1:6379', mode: escrow}")
	require.NoError(t, err)
	require.Equal(t, "escrow", f.Store.Mode)
	_, err = read("{url: 'valkey://127.0.0.1:6379', mode: exact}")
	require.ErrorContains(t, err, "store.mode")
	require.ErrorContains(t, err, "usage, escrow or auto")
	_, err = read("{url: 'valkey://127.0.0.1:6379', mode: escrow, key_format: litellm}")
	require.ErrorContains(t, err, "take key_format: litellm out")
}

// TestSync: a deployment says for all its limits, or limit by limit, how nodes keep them
// together; what a limit cannot have is an error at its line.
func TestSync(t *testing.T) {
	read := func(sync, store string) (*config.File, error) {
		return config.Parse("plimsoll.yaml", []byte("deployments:\n- id: a\n  group: chat\n  rpm: 6\n  tpm: 1000\n  max_in_flight: 3\n  sync: "+sync+"\n- {id: b, group: chat}\n"+store), config.Options{})
	}
	f, err := read("auto", "")
	require.NoError(t, err)
	require.Equal(t, map[string]config.Sync{"a": {All: "auto"}}, f.Sync)
	require.Equal(t, "auto", f.Sync["a"].Of(provider.TPM))
	require.Empty(t, f.Sync["b"].Of(provider.TPM))
	f, err = read("{tpm: escrow, rpm: usage}", "")
	require.NoError(t, err)
	require.Equal(t, "escrow", f.Sync["a"].Of(provider.TPM))
	require.Equal(t, "usage", f.Sync["a"].Of(provider.RPM))
	require.Empty(t, f.Sync["a"].Of(provider.TPD))
	f, err = read("{tmp: escrow}", "")
	require.NoError(t, err)
	require.Len(t, f.Warnings, 1)
	require.Contains(t, f.Warnings[0].String(), "deployments[0].sync.tmp")
	const litellm = "store: {url: 'valkey://127.0.0.1:6379', key_format: litellm}\n"
	for _, bad := range []struct{ sync, store, want string }{
		{"exact", "", "plimsoll.yaml:7: deployments[0].sync: found the text \"exact\"; want usage, escrow or auto"},
		{"[escrow]", "", "deployments[0].sync"},
		{"{tpm: 3}", "", "deployments[0].sync.tpm"},
		{"{tpm: no}", "", "deployments[0].sync.tpm"},
		{"{max_in_flight: escrow}", "", "deployments[0].sync.max_in_flight: calls in flight are each node's own and not shared; take the line out"},
		{"{tpd: escrow}", "", "deployments[0].sync.tpd: the deployment has no limit tpd; add one, or take the line out"},
		{"escrow", litellm, "plimsoll.yaml:7: deployments[0].sync: escrow needs counters that can be renamed after a loss"},
		{"{tpm: escrow}", litellm, "deployments[0].sync: escrow needs counters"},
	} {
		_, err := read(bad.sync, bad.store)
		require.ErrorContains(t, err, bad.want, bad.sync)
	}
	for _, good := range []string{"auto", "usage", "{tpm: auto}"} {
		_, err = read(good, litellm)
		require.NoError(t, err)
	}
}

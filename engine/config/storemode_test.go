package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// TestStoreMode: how nodes keep limits together is one of two words, and escrow does not
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
	require.ErrorContains(t, err, "usage or escrow")
	_, err = read("{url: 'valkey://127.0.0.1:6379', mode: escrow, key_format: litellm}")
	require.ErrorContains(t, err, "take key_format: litellm out")
}

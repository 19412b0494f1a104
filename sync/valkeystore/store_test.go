package valkeystore_test

import (
	"testing"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
)

func TestContract(t *testing.T) {
	server := servertest.Start(t)
	t.Run("open", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) syncer.Store { return open(t, server.URL(), valkeystore.Config{}) })
	})
	t.Run("buckets", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) syncer.Store {
			return open(t, server.URL(), valkeystore.Config{Namespace: "many", Buckets: 5})
		})
	})
	t.Run("litellm", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) syncer.Store {
			return open(t, server.URL(), valkeystore.Config{
				Namespace: "litellm", KeyFormat: valkeystore.FormatLiteLLM, Model: func(string) string { return "gpt-4o" },
			})
		})
	})
	t.Run("new", func(t *testing.T) {
		// The caller's client, with the client's own defaults.
		c, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{server.Addr()}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		storetest.Run(t, func(*testing.T) syncer.Store { return valkeystore.New(c, valkeystore.Config{Namespace: "new"}) })
	})
	ttls(t, server)
}

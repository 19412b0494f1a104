package server_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// A file of tokens keeps its owner, who runs the daemon, when root adds a token.
func TestTokenFileKeepsItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := filepath.Join(t.TempDir(), "tokens")
	add := func(name string) {
		token := server.Token{Name: name, Scopes: server.AllScopes}
		_, err := token.Mint()
		require.NoError(t, err)
		require.NoError(t, server.AddToken(path, &token))
	}
	add("one")
	require.NoError(t, os.Chown(path, 12345, 23456))
	require.NoError(t, os.Chmod(path, 0o640))
	add("two")
	require.NoError(t, server.RevokeToken(path, "one"))
	info, err := os.Stat(path)
	require.NoError(t, err)
	stat := info.Sys().(*syscall.Stat_t)
	require.Equal(t, []uint32{12345, 23456}, []uint32{stat.Uid, stat.Gid})
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
}

// A folder that is not there is named, not a file of our own in it.
func TestTokenFileInNoFolder(t *testing.T) {
	token := server.Token{Name: "a", Scopes: server.AllScopes}
	_, err := token.Mint()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "none", "tokens")
	require.ErrorContains(t, server.AddToken(path, &token), path+": its folder cannot be used: stat ")
}

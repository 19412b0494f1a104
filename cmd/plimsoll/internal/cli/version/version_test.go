package version

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersionText(t *testing.T) {
	info := debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v0.3.1"}}
	require.Regexp(t, `^plimsoll v0\.3\.1\ngo1\.26\.8 \w+/\w+\n$`, versionText(&info))
	info.Main.Version = "(devel)"
	info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: "abc123"}, {Key: "vcs.time", Value: "2026-11-23T10:00:00Z"}, {Key: "vcs.modified", Value: "true"}}
	require.Regexp(t, `^plimsoll without a version\ncommit abc123 of 2026-11-23T10:00:00Z, with changes\n`, versionText(&info))
}

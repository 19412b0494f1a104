// Package version is plimsoll version: it shows which plimsoll this is.
package version

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
)

const intro = `Prints the version, the commit it was built from, and the Go version and
platform it was built with.`

// New returns plimsoll version.
func New(env cmdline.Environment) *cobra.Command {
	c := cmdline.New(cmdline.Text{Use: "version", Short: "show which plimsoll this is", Intro: intro})
	c.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return cmdline.Usagef("version", "unexpected argument %q", args[0])
		}
		return run(env)
	}
	return c
}

func run(env cmdline.Environment) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("version: this program was built without build information")
	}
	_, err := io.WriteString(env.Stdout, versionText(info))
	return err
}

// versionText writes what is known of a build.
func versionText(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "without a version"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "plimsoll %s\n", version)
	if commit := settings["vcs.revision"]; commit != "" {
		fmt.Fprintf(&b, "commit %s of %s", commit, settings["vcs.time"])
		if settings["vcs.modified"] == "true" {
			b.WriteString(", with changes")
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%s %s/%s\n", info.GoVersion, runtime.GOOS, runtime.GOARCH)
	return b.String()
}

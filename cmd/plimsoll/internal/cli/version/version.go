package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
)

const versionHelp = `Usage: plimsoll version

Prints the version, the commit it was built from, and the Go version and
platform it was built with.
`

// runVersion is plimsoll version.
func runVersion(_ context.Context, args []string, env environment) error {
	if len(args) > 0 {
		switch args[0] {
		case "-h", "-help", "--help":
			_, err := io.WriteString(env.stdout, versionHelp)
			return err
		}
		return &usageError{command: "version", err: fmt.Errorf("version: unexpected argument %q", args[0])}
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("version: this program was built without build information")
	}
	_, err := io.WriteString(env.stdout, versionText(info))
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

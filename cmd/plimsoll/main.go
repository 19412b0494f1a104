// Command plimsoll runs the daemon and proxy (serve), shows it (top), checks configuration
// files (check), manages tokens (token) and replays traffic (replay, lab). Run plimsoll --help.
package main

import "github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"

func main() { cli.Main() }

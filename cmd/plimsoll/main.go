// Command plimsoll shows what plimsoll does with traffic. Run plimsoll --help.
package main

import "github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"

func main() { cli.Main() }

// Package cmdline is the code that the commands of plimsoll share: their environment,
// the layout of their help, usage errors, and parsers of flags.
package cmdline

// Package cmdline is what the commands of plimsoll share: what they see of their
// process, how their help looks, mistakes in a command line, and values of flags.
package cmdline

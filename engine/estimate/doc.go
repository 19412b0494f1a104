// Package estimate says how many tokens a prompt has.
package estimate

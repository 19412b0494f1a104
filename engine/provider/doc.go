// Package provider describes how the providers of models count against their
// limits, and reads what they say about it.
//
// A [Profile] is a provider's rule: when it counts, what it counts and over
// which window. [Preset] knows the rules of the common providers; each field can
// be changed afterwards.
//
// A [Signal] is what one answer said about a deployment's limits, in its headers
// or in the body of a refusal, whatever the provider's names and formats.
//
// The package does no I/O and imports no network code: headers come as a
// function, which http.Header.Get is.
package provider

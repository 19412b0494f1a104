// Package provider describes how the providers of models count against their
// limits, and reads the limits, figures and refusals in their answers.
//
// A [Profile] is a provider's rule: when it counts, what it counts and over
// which window. [Preset] returns the rules of the common providers; a caller may change each
// field afterwards.
//
// A [Signal] is what one answer reported of a deployment's limits, in its headers
// or in the body of a refusal, whatever the provider's names and formats are.
//
// The package does no I/O and imports no network code: a caller passes headers as a
// function, such as http.Header.Get.
package provider

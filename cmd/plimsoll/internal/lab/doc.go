// Package lab judges routing on worlds that are closer to real providers than those of
// package replay: calls travel over a network, providers count tokens differently from
// the router, headers come late or not at all, limits are shared with others, wrong or
// changed, and deployments fail.
//
// A [World] says how the providers behave and what the router is configured with. A
// [Traffic] is the load. A [Policy] chooses deployments. [Run] plays one traffic in one
// world under one policy, in virtual time; equal arguments give equal outcomes, also where
// calls wait. A [Plan] is a matrix of such runs, and [Goals] are what its figures must
// reach.
//
// The simulated providers are those of package fuzz/rule, which shares no code with the
// engine. Policies use the engine through its public API.
package lab

// Package engine decides which deployment of a model a request goes to, so that no
// deployment passes its provider's limits. It decides in the caller's process and from
// memory, without waiting for a network, a file or another goroutine.
//
// # Use
//
// Describe the deployments in a [Config], make an [Engine] with [New], resolve a
// [Group] once with [Engine.Group], and for each request call
// [Group.TryAcquire]. It chooses the least used deployment on which the request fits, and
// reserves the expected cost. Send the request to [Lease.Ref], then end the
// [Lease] with [Lease.Settle] and the true usage.
//
// Callers that cannot keep a lease until the call ends use three steps instead, which are those
// of LiteLLM: [Group.Pick], [Ref.PreCheck], [Ref.Record].
//
// # What is exact
//
// A request fits if and only if, for every limit, used + cost <= limit. Reservations at
// admission never pass a limit on this node, under any number of goroutines. While no other
// request is in progress, a demand that fits is admitted. Usage that is
// reported afterwards ([Lease.Settle], [Lease.Add], [Ref.Record]) has happened
// and is counted even above a limit.
//
// # Time
//
// Unless [Deployment.Profile] has another rule, a limit per minute holds for the UTC minute,
// a limit per hour for the UTC hour and a limit per day for the UTC day. A
// reservation belongs to the minute, hour and day of its admission, however long
// the call takes. Give the engine a
// [window.Clock] and call its Run: a decision then costs tens of nanoseconds.
//
// # Several nodes
//
// A syncer shares usage with other nodes by [Engine.Collect] and [Engine.Absorb]. The
// engine itself does no I/O.
//
// # For contributors
//
// docs/ARCHITECTURE.md has the map of the files, the walk of one request, and what to write to
// add a limit, a strategy, a provider or a store. docs/CORE.md has the protocols between
// goroutines; comments refer to them by their numbers ("protocol 4").
package engine

// Package engine decides which deployment of a model a request goes to, in the
// caller's process and without waiting for anything, so that no deployment runs
// past its provider's limits.
//
// # Use
//
// Describe the deployments in a [Config], make an [Engine] with [New], resolve a
// [Group] once with [Engine.Group], and for each request call
// [Group.TryAcquire]. It picks the least used deployment with room and reserves
// what the request should cost. Send the request to [Lease.Ref], then end the
// [Lease] with [Lease.Settle] and the true usage.
//
// Callers that cannot hold a lease use the three steps of the original:
// [Group.Pick], [Ref.PreCheck], [Ref.Record].
//
// # What is exact
//
// A request fits iff, for every limit, used + cost <= limit. What is reserved at
// admission never passes a limit on this node, under any number of goroutines,
// and once nothing else is in motion a demand that fits is admitted. What is
// reported afterwards ([Lease.Settle], [Lease.Add], [Ref.Record]) has happened
// and is counted even above a limit.
//
// # Time
//
// Unless [Deployment.Profile] says otherwise, a limit per minute holds for the UTC minute, one per day for the UTC day. A
// reservation belongs to the minute and the day of its admission, however long
// the call takes. Give the engine a
// [window.Clock] and call its Run: a decision then costs tens of nanoseconds.
//
// # Several nodes
//
// [Engine.Collect] and [Engine.Absorb] are how a syncer shares usage with other
// nodes; the engine itself does no I/O.
package engine

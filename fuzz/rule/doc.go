// Package rule models how LLM providers count calls, refuse them and report
// their limits. The models are slow, plain and exact; they share no code with
// the engine, so that tests can compare the engine with them. The transport's
// tests answer HTTP requests by them, and `plimsoll replay` simulates providers
// with them.
//
// A [Rule] is what one provider documents, or what its answers show. [Rules]
// lists them with their sources. [Rule.Open] opens an [Account], which keeps the
// counters of one deployment. Beneath are four kinds of [Limit]: [FixedWindow],
// [Bucket], [Sliding] and [Days].
//
// Amounts are tokens or requests. Instants are Unix nanoseconds; calls must not
// go back in time. Nothing here may be used from several goroutines at once.
package rule

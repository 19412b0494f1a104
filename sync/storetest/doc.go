// Package storetest holds what every [syncer.Store] has to do: [Run] is the
// contract as a suite of tests, and [Faulty] makes a store's network as bad as a
// seeded plan says, for tests of what sits above it.
package storetest

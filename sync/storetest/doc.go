// Package storetest tests implementations of [syncer.Store] and their callers.
// [Run] is the contract of a store as a suite of tests. [Faulty] simulates a
// bad network in front of a store, by a plan and a seed.
package storetest

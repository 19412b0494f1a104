// Package memstore is a [syncer.Store] in memory, for engines of one process,
// tests and simulations. It keeps the whole contract: batches are applied once,
// lost writes and an emptied store show, and what is old expires.
package memstore

// Package escrow is the arithmetic of limits that all nodes together hold exactly: the
// escrow method, in which nodes reserve parts of a shared counter before they use them.
//
// An account is one limit of one deployment in one window, such as the tokens of a minute.
// The store keeps one counter for it: the sum of what all nodes have reserved for their
// requests, used or not. A node admits only what it has been granted. A request that finds
// budget therefore needs no network.
//
// # The rule
//
// A node asks by adding to the counter. What it has added and may not use yet is held.
// Whenever the node learns the counter's total V from an exchange after which none of
// its own changes is in doubt, it grants itself
//
//	x = clamp(L − (V − held), 0, held)
//
// of what it holds, L being the limit. The rest is returned with the next batch. A
// return leaves granted before it is sent. A batch whose reply was lost is sent again
// until the store answers; if the store says that it had been applied before, what it
// asked for stays held until the next total.
//
// # Invariants
//
//  1. A node has used at most what it is granted: own ≤ granted. (A request that turns
//     out larger than its reservation raises both; see [Account.Overrun].)
//  2. The counter is the sum over all nodes of what they are granted, hold and have yet
//     to return, with the asks that were applied but not yet acknowledged, and without
//     what a node has yet to commit after an overrun or a loss.
//  3. All nodes together are granted at most the limit: Σ granted ≤ L.
//
// # Proof of the third
//
// Order everything by the store's transactions. Say that a grant happens in the
// transaction whose total it is computed from, and a return in the one that applies it.
// In a transaction with total V of a node that holds h, the counter contains all that
// is granted by earlier transactions, and h, which is granted to no node: by (2),
// V − h ≥ Σ granted. After the grant of x ≤ L − (V − h), Σ granted ≤ V − h + x ≤ L.
// A transaction that returns lowers Σ granted, and one that asks leaves it as it is.
// What nodes really are granted at an instant is no more than by this order up to the
// last transaction: a grant takes effect after its transaction, a return before. Loss,
// repetition, reordering and late arrival of messages do not enter: a batch changes
// the counter once or never. A node that crashes leaves its part in the counter until
// the window ends.
//
// A store that loses its counters begins a new epoch with empty ones, and (2) fails
// until every node has added what it is granted under the new names. So nothing is
// granted for a while after an epoch began (the caller passes open = false to
// [Account.Total]). Afterwards Σ granted exceeds L by no more than what was committed
// by nodes that did not add theirs in time, as far as no earlier total that the asker knows
// had it.
package escrow

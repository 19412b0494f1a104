// Package model holds, as tests, every interleaving of what happens to the counters of
// one deployment, one atomic operation a step: attempts, settles, releases and turns
// (model_test.go), and a removed deployment's last settle, records, collections,
// dropping and adding again (drop_test.go). It plays the protocols, not the code.
package model

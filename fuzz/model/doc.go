// Package model holds a model of the engine's public API, written from its
// documentation alone: limits of every kind by every rule, classes, pools, margins,
// answers, leases and changes of the configuration, while the clock moves on. Its
// tests play random steps on an engine and on the model and compare what they admit.
package model

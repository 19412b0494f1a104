// Package servertest runs real Valkey or Redis servers for tests: a single
// server, a cluster or Sentinel, and a TCP proxy that simulates network faults.
// All of them listen on free ports of the loopback, keep their files in the
// test's directory and end with the test, even when the test process is killed.
package servertest

// Package servertest gives tests real servers, and a network between that can
// fail: a single server, a cluster, Sentinel, and a TCP proxy. Everything
// listens on the loopback at free ports, keeps its files in the test's own
// directory and ends with the test, also when the test process is killed.
package servertest

package servertest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

const slots = 16384

// Cluster is a Valkey Cluster: primaries that share the slots, each with a
// replica.
type Cluster struct {
	Nodes []*Server // primaries first, then their replicas in the same order
}

// StartCluster runs a cluster with one replica for each primary until the test
// ends. The cluster replaces a primary after it has been away for a second.
func StartCluster(tb testing.TB, primaries int) *Cluster {
	tb.Helper()
	c := &Cluster{}
	for range 2 * primaries {
		c.Nodes = append(c.Nodes, Start(
			tb,
			"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", strconv.Itoa(FreePort(tb)),
			"--cluster-node-timeout", "1000", "--repl-diskless-load", "swapdb", "--repl-timeout", "5",
			"--cluster-replica-validity-factor", "0", "--cluster-allow-replica-migration", "no",
		))
	}
	for i, n := range c.Nodes[:primaries] {
		n.Do(tb, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		n.Do(tb, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/primaries), strconv.Itoa((i+1)*slots/primaries-1))
	}
	first := c.Nodes[0]
	for _, n := range c.Nodes[1:] {
		n.Do(tb, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(first.Port), busPort(tb, first))
	}
	for _, n := range c.Nodes {
		Until(tb, "the nodes know each other", func() bool {
			return n.Info(tb, "cluster", "cluster_enabled") == "1" && strings.Contains(clusterInfo(tb, n), fmt.Sprintf("cluster_known_nodes:%d", len(c.Nodes)))
		})
	}
	for i, n := range c.Nodes[primaries:] {
		n.Do(tb, "CLUSTER", "REPLICATE", c.Nodes[i].ID(tb))
	}
	c.Await(tb)
	for _, n := range c.Nodes[primaries:] {
		Until(tb, "replicas are in step", func() bool { return n.Info(tb, "replication", "master_link_status") == "up" })
	}
	return c
}

// URL returns the address of the cluster, with all its nodes.
func (c *Cluster) URL() string {
	var more strings.Builder
	for _, n := range c.Nodes[1:] {
		more.WriteString("&addr=" + n.Addr())
	}
	return c.Nodes[0].URL() + "?cluster=true" + more.String()
}

// Await waits until every running node reports the cluster as complete.
func (c *Cluster) Await(tb testing.TB) {
	tb.Helper()
	for _, n := range c.Nodes {
		if n.cmd == nil {
			continue
		}
		Until(tb, "the cluster is whole", func() bool { return strings.Contains(clusterInfo(tb, n), "cluster_state:ok") })
	}
}

// Primaries returns the running nodes that currently serve slots.
func (c *Cluster) Primaries(tb testing.TB) []*Server {
	tb.Helper()
	var list []*Server
	for _, n := range c.Nodes {
		if n.cmd != nil && n.Info(tb, "replication", "role") == "master" {
			list = append(list, n)
		}
	}
	return list
}

// Owner returns the primary that serves a key, according to a running node.
func (c *Cluster) Owner(tb testing.TB, key string) *Server {
	tb.Helper()
	var owner *Server
	Until(tb, "the slot of "+key+" has a primary", func() bool {
		for _, n := range c.Nodes {
			if n.cmd == nil {
				continue
			}
			if _, err := Ask(n.Addr(), "EXISTS", key); err == nil {
				if role, err := Ask(n.Addr(), "ROLE"); err == nil && role.([]any)[0] == "master" {
					owner = n
					return true
				}
			}
		}
		return false
	})
	return owner
}

// Do sends a command to the primary that serves key.
func (c *Cluster) Do(tb testing.TB, key string, args ...string) any {
	tb.Helper()
	return c.Owner(tb, key).Do(tb, args...)
}

// ID returns the node's ID in its cluster.
func (s *Server) ID(tb testing.TB) string {
	tb.Helper()
	return s.Do(tb, "CLUSTER", "MYID").(string)
}

func clusterInfo(tb testing.TB, n *Server) string {
	tb.Helper()
	return n.Do(tb, "CLUSTER", "INFO").(string)
}

func busPort(tb testing.TB, n *Server) string {
	tb.Helper()
	return n.Do(tb, "CONFIG", "GET", "cluster-port").([]any)[1].(string)
}

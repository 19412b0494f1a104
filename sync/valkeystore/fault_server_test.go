package valkeystore_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
)

func TestWrongAddressAndPassword(t *testing.T) {
	const word = "hunter2-wrong"
	server := servertest.Start(t, "--requirepass", "right")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(word+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PLIMSOLL_TEST_PASSWORD", word)
	for _, tt := range []struct{ name, url, want string }{
		{"nothing listens", fmt.Sprintf("valkey://:%s@127.0.0.1:%d", word, servertest.FreePort(t)), "refused"},
		{"wrong password", fmt.Sprintf("valkey://:%s@%s", word, server.Addr()), "WRONGPASS"},
		{"wrong password, the remedy", fmt.Sprintf("valkey://:%s@%s", word, server.Addr()), `correct user "default" or the password in the address, or the server's users`},
		{"wrong password in a file", fmt.Sprintf("valkey://gw@%s?password_file=%s", server.Addr(), file), `correct user "gw" or the password in the file ` + file},
		{"wrong password in the environment", fmt.Sprintf("valkey://%s?password_env=PLIMSOLL_TEST_PASSWORD", server.Addr()), `or the password in the environment variable PLIMSOLL_TEST_PASSWORD`},
		{"unknown user", fmt.Sprintf("valkey://who:%s@%s", word, server.Addr()), "WRONGPASS"},
		{"no password", server.URL(), "NOAUTH"},
		{"no password, the remedy", server.URL(), "the server wants a password; give one by password_file=PATH, password_env=NAME or in the address"},
		{"TLS to a server without", fmt.Sprintf("valkeys://:%s@%s", word, server.Addr()), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNode(t, open(t, tt.url, valkeystore.Config{}))
			n.timeout = time.Second
			for range 3 {
				err := n.try(n.next(tally("a", begin(), 1, 1)))
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error = %v, want one with %q", err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), word) {
					t.Errorf("error = %v holds the password", err)
				}
			}
		})
	}
}

func TestServerComesLater(t *testing.T) {
	server := servertest.Start(t)
	server.Kill(t)
	before := runtime.NumGoroutine()
	store, err := valkeystore.Open(server.URL(), valkeystore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(t, store)
	b := n.next(tally("a", begin(), 1, 1))
	for range 3 {
		if err := n.try(b); err == nil {
			t.Fatal("an exchange without a server succeeded")
		}
	}
	server.Run(t)
	server.Await(t)
	n.resolve(b)
	store.Close()
	store.Close() // no harm
	if err := n.try(n.next()); err == nil {
		t.Error("an exchange after Close succeeded")
	}
	servertest.Until(t, "goroutines are as before", func() bool { return runtime.NumGoroutine() <= before+3 }) // the server's own
}

// A user without a right gets nothing applied, and everything when it is mended.
func TestPermissions(t *testing.T) {
	for _, denied := range []string{"watch", "multi", "exec", "incrby", "set", "time", "exists", "expire", "get"} {
		t.Run(denied, func(t *testing.T) {
			server := servertest.Start(t)
			server.Do(t, "ACL", "SETUSER", "gw", "on", ">pw", "~plimsoll2:*", "+@all", "-"+denied)
			n := newNode(t, open(t, "valkey://gw:pw@"+server.Addr(), valkeystore.Config{}))
			b := n.next(tally("a", begin(), 1, 10))
			for range 4 {
				err := n.try(b)
				if err == nil || !strings.Contains(err.Error(), "NOPERM") || !strings.Contains(err.Error(), denied) {
					t.Fatalf("error = %v, want one with NOPERM and %s", err, denied)
				}
			}
			server.Do(t, "ACL", "SETUSER", "gw", "+"+denied)
			n.resolve(b)
			if got, want := n.total("a", b.Deltas[0].Start), b.Deltas[0]; got != want {
				t.Errorf("total = %v, want %v", got, want)
			}
		})
	}
}

// Without rights for what is no count, usage is shared all the same, and the log says
// once what is not; once they are granted, it is.
func TestPermissionsOfExtras(t *testing.T) {
	for denied, lost := range map[string]string{
		"zadd": "cooldowns are not shared", "zrange": "cooldowns are not shared", "zremrangebyscore": "cooldowns are not shared",
		"zcount":               "nodes are not counted",
		"zadd -zrange -zcount": "nodes are not counted",
	} {
		t.Run(denied, func(t *testing.T) {
			server := servertest.Start(t)
			server.Do(t, append([]string{"ACL", "SETUSER", "gw", "on", ">pw", "~plimsoll2:*", "+@all"}, strings.Fields("-"+denied)...)...)
			said := &logged{}
			n := newNode(t, open(t, "valkey://gw:pw@"+server.Addr(), valkeystore.Config{Logger: said.logger()}))
			at := begin()
			for i := range 5 {
				d := tally("a", at, 1, 10)
				d.CoolUntil = time.Now().Add(time.Minute).UnixMilli() + int64(i)
				if err := n.try(n.next(d)); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := n.total("a", at), tally("a", at, 5, 50); got != want {
				t.Errorf("total = %v, want %v", got, want)
			}
			if n.failures != 0 {
				t.Errorf("%d attempts failed", n.failures)
			}
			if got := strings.Count(said.String(), lost); got != 1 {
				t.Errorf("%d lines say that %s: %s", got, lost, said)
			}
			if !strings.Contains(said.String(), "NOPERM") {
				t.Errorf("the log does not say why: %s", said)
			}
			ttls(t, server)
		})
	}
}

// TestOtherSettings names nodes of the namespace whose counters have other names, and those that know no modes.
func TestOtherSettings(t *testing.T) {
	server := servertest.Start(t)
	said := &logged{}
	n := newNode(t, open(t, server.URL(), valkeystore.Config{Logger: said.logger()}))
	other := newNode(t, open(t, server.URL(), valkeystore.Config{Buckets: 16}))
	alike := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	for range 3 {
		server.Do(t, "ZADD", "plimsoll2:{default.0}:n", strconv.FormatInt(time.Now().UnixMilli(), 10), "of-before,Buckets=1 KeyFormat=plimsoll")
		for _, n := range []*node{n, other, alike} {
			b := n.next()
			if err := n.try(b); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(1100 * time.Millisecond)
	}
	if got := strings.Count(said.String(), "other settings"); got != 1 || !strings.Contains(said.String(), "node="+other.name) || !strings.Contains(said.String(), "Buckets=16") {
		t.Errorf("want one line that names %s and its settings: %s", other.name, said)
	}
	if got := strings.Count(said.String(), "version without escrow"); got != 1 || !strings.Contains(said.String(), "node=of-before") || n.reply.Unaware != 1 {
		t.Errorf("want one line that names the node of the version before, and one such node, not %d: %s", n.reply.Unaware, said)
	}
	if !slices.Contains(n.reply.Members, n.name) && n.reply.Nodes != 3 {
		t.Errorf("members %v of %d nodes", n.reply.Members, n.reply.Nodes)
	}
}

// TestModesOfNodes: a node learns for which modes the others are configured, with what they last said;
// of an entry that names none, of a name that it does not know and of a version before it learns none.
func TestModesOfNodes(t *testing.T) {
	server := servertest.Start(t)
	said := &logged{}
	n := newNode(t, open(t, server.URL(), valkeystore.Config{Logger: said.logger()}))
	other := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	for i := range 4 {
		for name, entry := range map[string]string{
			"silent": "Modes=1", "later": "Modes=1 Mode=lottery Colour=red", "more": "Modes=1 Mode=usage+ Colour=red",
		} {
			server.Do(t, "ZADD", "plimsoll2:{default.0}:n", strconv.FormatInt(time.Now().UnixMilli()/1000, 10), name+",Buckets=1 KeyFormat=plimsoll "+entry)
		}
		for _, n := range []*node{other, n} {
			b := n.next()
			if b.Modes = syncer.NodeModesOf(syncer.Escrow, false); n == other && i > 1 {
				b.Modes = syncer.NodeModesOf(syncer.Auto, true)
			}
			if err := n.try(b); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(1100 * time.Millisecond)
	}
	got := map[string]string{}
	for i, name := range n.reply.Members {
		got[name] += n.reply.Modes[i].String()
	}
	want := map[string]string{n.name: "escrow", other.name: "auto+", "silent": "", "later": "", "more": "usage+"}
	if !maps.Equal(got, want) || n.reply.Nodes != len(want) {
		t.Errorf("modes %v of %d nodes, want %v", got, n.reply.Nodes, want)
	}
	if said.String() != "" {
		t.Errorf("the store logs of nodes whose settings are alike: %s", said)
	}
}

// TestOutdatedNodes finds nodes alive that use the keys of the version before, and none
// that have gone.
func TestOutdatedNodes(t *testing.T) {
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	outdated := func() (int, bool) {
		if err := n.try(n.next()); err != nil {
			t.Fatal(err)
		}
		return n.reply.Outdated, n.reply.OutdatedKnown
	}
	outdated() // the store's time
	now := float64(time.Now().Unix())
	server.Do(t, "ZADD", "plimsoll1:{default.0}:n", fmt.Sprint(now), "old-1", fmt.Sprint(now), "old-2", fmt.Sprint(now-60), "gone")
	time.Sleep(1100 * time.Millisecond)
	if got, known := outdated(); got != 2 || !known {
		t.Errorf("%d outdated nodes, known %v, want 2", got, known)
	}
	if got, known := outdated(); got != 0 || known {
		t.Errorf("%d outdated nodes, known %v: it looks once a second", got, known)
	}
}

// TestCooldownsAreReadOnce: the list of cooldowns is read again only where another store
// has added one since; replies have it all the same.
func TestCooldownsAreReadOnce(t *testing.T) {
	server := servertest.Start(t)
	a, b := newNode(t, open(t, server.URL(), valkeystore.Config{})), newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at, until := begin(), time.Now().Add(time.Minute).UnixMilli()
	reads := func() int {
		info, _ := server.Do(t, "INFO", "commandstats").(string)
		_, after, _ := strings.Cut(info, "cmdstat_zrange:calls=")
		calls, _, _ := strings.Cut(after, ",")
		n, _ := strconv.Atoi(calls)
		return n
	}
	announce := func(id string) {
		d := tally(id, at, 0, 0)
		d.CoolUntil = until
		a.add(d)
	}
	expectCooling := func(want int) {
		for range 5 {
			if got := len(b.add(tally("x", at, 1, 1)).Cooling); got != want {
				t.Errorf("read %d cooldowns, want %d", got, want)
			}
		}
	}
	expectCooling(0)
	for i := range 3 {
		announce(fmt.Sprint("c", i))
		before := reads()
		expectCooling(i + 1)
		if n := reads() - before; n > 3 { // a set each, and one may be of the nodes
			t.Errorf("5 batches read the list %d times", n)
		}
	}
	server.Do(t, "FLUSHALL")
	expectCooling(0)
	announce("again")
	expectCooling(1)
}

// The same while running: no attempt counts without its guard and is repeated.
func TestPermissionsChange(t *testing.T) {
	for _, denied := range []string{"watch", "multi", "exec", "incrby", "set", "discard"} {
		t.Run(denied, func(t *testing.T) {
			server := servertest.Start(t)
			server.Do(t, "ACL", "SETUSER", "gw", "on", ">pw", "~plimsoll2:*", "+@all")
			n := newNode(t, open(t, "valkey://gw:pw@"+server.Addr(), valkeystore.Config{}))
			at := begin()
			n.add(tally("a", at, 1, 10))
			server.Do(t, "ACL", "SETUSER", "gw", "-"+denied)
			b := n.next(tally("a", at, 1, 10))
			for range 3 {
				if err := n.try(b); err == nil {
					b = n.next(tally("a", at, 1, 10))
				}
			}
			server.Do(t, "ACL", "SETUSER", "gw", "+"+denied)
			n.resolve(b)
			want := tally("a", at, int64(n.seq), int64(10*n.seq))
			if got := n.total("a", at); got != want {
				t.Errorf("total = %v, want %v", got, want)
			}
		})
	}
}

func TestServerRefuses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		down, up []string
		want     string
	}{
		{"OOM", []string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}, "OOM"},
		{"replica", []string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}, "READONLY"},
		{"min-replicas", []string{"CONFIG", "SET", "min-replicas-to-write", "1"}, []string{"CONFIG", "SET", "min-replicas-to-write", "0"}, "NOREPLICAS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := servertest.Start(t, "--maxmemory-policy", "noeviction", "--replica-serve-stale-data", "yes")
			n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
			at := begin()
			n.add(tally("a", at, 1, 10))
			server.Do(t, tt.down...)
			b := n.next(tally("a", at, 1, 10))
			if err := n.try(b); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %s", err, tt.want)
			}
			for range 4 {
				if err := n.try(b); err == nil {
					t.Error("an exchange succeeded that the server refuses")
				}
			}
			server.Do(t, tt.up...)
			n.resolve(b)
			if got, want := n.total("a", at), tally("a", at, 2, 20); got != want {
				t.Errorf("total = %v, want %v", got, want)
			}
			ttls(t, server)
		})
	}
}

func TestLoading(t *testing.T) {
	server := servertest.Start(t, "--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at := begin()
	n.add(tally("a", at, 1, 10))
	server.Do(t, "DEBUG", "POPULATE", "500", "filler", "100")
	server.Do(t, "SAVE")
	server.Kill(t)
	server.Run(t)
	b := n.next(tally("a", at, 1, 10))
	loading := false
	servertest.Until(t, "the batch is applied after loading", func() bool {
		err := n.try(b)
		loading = loading || err != nil && strings.Contains(err.Error(), "LOADING")
		return err == nil
	})
	if !loading {
		t.Error("no exchange met the server loading")
	}
	if got, want := n.total("a", at), tally("a", at, 2, 20); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
}

// A server that answers what no server answers is an error, never a panic.
func TestGarbage(t *testing.T) {
	for name, answer := range map[string]string{
		"HTTP":       "HTTP/1.1 400 Bad Request\r\n\r\n",
		"ok":         "+OK\r\n",
		"numbers":    ":7\r\n",
		"nil":        "$-1\r\n",
		"empty":      "*0\r\n",
		"ends early": "*3\r\n:1\r\n",
		"no reply":   "",
		"binary":     "\x00\xff\xfe\r\n",
		"large":      "$99999999999\r\nx",
		"very large": "$99999999999999999999\r\nx",
		"many":       "*99999999999\r\n",
		"negative":   "*-5\r\n$-7\r\n",
		"deep":       strings.Repeat("*1\r\n", 1000),
		"pushes":     ">2\r\n+a\r\n+b\r\n",
		"one line":   strings.Repeat("x", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, open(t, "valkey://"+garbage(t, answer), valkeystore.Config{}))
			for range 6 {
				if err := n.try(n.next(tally("a", begin(), 1, 1))); err == nil {
					t.Fatal("garbage was taken for an answer")
				}
			}
		})
	}
}

func TestEvictionPolicyWarns(t *testing.T) {
	for _, tt := range []struct {
		policy string
		lines  int
	}{{"noeviction", 0}, {"allkeys-lru", 1}, {"volatile-ttl", 1}} {
		server := servertest.Start(t, "--maxmemory-policy", tt.policy)
		var log logged
		n := newNode(t, open(t, server.URL(), valkeystore.Config{Logger: log.logger()}))
		for range 3 {
			n.add(tally("a", begin(), 1, 1))
		}
		if lines := log.lines(); len(lines) != tt.lines || tt.lines > 0 && !strings.Contains(lines[0], tt.policy) {
			t.Errorf("policy %s: log = %q, want %d lines", tt.policy, lines, tt.lines)
		}
	}
}

// rights are those that docs/OPERATIONS.md asks for.
const rights = "+watch +multi +exec +discard +time +get +mget +set +exists +incrby +expire +zadd +zcount +zremrangebyscore +zrange +info +ping +client|setname"

func TestDocumentedRightsSuffice(t *testing.T) {
	doc, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), rights) {
		t.Error("docs/OPERATIONS.md asks for other rights")
	}
	server := servertest.Start(t, "--maxmemory-policy", "allkeys-lru")
	server.Do(t, append([]string{"ACL", "SETUSER", "gw", "on", ">pw", "~plimsoll2:*", "%R~plimsoll1:*"}, strings.Fields(rights)...)...)
	var log logged
	n := newNode(t, open(t, "valkey://gw:pw@"+server.Addr(), valkeystore.Config{Logger: log.logger()}))
	for range 3 {
		if err := n.try(n.next(tally("a", begin(), 1, 1))); err != nil {
			t.Fatal(err)
		}
	}
	if lines := log.lines(); len(lines) != 1 {
		t.Errorf("log = %q, want the warning of the eviction policy", lines)
	}
	denied, _ := server.Do(t, "ACL", "LOG").([]any)
	for _, entry := range denied {
		t.Errorf("denied: %v", entry)
	}
}

// TestRightsTakenWithTheReply: a server that loses a right of the transaction, and the reply to the
// batch that met it first, counts the batch once. Sent again without a look at the rights it
// would be added bare, or without its guard, at each attempt.
func TestRightsTakenWithTheReply(t *testing.T) {
	for _, command := range []string{"multi", "watch", "exec"} {
		t.Run(command, func(t *testing.T) {
			server := servertest.Start(t)
			proxy := servertest.NewProxy(t, server.Addr())
			n := newNode(t, open(t, proxy.URL(), valkeystore.Config{}))
			at := begin()
			n.add(tally("a", at, 1, 10))
			server.Do(t, "ACL", "SETUSER", "default", "-"+command)
			b := n.next(tally("a", at, 1, 10))
			proxy.CutNextReply()
			for range 3 {
				if err := n.try(b); err == nil {
					t.Fatal("an exchange without the right succeeded")
				}
			}
			server.Do(t, "ACL", "SETUSER", "default", "+"+command)
			n.resolve(b)
			if got, want := n.total("a", at), tally("a", at, 2, 20); got != want {
				t.Errorf("total = %v, want %v", got, want)
			}
			ttls(t, server)
		})
	}
}

// TestInDoubtIsAskedFirst: a batch whose reply was lost is found applied by the transaction without increments
// that comes before its repetition, so no increment is sent again: no right that is taken between the two can make it count twice.
func TestInDoubtIsAskedFirst(t *testing.T) {
	server := servertest.Start(t)
	proxy := servertest.NewProxy(t, server.Addr())
	n := newNode(t, open(t, proxy.URL(), valkeystore.Config{}))
	at := begin()
	calls := func(command string) int {
		info, _ := server.Do(t, "INFO", "commandstats").(string)
		_, after, _ := strings.Cut(info, "cmdstat_"+command+":calls=")
		text, _, _ := strings.Cut(after, ",")
		n, _ := strconv.Atoi(text)
		return n
	}
	n.add(tally("a", at, 1, 10))
	for i := range 3 {
		b := n.next(tally("a", at, 1, 10))
		proxy.CutNextReply()
		if err := n.try(b); err == nil {
			t.Fatal("the reply was not lost")
		}
		servertest.Until(t, "the batch is applied", func() bool { return calls("incrby") == 2*(i+2) })
		transactions := calls("multi")
		if r := n.resolve(b); !r.Duplicate || r.PrevMissing || r.Epoch != n.epochs[0] {
			t.Errorf("reply = %+v, want a duplicate", r)
		}
		if got := calls("multi") - transactions; got != 1 {
			t.Errorf("%d transactions after the reply was lost, want one that asks", got)
		}
	}
	if got, want := n.total("a", at), tally("a", at, 4, 40); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
	ttls(t, server)
}

// TestLateCopyExpires: a copy of a batch that arrives after the server was emptied makes counters again,
// without a TTL, under names that are read no more. They are given one.
func TestLateCopyExpires(t *testing.T) {
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at := begin()
	n.add(tally("a", at, 1, 10))
	old := counters(t, server)
	server.Do(t, "FLUSHALL")
	n.add(tally("b", at, 1, 10))
	n.epochs[0] = n.reply.Epoch
	n.seq = 0
	n.add(tally("a", at, 1, 10))
	server.Do(t, "INCRBY", fmt.Sprintf("%sa:r:%d", old, at), "1") // the copy
	if left := server.Do(t, "TTL", fmt.Sprintf("%sa:r:%d", old, at)); left != int64(-1) {
		t.Fatalf("it expires in %v s already", left)
	}
	servertest.Until(t, "it expires", func() bool {
		n.add(tally("a", at, 1, 10))
		return server.Do(t, "TTL", fmt.Sprintf("%sa:r:%d", old, at)) != int64(-1)
	})
	ttls(t, server)
}

package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// soakTime is how long TestSoak lasts, without its end; make soak makes it longer.
const soakTime = "PLIMSOLL_SOAK"

const soakTTL = time.Minute // the shortest there is

// soak is two daemons that share a real server, and what happens to them.
type soak struct {
	t       *testing.T
	store   *servertest.Server
	config  string
	tokens  string
	secrets []soakSecret // the cutter's too
	daemons []*child
	audit   *auditor

	reloads, broken, restarts int
}

// Two daemons are driven by clients of another process, which hang up now and
// then, while their configuration changes and their store dies and comes back
// empty. Nothing grows, no lease is left, and what the clients used is what the
// daemons and the store have counted.
func TestSoak(t *testing.T) {
	t.Parallel() // it waits most of the time
	lasts := 30 * time.Second
	if text := os.Getenv(soakTime); text != "" {
		var err error
		lasts, err = time.ParseDuration(text)
		require.NoError(t, err, soakTime)
	}
	dir := t.TempDir()
	s := &soak{t: t, store: servertest.Start(t), config: filepath.Join(dir, "config.yaml"), tokens: filepath.Join(dir, "tokens")}
	for _, name := range []string{"large", "small", "free", soakCutter} {
		s.secrets = append(s.secrets, soakSecret{name, makeToken(t, s.tokens, name, "--scopes", "decide,observe")})
	}
	operator := makeToken(t, s.tokens, "operator", "--scopes", "admin")
	s.configure(0)
	for range 2 {
		d := serveChild(t, "--config", s.config, "--tokens", s.tokens, "--sync", s.store.URL(), "--sync-mode", "usage") // the store then has what was used
		d.admin.url = strings.Replace(d.admin.url, "://", "://x:"+operator+"@", 1)
		s.daemons = append(s.daemons, d)
	}
	deployments := []string{"east", "west", "extra", "cut"}
	callers := []string{window.CallerPrefix + "large", window.CallerPrefix + "small"}
	s.audit = newAuditor(t, s.store.URL(), append(callers, deployments...)...)

	ledger := s.play(lasts / 4) // until everything has its size
	var before []footprint
	for _, d := range s.daemons {
		before = append(before, d.footprint(t))
	}
	add(&ledger, s.play(lasts-lasts/4))
	s.leaseless()
	t.Logf("%v: %d reloads, %d of a broken file, %d restarts of the store", lasts, s.reloads, s.broken, s.restarts)
	shown := ledger
	shown.ByToken = nil // accountTokens shows them
	t.Logf("clients: %+v", shown)
	for i, d := range s.daemons {
		after := d.footprint(t)
		t.Logf("daemon %d: %v, then %v", i, before[i], after)
		require.LessOrEqual(t, after.goroutines, before[i].goroutines+5)
		require.Less(t, after.heap, before[i].heap+(5<<20)/4)
		require.Less(t, after.resident, before[i].resident*1.25+(8<<20))
	}
	s.accountTokens(ledger)
	s.account(ledger, deployments)
}

// configure writes the nth configuration: limits change, and a deployment in use
// comes and goes.
func (s *soak) configure(n int) {
	text := fmt.Sprintf(`lease_ttl: %s
max_waiters: 10
deployments:
- {id: east, group: chat, rpm: 6000, tpm: %d}
- {id: west, group: chat, tpm: 1000000, max_in_flight: %d}
- {id: cut, group: cut, max_in_flight: %d}
`, soakTTL, 600_000+n%3*200_000, 3+n%4, 20+n%2*1000)
	if n%2 == 0 {
		text += "- {id: extra, group: chat, rpm: 3000, order: 1}\n"
	}
	if n%5 == 4 {
		text += "- {id: extra, rpm: many}\n" // not taken
		s.broken++
	}
	write(s.t, s.config, text)
	// The tokens' own limits, which change too.
	lines, err := os.ReadFile(s.tokens)
	require.NoError(s.t, err)
	var out strings.Builder
	for line := range strings.Lines(string(lines)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		text := strings.Join(slices.DeleteFunc(fields, func(f string) bool { return strings.HasPrefix(f, "rpm=") || strings.HasPrefix(f, "tpm=") }), " ")
		switch fields[0] {
		case "large":
			text += fmt.Sprintf(" rpm=%d tpm=1000000", 5000+n%2*1000)
		case "small":
			text += fmt.Sprintf(" rpm=%d tpm=%d", 240+n%3*60, 60_000+n%2*30_000)
		}
		out.WriteString(text + "\n")
	}
	write(s.t, s.tokens, out.String())
}

// play lets a client process make calls for a while, in which things happen, and
// returns what it used.
func (s *soak) play(d time.Duration) (l soakLedger) {
	t := s.t
	self, err := os.Executable()
	require.NoError(t, err)
	var addresses []string
	for _, d := range s.daemons {
		addresses = append(addresses, d.url, d.admin.url)
	}
	client := exec.Command(self)
	var secrets []string
	for _, one := range s.secrets {
		secrets = append(secrets, one.name+"="+one.secret)
	}
	client.Env = append(os.Environ(), asSoakClient+"="+strings.Join(addresses, ","), asSoakTokens+"="+strings.Join(secrets, ","))
	var out, errs screen
	client.Stdout, client.Stderr = &out, &errs
	leash, err := client.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, client.Start())
	t.Cleanup(func() { _ = client.Process.Kill() })

	end, second := time.After(d), time.NewTicker(time.Second)
	defer second.Stop()
	for n, ended := 0, false; !ended; n++ {
		select {
		case <-end:
			ended = true
		case now := <-second.C:
			if n%2 == 0 {
				s.reloads++
				s.configure(s.reloads)
				require.NoError(t, s.daemons[n/2%2].cmd.Process.Signal(syscall.SIGHUP)) // the other one notices by itself
			}
			// The daemons report again what a killed server has lost, while its minute is
			// the current or the previous one. No kill is near a minute's end, so the
			// reports have come before the auditor's last look.
			if at := now.Second(); n%8 == 3 && at >= 3 && at <= 40 {
				s.restarts++
				s.store.Kill(t)
				<-second.C
				s.store.Run(t)
				s.store.Await(t)
			}
			s.audit.look(t)
		}
	}
	require.NoError(t, leash.Close())
	require.NoError(t, client.Wait(), errs.String())
	require.NoError(t, json.Unmarshal([]byte(out.String()), &l), out.String())
	return l
}

func add(sum *soakLedger, l soakLedger) {
	sum.Acquired += l.Acquired
	sum.Released += l.Released
	sum.PreChecked += l.PreChecked
	sum.Refused += l.Refused
	sum.Waited += l.Waited
	sum.Repeated += l.Repeated
	sum.Tokens += l.Tokens
	sum.Observed += l.Observed
	sum.Cut += l.Cut
	sum.Abandoned += l.Abandoned
	sum.Views += l.Views
	sum.Failed += l.Failed
	sum.Failure += l.Failure
	for name, t := range l.ByToken {
		to := sum.ByToken[name]
		to.Admitted += t.Admitted
		to.Refused += t.Refused
		to.Failed += t.Failed
		to.Requests += t.Requests
		to.Tokens += t.Tokens
		to.Acquired += t.Acquired
		to.Limited += t.Limited
		to.Lost += t.Lost
	}
}

// accountTokens compares the answers to the clients with each token with the counts of
// the daemons, and what the clients used with what the store has of the token's limits.
func (s *soak) accountTokens(l soakLedger) {
	t := s.t
	s.audit.look(t)
	for _, name := range slices.Sorted(maps.Keys(l.ByToken)) {
		answered := *l.ByToken[name]
		var counted [3]int64
		for i, outcome := range []string{"admitted", "refused", "failed"} {
			for _, d := range s.daemons {
				counted[i] += int64(d.metric(t, fmt.Sprintf(`plimsoll_token_requests_total{outcome=%q,token=%q}`, outcome, name)))
			}
		}
		t.Logf("token %s: %d answers admitted, %d refused (%d by its own limits), %d failed, the daemons counted %v", name, answered.Admitted, answered.Refused, answered.Limited, answered.Failed, counted)
		require.Positive(t, answered.Acquired, name)
		lost, broken := counted[0]-answered.Admitted, counted[2]-answered.Failed // of answers that are lost, some are to half a request
		require.Equal(t, answered.Refused, counted[1], name)
		if name == soakLoser {
			require.GreaterOrEqual(t, min(lost, broken), int64(0))
			require.LessOrEqual(t, lost+broken, answered.Lost)
			require.Zero(t, answered.Limited)
			continue
		}
		require.Zero(t, lost, name)
		require.Zero(t, broken, name)
		requests, tokens := s.audit.sum(window.CallerPrefix + name)
		t.Logf("token %s: its clients used %d requests and %d tokens, in the store are %d and %d", name, answered.Requests, answered.Tokens, requests, tokens)
		require.Equal(t, answered.Requests, requests, name)
		require.Equal(t, answered.Tokens, tokens, name)
	}
	require.Positive(t, l.ByToken["small"].Limited, "the small token is to reach its limits")
}

// leaseless waits until no lease is held: as long as one lives, and no longer.
func (s *soak) leaseless() {
	late, second := time.After(soakTTL+10*time.Second), time.NewTicker(time.Second)
	defer second.Stop()
	for _, d := range s.daemons {
		for d.metric(s.t, "plimsoll_http_leases") != 0 || d.metric(s.t, "plimsoll_leases") != 0 {
			select {
			case <-late:
				s.t.Fatal("a lease is left after the lease TTL")
			case <-second.C:
				s.audit.look(s.t)
			}
		}
		require.Zero(s.t, d.metric(s.t, "plimsoll_requests_waiting"))
	}
}

// account compares what clients, daemons and the store have counted.
func (s *soak) account(l soakLedger, deployments []string) {
	t := s.t
	require.Zero(t, l.Failed, l.Failure)
	var admitted, released, tokens, dropped float64
	for _, d := range s.daemons {
		admitted += d.metric(t, "plimsoll_requests_admitted_total")
		released += d.metric(t, "plimsoll_leases_released_total")
		tokens += d.metric(t, "plimsoll_tokens_total")
		dropped += d.metric(t, "plimsoll_windows_dropped_total") + d.metric(t, "plimsoll_sync_dropped_tokens_total")
		require.Zero(t, d.metric(t, "plimsoll_counts_invalid_total"))
	}
	require.Zero(t, dropped)
	for _, d := range s.daemons {
		d.term(t)
	}
	// A lease that came for a client that had left the line was given back.
	cut, back := int64(admitted)-l.Acquired-l.PreChecked, int64(released)-l.Released
	require.GreaterOrEqual(t, back, int64(0))
	require.GreaterOrEqual(t, cut, back)
	require.LessOrEqual(t, cut, l.Cut)
	require.Equal(t, l.Tokens+(cut-back)*cutTokens, int64(tokens), "tokens: what clients used, and what the daemons counted")
	s.audit.look(t)
	requests, stored := s.audit.sum(deployments...)
	t.Logf("of %d acquires that were cut off, %d got a lease, of which %d were given back; in the store: %d requests, %d tokens", l.Cut, cut, back, requests, stored)
	require.Equal(t, int64(tokens), stored, "tokens: what the daemons counted, and the store")
	require.Equal(t, int64(admitted-released), requests, "requests")
	for name, n := range map[string]int64{
		"acquired": l.Acquired, "refused": l.Refused, "waited": l.Waited, "repeated": l.Repeated, "observed": l.Observed, "abandoned": l.Abandoned,
		"cut off": cut, "views": l.Views, "restarts": int64(s.restarts), "broken files": int64(s.broken),
	} {
		require.Positive(t, n, name+": it shows nothing otherwise")
	}
}

// auditor reads what nodes share, minute by minute.
type auditor struct {
	store  *valkeystore.Store
	ids    []string
	seq    map[int]uint64 // by bucket
	minute map[string]window.Tally
}

func newAuditor(t *testing.T, url string, ids ...string) *auditor {
	t.Helper()
	store, err := valkeystore.Open(url, valkeystore.Config{})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	return &auditor{store: store, ids: ids, seq: map[int]uint64{}, minute: map[string]window.Tally{}}
}

// look reads the minutes that nodes still count in: the last look at each holds.
func (a *auditor) look(t *testing.T) {
	t.Helper()
	now := time.Now().Unix() / 60 * 60
	for _, id := range a.ids {
		b := syncer.Batch{Node: "auditor", Bucket: a.store.Bucket(id), Reads: []window.Tally{{ID: id, Start: now - 60}, {ID: id, Start: now}}}
		a.seq[b.Bucket]++
		b.Seq = a.seq[b.Bucket]
		var r syncer.Reply
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err := a.store.Exchange(ctx, syncer.Batch{Node: b.Node, Bucket: b.Bucket}, &r)
		if err == nil {
			b.Epoch = r.Epoch
			err = a.store.Exchange(ctx, b, &r)
		}
		cancel()
		if err != nil { // the server has just come back
			t.Logf("auditor: %v", err)
			continue
		}
		for _, got := range r.Totals {
			a.minute[fmt.Sprint(got.ID, got.Start)] = got
		}
	}
}

// sum returns what some of the IDs have used, of all minutes.
func (a *auditor) sum(ids ...string) (requests, tokens int64) {
	for _, m := range a.minute {
		if slices.Contains(ids, m.ID) {
			requests += m.Requests
			tokens += m.Tokens
		}
	}
	return requests, tokens
}

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// asSoakClient makes the test binary make calls to the daemons whose addresses it
// is given, decisions and operators' in turn, until its input ends. Then it
// writes a soakLedger.
const asSoakClient = "PLIMSOLL_TEST_AS_SOAK_CLIENT"

// soakLedger is what a client knows to have been used.
type soakLedger struct {
	Acquired, Released, PreChecked int64
	Refused, Waited, Repeated      int64
	Observed                       int64
	Tokens                         int64 // of all calls that were not cut
	Cut                            int64 // acquires whose client did not wait for the answer: 0 or 1 lease of cutTokens each
	Abandoned                      int64 // leases that no client ended
	Views                          int64 // of the page
	Failed                         int64
	Failure                        string
	ByToken                        map[string]*soakToken
}

// soakToken counts the answers to the clients with one token, and what they used.
type soakToken struct {
	Admitted, Refused, Failed int64 // answers, by their status
	Requests, Tokens          int64 // of calls that were not given back
	Acquired, Limited         int64 // acquires: admitted, and refused by the token's own limit
	Lost                      int64 // answers that no client waited for
}

// cutTokens is what a lease costs whose client went away before it had it: all
// of them are asked for in a group of their own.
const cutTokens = 7

const soakWorkers = 24

// soakClient makes calls to one daemon with one token. What it does not wait for is sent
// with another one, the name of which is soakCutter.
type soakClient struct {
	url, admin string
	token      soakSecret
	cutter     string
	http       *http.Client
	mu         *sync.Mutex
	ledger     *soakLedger
	rng        *rand.Rand
}

// soakSecret is a token, as environment variables say it: NAME=SECRET.
type soakSecret struct{ name, secret string }

// soakCutter is the name of the token whose calls are cut.
const soakCutter = "cutter"

// soakLoser is the name of the token whose answers get lost now and then.
const soakLoser = "free"

// asSoakTokens has the tokens of the client process, with commas between them.
const asSoakTokens = "PLIMSOLL_TEST_SOAK_TOKENS"

func soakSecrets() (list []soakSecret, cutter string) {
	for part := range strings.SplitSeq(os.Getenv(asSoakTokens), ",") {
		name, secret, _ := strings.Cut(part, "=")
		if name == soakCutter {
			cutter = secret
		} else {
			list = append(list, soakSecret{name, secret})
		}
	}
	return list, cutter
}

// soakAsClient is the client process.
func soakAsClient(addresses string) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	tokens, cutter := soakSecrets()
	ledger := soakLedger{ByToken: map[string]*soakToken{}}
	for _, one := range tokens {
		ledger.ByToken[one.name] = &soakToken{}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	list := strings.Split(addresses, ",")
	hc := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: soakWorkers}}
	for i := range soakWorkers {
		n := i * 2 % len(list)
		c := &soakClient{list[n], list[n+1], tokens[i/2%len(tokens)], cutter, hc, &mu, &ledger, rand.New(rand.NewPCG(uint64(i), uint64(os.Getpid())))}
		wg.Go(func() {
			for ctx.Err() == nil {
				c.call()
			}
		})
	}
	wg.Wait()
	_ = json.NewEncoder(os.Stdout).Encode(ledger)
	os.Exit(0)
}

// count changes the ledger.
func (c *soakClient) count(f func(*soakLedger)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.ledger)
}

// mine changes the books of the client's token.
func (c *soakClient) mine(f func(*soakToken)) {
	c.count(func(l *soakLedger) { f(l.ByToken[c.token.name]) })
}

func (c *soakClient) fail(err error) {
	c.count(func(l *soakLedger) { l.Failed++; l.Failure = err.Error() })
}

func (c *soakClient) pause(most time.Duration) {
	<-time.After(time.Duration(c.rng.Int64N(int64(most))))
}

// call makes one call in one of the ways that clients have.
func (c *soakClient) call() {
	c.pause(60 * time.Millisecond)
	switch n := c.rng.IntN(100); {
	case n < 80:
		c.lease()
	case n < 88:
		c.preCheck()
	case n < 98:
		c.cut()
	default:
		c.view()
	}
}

// post sends a body; err is nil if there was an answer, whatever it said.
func (c *soakClient) post(path, body string, out any) (status int, err error) {
	r, err := http.NewRequest(http.MethodPost, c.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token.secret)
	resp, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	c.mine(func(t *soakToken) {
		switch {
		case resp.StatusCode == http.StatusTooManyRequests:
			t.Refused++
			if bytes.Contains(text, []byte(`"token":`)) {
				t.Limited++
			}
		case resp.StatusCode >= http.StatusBadRequest:
			t.Failed++
		default:
			t.Admitted++
		}
	})
	if err == nil && resp.StatusCode == http.StatusOK {
		err = json.NewDecoder(bytes.NewReader(text)).Decode(out)
	}
	if err == nil && resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusTooManyRequests {
		err = fmt.Errorf("%s: %d: %s", path, resp.StatusCode, text)
	}
	return resp.StatusCode, err
}

// lease acquires, calls, and ends the lease, in one of the ways there are.
func (c *soakClient) lease() {
	input, wait := 50+c.rng.Int64N(500), int64(0)
	if c.rng.IntN(2) == 0 {
		wait = c.rng.Int64N(2000)
	}
	var lease struct {
		Lease    string
		Reserved int64 `json:"reserved_tokens"`
	}
	// A deployment reserves what it has learned of its own answers, a token what is learned
	// of all: where the output is named, both reserve the same, and the answer reports that.
	named := ""
	if c.token.name != soakLoser {
		named = fmt.Sprintf(`,"output_tokens":%d`, 1+c.rng.Int64N(300))
	}
	status, err := c.post("/v1/acquire", fmt.Sprintf(`{"group":"chat","input_tokens":%d,"wait_ms":%d%s}`, input, wait, named), &lease)
	if err != nil || status != http.StatusOK {
		c.count(func(l *soakLedger) { l.Refused++ })
		if err != nil {
			c.fail(err)
		}
		return
	}
	c.count(func(l *soakLedger) {
		l.Acquired++
		if wait > 0 {
			l.Waited++
		}
	})
	c.mine(func(t *soakToken) { t.Acquired++; t.Requests++ })
	c.pause(100 * time.Millisecond)
	if c.rng.IntN(5) == 0 {
		c.observe(lease.Lease)
	}
	output := c.rng.Int64N(400)
	settle := fmt.Sprintf(`{"lease":%q,"usage":{"input_tokens":%d,"output_tokens":%d}}`, lease.Lease, input, output)
	switch n := c.rng.IntN(100); {
	case n < 3: // forget it
		c.count(func(l *soakLedger) { l.Abandoned++; l.Tokens += lease.Reserved })
		c.mine(func(t *soakToken) { t.Tokens += lease.Reserved })
	case n < 13:
		c.end("/v1/release", fmt.Sprintf(`{"lease":%q}`, lease.Lease), 0, 1)
	case n < 20:
		c.end("/v1/settle", fmt.Sprintf(`{"lease":%q}`, lease.Lease), lease.Reserved, 0)
	case n < 30 && c.token.name == soakLoser: // the answer is lost, and asked for again
		c.mine(func(t *soakToken) { t.Lost++ })
		if err := c.send("/v1/settle", settle, c.token.secret); err != nil {
			c.fail(err)
		}
		c.end("/v1/settle", settle, input+output, 0)
	default:
		c.end("/v1/settle", settle, input+output, 0)
	}
}

// observe reports that a provider answered, without figures on its limits.
func (c *soakClient) observe(lease string) {
	var out struct{ Kind string }
	if _, err := c.post("/v1/observe", fmt.Sprintf(`{"lease":%q,"status":200,"headers":{"date":"now"}}`, lease), &out); err != nil {
		c.fail(err)
		return
	}
	c.count(func(l *soakLedger) { l.Observed++ })
}

// end ends a lease, which costs as much.
func (c *soakClient) end(path, body string, tokens, released int64) {
	var ended struct{ Repeated bool }
	if status, err := c.post(path, body, &ended); err != nil || status != http.StatusOK {
		c.fail(fmt.Errorf("%s: %d: %w", path, status, err))
		return
	}
	c.count(func(l *soakLedger) {
		l.Tokens += tokens
		l.Released += released
		if ended.Repeated {
			l.Repeated++
		}
	})
	c.mine(func(t *soakToken) { t.Tokens += tokens; t.Requests -= released })
}

// preCheck does without a lease.
func (c *soakClient) preCheck() {
	var out struct{ Deployment string }
	status, err := c.post("/v1/precheck", `{"deployment":"east","input_tokens":100}`, &out)
	if err != nil || status != http.StatusOK {
		if err != nil {
			c.fail(err)
		}
		return
	}
	tokens := c.rng.Int64N(300)
	if _, err := c.post("/v1/record", fmt.Sprintf(`{"deployment":"east","usage":{"input_tokens":%d}}`, tokens), &out); err != nil {
		c.fail(err)
		return
	}
	c.count(func(l *soakLedger) { l.PreChecked++; l.Tokens += tokens })
	c.mine(func(t *soakToken) { t.Requests++; t.Tokens += tokens })
}

// cut goes away before, while or after an acquire is answered, waiting or not.
func (c *soakClient) cut() {
	body := fmt.Sprintf(`{"group":"cut","input_tokens":%d,"output_tokens":-1,"wait_ms":%d}`, cutTokens, c.rng.IntN(2)*10_000)
	c.count(func(l *soakLedger) { l.Cut++ })
	if err := c.send("/v1/acquire", body, c.cutter); err != nil {
		c.fail(err)
	}
}

// send sends a request, or a part of it, and hangs up.
func (c *soakClient) send(path, body, secret string) error {
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, secret, len(body), body)
	if c.rng.IntN(4) == 0 {
		text = text[:c.rng.IntN(len(text))]
	}
	_, err = io.WriteString(conn, text)
	c.pause(20 * time.Millisecond)
	_ = conn.Close()
	return err
}

// view opens the page and its events, and goes.
func (c *soakClient) view() {
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	for _, path := range []string{"/", "/page/events"} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.admin+path, nil)
		if err != nil {
			c.fail(err)
			return
		}
		resp, err := c.http.Do(r)
		if err != nil {
			c.fail(err)
			return
		}
		_, _ = resp.Body.Read(make([]byte, 100))
		_ = resp.Body.Close()
	}
	c.count(func(l *soakLedger) { l.Views++ })
}

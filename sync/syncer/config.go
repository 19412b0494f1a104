package syncer

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	defaultInterval = 100 * time.Millisecond
	minInterval     = 10 * time.Millisecond
	maxInterval     = time.Second // a slow store stretches the interval no further
	defaultTimeout  = 300 * time.Millisecond
	minTimeout      = 50 * time.Millisecond
	maxTimeout      = 10 * time.Second
	maxNodeName     = 128
	maxNodes        = 1 << 20
)

// Config configures a syncer. The zero value is ready for use.
type Config struct {
	// Node names this run of this process among those that share the store: at
	// most 128 letters, digits and any of "-_.:". If a name is used again, by
	// another process or after a restart, the store ignores batches. Empty =
	// host, process ID and a random number. Leave it empty unless your names
	// never repeat.
	Node string
	// Interval is the time between two exchanges, with a jitter of a tenth; 0 =
	// 100 ms, else from 10 ms to 1 s. A store that takes more than half of it to
	// reply stretches it, to 1 s at most.
	Interval time.Duration
	// Timeout is the longest time that an exchange may take before it is
	// cancelled and sent again; 0 = 300 ms, else from 50 ms to 10 s. For a fast
	// store the syncer uses four times the usual round trip instead, but never
	// less than 50 ms. Each timeout in a row doubles it, up to 1 s.
	Timeout time.Duration
	// Clock is the engine's clock; the syncer makes it follow the clock of the
	// store. Nil = the syncer has a clock of its own, and the engine's follows no
	// store. Times in Stats are measured with it too.
	Clock *window.Clock
	// Logger receives a line when the store goes away, comes back or loses data: one per
	// change, none per exchange. Nil disables logging.
	Logger *slog.Logger
	// Mode is how the nodes keep limits together: by [Usage], which is the zero value, by
	// [Escrow], or as [Auto] decides. Where the nodes' modes differ, the first node that asks
	// in a window decides for all until the window ends; the others follow it and log a
	// warning.
	Mode Mode
	// Modes returns the modes of a deployment's limits over windows of a kind, in place of
	// Mode. The syncer calls it about once a second for each deployment, with its mutex held:
	// Modes must be fast and must not call the syncer. A change applies from a minute that
	// begins within two minutes. Nil = all limits have Mode.
	Modes func(id string, kind window.Kind) Modes
	// Away is what the node admits while the store does not reply. The zero value is Share.
	Away Policies
	// Nodes is the number of nodes that is assumed until the store reports it; 0 = 1. Only the
	// policy Share uses it.
	Nodes int
	// Deployments appends the IDs of all deployments that this node may get requests for, so
	// that it has the other nodes' usage of them before the first request. The syncer calls it
	// about once a second, with its mutex held: it must not call the syncer. Nil = only
	// deployments with a request within the last hour are kept up to date.
	Deployments func(dst []string) []string
}

// Validate returns every problem of the configuration, joined; each names its field. Nil =
// there is none.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("syncer: Config.%s: %s", field, fmt.Sprintf(format, args...)))
	}
	between := func(field string, d, low, high time.Duration) {
		if d != 0 && (d < low || d > high) {
			bad(field, "%v is not from %v to %v", d, low, high)
		}
	}
	if len(c.Node) > maxNodeName {
		bad("Node", "%d characters are more than %d", len(c.Node), maxNodeName)
	} else if i := strings.IndexFunc(c.Node, notInName); i >= 0 {
		bad("Node", "%q is not a letter, a digit or one of \"-_.:\"", c.Node[i:i+1])
	}
	between("Interval", c.Interval, minInterval, maxInterval)
	between("Timeout", c.Timeout, minTimeout, maxTimeout)
	if c.Nodes < 0 || c.Nodes > maxNodes {
		bad("Nodes", "%d is not from 0 to %d", c.Nodes, maxNodes)
	}
	if c.Mode > Auto {
		bad("Mode", "%d is no mode", c.Mode)
	}
	if c.Away.Requests > Closed {
		bad("Away.Requests", "%d is no policy", c.Away.Requests)
	}
	if c.Away.Tokens > Closed {
		bad("Away.Tokens", "%d is no policy", c.Away.Tokens)
	}
	return errors.Join(errs...)
}

func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r)
}

// withDefaults returns c with its zero fields set to their defaults.
func (c Config) withDefaults() Config {
	if c.Node == "" {
		c.Node = nodeName()
	}
	if c.Interval == 0 {
		c.Interval = defaultInterval
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Clock == nil {
		c.Clock = window.NewClock()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Nodes = max(c.Nodes, 1)
	return c
}

// nodeName returns a name that no other run has.
func nodeName() string {
	host, _ := os.Hostname() // without a host name the random number keeps names apart
	host = strings.Map(func(r rune) rune {
		if notInName(r) {
			return '-'
		}
		return r
	}, host)
	return fmt.Sprintf("%.64s-%d-%016x", host, os.Getpid(), rand.Uint64())
}

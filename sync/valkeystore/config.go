package valkeystore

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// KeyFormat says how the counters are named.
type KeyFormat string

const (
	FormatPlimsoll KeyFormat = ""        // plimsoll2:{namespace.bucket}:c:ID:t|r:START
	FormatLiteLLM  KeyFormat = "litellm" // ID:MODEL:tpm|rpm:HH-MM, shared with LiteLLM's usage-based-routing-v2
)

// maxTallies is how many deltas and reads a batch may hold together.
const maxTallies = 500

const (
	clusterBuckets = 16
	maxBuckets     = 1024

	minute       = time.Minute
	keyTTL       = 2*minute + 10*time.Second // of counters, markers and the set of nodes
	dayTTL       = 3 * time.Minute           // of counters of a day, beyond its end
	coolTTL      = 25*time.Hour + 2*minute   // of the set of cooldowns: longer than any of them
	identityTTL  = 24 * time.Hour
	identityDue  = time.Hour       // how often its TTL is renewed
	nodeTTL      = 5 * time.Second // how long a node counts as alive after an exchange
	nodeInterval = time.Second     // how often a node says that it is alive
)

// Config says how a store names things. The zero value works.
type Config struct {
	// Namespace separates fleets that share a server: nodes share usage iff
	// theirs are equal. "" = "default". No braces, spaces or control characters.
	Namespace string
	// Buckets is how many batches the deployments are divided into, each a
	// transaction of its own on one server of a cluster. The same on all nodes
	// of a namespace. 0 = 1, or 16 on a cluster.
	Buckets int
	// KeyFormat names the counters. FormatLiteLLM needs a single server or
	// Sentinel.
	KeyFormat KeyFormat
	// Model returns the model of a deployment, which is part of LiteLLM's keys.
	// FormatLiteLLM requires it, no other format has it. It must return the same
	// for the same ID and be safe for concurrent use.
	Model func(id string) string
	// TTL is how long a counter of FormatLiteLLM lives after its creation, whole
	// seconds; 0 = 60 s, as LiteLLM has it. Other formats have no choice.
	TTL time.Duration
	// Logger gets a line, once, for what an operator should mend; nil = none.
	Logger *slog.Logger
}

// Validate reports everything that is wrong with a configuration.
func (c Config) Validate() error { return c.validate(false) }

func (c Config) validate(cluster bool) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("valkeystore: "+format, args...))
	}
	if strings.ContainsFunc(c.Namespace, func(r rune) bool { return r <= ' ' || r == '{' || r == '}' || r == 0x7f }) {
		fault("Namespace %q: no braces, spaces or control characters", c.Namespace)
	}
	if c.Buckets < 0 || c.Buckets > maxBuckets {
		fault("Buckets %d: 0 to %d", c.Buckets, maxBuckets)
	}
	switch c.KeyFormat {
	case FormatPlimsoll:
		if c.Model != nil || c.TTL != 0 {
			fault("Model and TTL belong to KeyFormat %q", FormatLiteLLM)
		}
	case FormatLiteLLM:
		if c.Model == nil {
			fault("KeyFormat %q needs Model: it is part of the keys", FormatLiteLLM)
		}
		if c.TTL < 0 || c.TTL%time.Second != 0 {
			fault("TTL %v: whole seconds", c.TTL)
		}
		if c.Buckets > 1 {
			fault("KeyFormat %q has one bucket, not %d", FormatLiteLLM, c.Buckets)
		}
		if cluster {
			fault("KeyFormat %q does not work on a cluster: LiteLLM's keys have no hash tag, so they lie on different servers", FormatLiteLLM)
		}
	default:
		fault("KeyFormat %q: none of that name", c.KeyFormat)
	}
	return errors.Join(faults...)
}

// withDefaults fills in what was left zero.
func (c Config) withDefaults(cluster bool) Config {
	if c.Namespace == "" {
		c.Namespace = "default"
	}
	if c.Buckets == 0 {
		c.Buckets = 1
		if cluster {
			c.Buckets = clusterBuckets
		}
	}
	if c.TTL == 0 {
		c.TTL = keyTTL
		if c.KeyFormat == FormatLiteLLM {
			c.TTL = minute
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

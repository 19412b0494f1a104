package valkeystore

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// KeyFormat is how the counters are named. The zero value is FormatPlimsoll.
type KeyFormat string

const (
	FormatPlimsoll KeyFormat = ""        // plimsoll2:{namespace.bucket}:c:ID:t|r:START
	FormatLiteLLM  KeyFormat = "litellm" // ID:MODEL:tpm|rpm:HH-MM, shared with LiteLLM's usage-based-routing-v2
)

// maxTallies is the largest number of deltas and reads in a batch, together.
const maxTallies = 500

const (
	clusterBuckets = 16
	maxBuckets     = 1024

	minute       = time.Minute
	keyTTL       = 2*minute + 10*time.Second // of counters, markers and the set of nodes
	dayTTL       = 3 * time.Minute           // of counters of a day, after its end
	coolTTL      = 25*time.Hour + 2*minute   // of the set of cooldowns: longer than any of them
	identityTTL  = 24 * time.Hour
	identityDue  = time.Hour       // time between two renewals of its TTL
	nodeTTL      = 5 * time.Second // how long a node counts as alive after an exchange
	nodeInterval = time.Second     // time between two entries of a node in the set of live nodes
)

// Config configures the keys of a store. The zero value is ready for use. All
// nodes of a namespace need equal values.
type Config struct {
	// Namespace separates fleets that share a server: nodes share usage if and
	// only if their namespaces are equal. "" = "default". It contains no braces,
	// spaces or control characters.
	Namespace string
	// Buckets is the number of buckets among which deployments are divided, up to
	// 1024. Each has batches of its own, which are transactions on one server of a
	// cluster. It must be equal on all nodes of a namespace. 0 = 1, or 16 on a
	// cluster.
	Buckets int
	// KeyFormat selects the names of the counters. FormatLiteLLM needs a single
	// server or Sentinel.
	KeyFormat KeyFormat
	// Model returns the model of a deployment, which is part of LiteLLM's keys.
	// FormatLiteLLM requires it, and other formats reject it. It must always
	// return the same model for an ID and be safe for concurrent use.
	Model func(id string) string
	// TTL is how long a counter of FormatLiteLLM lives after its creation, in
	// whole seconds; 0 = 60 s, which is LiteLLM's default. Other formats reject it.
	TTL time.Duration
	// Logger receives one line for each problem that an operator should fix. Nil
	// disables logging.
	Logger *slog.Logger
}

// Validate returns every problem of the configuration, joined; nil = there is
// none. It cannot check what depends on the client, such as FormatLiteLLM on a
// cluster.
func (c Config) Validate() error { return c.validate(false) }

func (c Config) validate(cluster bool) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("valkeystore: "+format, args...))
	}
	if strings.ContainsFunc(c.Namespace, func(r rune) bool { return r <= ' ' || r == '{' || r == '}' || r == 0x7f }) {
		fault("Namespace %q: no braces, spaces or control characters are allowed", c.Namespace)
	}
	if c.Buckets < 0 || c.Buckets > maxBuckets {
		fault("Buckets %d is not from 0 to %d", c.Buckets, maxBuckets)
	}
	switch c.KeyFormat {
	case FormatPlimsoll:
		if c.Model != nil || c.TTL != 0 {
			fault("Model and TTL need KeyFormat %q: leave them out", FormatLiteLLM)
		}
	case FormatLiteLLM:
		if c.Model == nil {
			fault("KeyFormat %q needs Model, which is part of the keys", FormatLiteLLM)
		}
		if c.TTL < 0 || c.TTL%time.Second != 0 {
			fault("TTL %v is not a number of whole seconds from 0", c.TTL)
		}
		if c.Buckets > 1 {
			fault("KeyFormat %q has one bucket, not %d: leave Buckets at 0", FormatLiteLLM, c.Buckets)
		}
		if cluster {
			fault("KeyFormat %q does not work on a cluster: LiteLLM's keys have no hash tag, so they lie on different servers", FormatLiteLLM)
		}
	default:
		fault("KeyFormat %q does not exist; use \"\" or %q", c.KeyFormat, FormatLiteLLM)
	}
	return errors.Join(faults...)
}

// withDefaults returns c with its zero fields set to their defaults.
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

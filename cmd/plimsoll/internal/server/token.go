package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Token is a client's token with its rights. Zero lists allow everything.
type Token struct {
	Name    string
	Scopes  Scope
	Groups  Patterns  // of the groups it is for, by their own names
	Tags    Patterns  // that it may ask for
	Classes []int     // of priority that it may ask for; nil = all
	Expires time.Time // zero = never
	// Limits are the token's own, beside those of the deployments: RPM, TPM and
	// MaxInFlight. The zero value is none.
	Limits engine.Limits
	// Legacy reports that its line names no scopes, so that it has all of them.
	Legacy bool

	line     int
	hash     [sha256.Size]byte
	inFlight *atomic.Int64 // requests in flight; kept across reloads
	caller   engine.CallerRef
}

// MayCall reports whether the token allows a group. A nil token, used where there are no
// tokens, allows everything.
func (t *Token) MayCall(group string) bool { return t == nil || t.Groups.Match(group) }

// MayTag reports whether the token may ask for a tag.
func (t *Token) MayTag(tag string) bool { return t == nil || t.Tags.Match(tag) }

// MayPrioritize reports whether the token may ask for a class of priority.
func (t *Token) MayPrioritize(class int) bool {
	return t == nil || t.Classes == nil || slices.Contains(t.Classes, class)
}

// Line returns the token's line in a file of tokens, as [ReadTokens] reads it.
func (t *Token) Line() string {
	var b strings.Builder
	b.WriteString(t.Name + " " + hashPrefix + hex.EncodeToString(t.hash[:]))
	if !t.Legacy {
		b.WriteString(" scopes=" + t.Scopes.String())
	}
	if t.Groups != nil {
		b.WriteString(" groups=" + t.Groups.String())
	}
	if t.Tags != nil {
		b.WriteString(" tags=" + t.Tags.String())
	}
	if t.Classes != nil {
		b.WriteString(" priorities=" + joinInts(t.Classes))
	}
	if limits := t.LimitsText(); limits != "" {
		b.WriteString(" " + limits)
	}
	if !t.Expires.IsZero() {
		b.WriteString(" expires=" + t.Expires.UTC().Format(time.RFC3339))
	}
	return b.String()
}

func joinInts(list []int) string {
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ",")
}

// set sets one attribute of a line.
func (t *Token) set(name, value string) (err error) {
	switch name {
	case "scopes":
		t.Scopes, err = ParseScopes(value)
		t.Legacy = false
	case "groups":
		t.Groups, err = ParsePatterns(value)
	case "tags":
		t.Tags, err = ParsePatterns(value)
	case "priorities":
		t.Classes, err = ParseClasses(value)
	case "expires":
		if t.Expires, err = time.Parse(time.RFC3339, value); err != nil {
			err = fmt.Errorf("%q is no time such as 2027-01-31T00:00:00Z", value)
		}
	default:
		var known bool
		if known, err = t.SetLimit(name, value); !known {
			return errors.New("unknown attribute; use any of scopes=, groups=, tags=, priorities=, expires=, rpm=, tpm=, in_flight=")
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// ParseClasses parses classes of priority separated by commas.
func ParseClasses(text string) ([]int, error) {
	var list []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is no class of priority; want whole numbers from 0 on, with commas between them", part)
		}
		list = append(list, n)
	}
	return list, nil
}

type callerKey struct{}

// CallerOf returns the token of a request; nil = there are no tokens.
func CallerOf(ctx context.Context) *Token {
	t, _ := ctx.Value(callerKey{}).(*Token)
	return t
}

// WithCaller returns a context whose [CallerOf] is a token.
func WithCaller(ctx context.Context, t *Token) context.Context {
	return context.WithValue(ctx, callerKey{}, t)
}

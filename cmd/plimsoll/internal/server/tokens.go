package server

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Tokens are the tokens of clients by the SHA-256 of their secrets. Secrets are 256
// random bits, so a plain hash is enough.
type Tokens struct {
	path   string
	list   []*Token
	byHash map[[sha256.Size]byte]*Token
}

// maxTokens bounds the series of metrics and the cost of a reload.
const maxTokens = 1000

const hashPrefix = "sha256:"

// Mint creates the secret of a token. The token keeps only its hash.
func (t *Token) Mint() (secret string, err error) {
	if !validName(t.Name) {
		return "", fmt.Errorf("name %q: want letters, digits and any of \"-_.@\", at most 128", t.Name)
	}
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	secret = "plm_" + base64.RawURLEncoding.EncodeToString(b[:])
	t.hash = sha256.Sum256([]byte(secret))
	return secret, nil
}

// NewToken returns the secret of a new token with all scopes, and its line for a file of
// tokens.
func NewToken(name string) (token, line string, err error) {
	t := Token{Name: name, Scopes: AllScopes, Legacy: true}
	if token, err = t.Mint(); err != nil {
		return "", "", err
	}
	return token, t.Line(), nil
}

// masterName is the name of the token for a configuration's master key.
const masterName = "master_key"

// WithMaster returns the tokens and one more: the master key of a configuration, which
// has all scopes. Nil tokens have none. The file of tokens may have the same secret,
// under any other name.
func (t *Tokens) WithMaster(path, secret string) (*Tokens, error) {
	master := &Token{Name: masterName, Scopes: AllScopes, hash: sha256.Sum256([]byte(secret)), inFlight: new(atomic.Int64)}
	out := &Tokens{path: path, byHash: map[[sha256.Size]byte]*Token{}}
	if t != nil {
		out.path, out.list = t.path, slices.Clone(t.list)
		maps.Copy(out.byHash, t.byHash)
	}
	for _, one := range out.list {
		switch {
		case one.Name == masterName:
			return nil, fmt.Errorf("%s:%d: the name %s is that of the configuration's master key; rename the token, or revoke it (plimsoll token revoke)", t.path, one.line, masterName)
		case one.hash == master.hash:
			return out, nil
		}
	}
	out.list, out.byHash[master.hash] = append(out.list, master), master
	return out, nil
}

func validName(name string) bool {
	return name != "" && len(name) <= 128 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@", r)
	})
}

// ReadTokens reads a file of tokens: a line for each with its name, its SHA-256 and
// what it may do. Empty lines and those that begin with # are ignored. An error
// repeats nothing of the file except names of attributes and values that are wrong.
func ReadTokens(path string) (*Tokens, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; plimsoll token make NAME --tokens FILE makes it", err)
	}
	if err != nil {
		return nil, err
	}
	return parseTokens(path, data)
}

func parseTokens(path string, data []byte) (*Tokens, error) {
	t := &Tokens{path: path, byHash: map[[sha256.Size]byte]*Token{}}
	lines := bufio.NewScanner(bytes.NewReader(data))
	byName := map[string]int{}
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		one, err := parseToken(text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if before, taken := byName[one.Name]; taken {
			return nil, fmt.Errorf("%s:%d: the name %s is line %d's too; give each token a name of its own, or revoke one (plimsoll token revoke)", path, n, one.Name, before)
		}
		if other := t.byHash[one.hash]; other != nil {
			return nil, fmt.Errorf("%s:%d: is the token of line %d again; leave one out", path, n, other.line)
		}
		one.line, byName[one.Name], t.byHash[one.hash] = n, n, one
		t.list = append(t.list, one)
	}
	switch {
	case lines.Err() != nil:
		return nil, fmt.Errorf("%s: %w", path, lines.Err())
	case len(t.list) == 0:
		return nil, fmt.Errorf("%s: has no token; plimsoll token makes one", path)
	case len(t.list) > maxTokens:
		return nil, errors.New(path + ": has more than 1000 tokens")
	}
	return t, nil
}

func parseToken(text string) (*Token, error) {
	fields := strings.Fields(text)
	if len(fields) < 2 || !validName(fields[0]) {
		return nil, errNoToken
	}
	digits, ok := strings.CutPrefix(fields[1], hashPrefix)
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil || len(sum) != sha256.Size {
		return nil, errNoToken
	}
	t := &Token{Name: fields[0], Scopes: AllScopes, Legacy: true, hash: [sha256.Size]byte(sum), inFlight: new(atomic.Int64)}
	for _, f := range fields[2:] {
		name, value, _ := strings.Cut(f, "=")
		if err := t.set(name, value); err != nil {
			return nil, err
		}
	}
	return t, nil
}

var errNoToken = errors.New("want a name, a space, sha256: and 64 hexadecimal digits; plimsoll token makes such a line")

// All returns the tokens, in the order of the file.
func (t *Tokens) All() []*Token {
	if t == nil {
		return nil
	}
	return t.list
}

// Keep copies the counts of requests in flight from the tokens before.
func (t *Tokens) Keep(before *Tokens) {
	for _, old := range before.All() {
		if now := t.byHash[old.hash]; now != nil {
			now.inFlight = old.inFlight
		}
	}
}

// CheckGroups returns an error if a token's patterns match none of the groups.
func (t *Tokens) CheckGroups(groups []string) error {
	for _, one := range t.All() {
		for _, pattern := range one.Groups {
			if !slices.ContainsFunc(groups, func(group string) bool { return engine.Matches(pattern, group) }) {
				return fmt.Errorf("%s:%d: groups: %q matches no group of the configuration; leave it out, or revoke the token %s", t.path, one.line, pattern, one.Name)
			}
		}
	}
	return nil
}

// Warnings returns warnings about the tokens for operators.
func (t *Tokens) Warnings(now time.Time) []string {
	var list []string
	for _, one := range t.All() {
		switch {
		case !one.Expires.IsZero() && !now.Before(one.Expires):
			list = append(list, fmt.Sprintf("%s:%d: the token %s has expired; remove it by plimsoll token revoke %[3]s", t.path, one.line, one.Name))
		case one.Legacy:
			list = append(list, fmt.Sprintf("%s:%d: the token %s names no scopes and has all of them, admin too; make one by plimsoll token make, or add scopes=decide,observe,proxy", t.path, one.line, one.Name))
		}
	}
	return list
}

// find returns the token of a secret; nil if there is none. It compares hashes, so its
// time shows nothing about the secrets.
func (t *Tokens) find(secret string) *Token {
	return t.byHash[sha256.Sum256([]byte(secret))]
}

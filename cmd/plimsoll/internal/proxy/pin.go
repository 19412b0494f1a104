package proxy

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// Only one account knows the id of a response. The proxy gives the client another id
// instead: "resp_" and the base64 of
//
//	version (1 byte) | hash of the deployment's ID (8) | nonce (12) | AES-256-GCM of
//	expiry (8, Unix seconds) | length of the caller (2) | caller | the provider's id
//
// The key of AES-GCM, which nodes share, also authenticates the bytes in front. So the
// caller that received an id can use it on any node until it expires, and for nothing
// else.
const (
	idPrefix  = "resp_"
	idVersion = 1
	idHead    = 1 + 8
	nonceSize = 12
	// idLife is how long an id is valid. OpenAI keeps responses for 30 days
	// (https://platform.openai.com/docs/guides/conversation-state).
	idLife = 30 * 24 * time.Hour
	// maxID is the largest length of a provider's id in bytes.
	maxID = 512
	// leastKey is the least length of a credential from which a key is derived, in bytes.
	leastKey = 16
)

// pinned is a deployment that keeps responses, by the hash of its ID.
type pinned struct {
	id, group  string
	credential transport.Credential
	keeps      transport.API // OpenAI or Anthropic, whose objects clients may keep here; "" = none
}

// groupInfo is the configuration of a group.
type groupInfo struct {
	tags    map[string]bool // of its deployments
	members []member
}

// learn sets the groups, classes and deployments by a configuration.
func (s *served) learn(eng *engine.Engine, cfg engine.Config, endpoints map[string]transport.Endpoint, objects map[string]bool) {
	s.classes, s.groups, s.pins = len(cfg.PriorityShare), map[string]groupInfo{}, map[uint64]pinned{}
	for i := range cfg.Deployments {
		d := &cfg.Deployments[i]
		g, ok := s.groups[d.Group]
		if !ok {
			g = groupInfo{tags: map[string]bool{}}
		}
		for _, tag := range d.Tags {
			g.tags[tag] = true
		}
		if ref, err := eng.Ref(d.ID); err == nil {
			g.members = append(g.members, member{ref, d.Tags})
		}
		s.groups[d.Group] = g
		if ep, ok := endpoints[d.ID]; ok {
			var keeps transport.API
			switch {
			case objects[d.ID] && ep.API == transport.Anthropic:
				keeps = transport.Anthropic
			case objects[d.ID]: // Azure's objects are OpenAI's
				keeps = transport.OpenAI
			}
			s.pins[hash(d.ID)] = pinned{id: d.ID, group: d.Group, credential: ep.Credential, keeps: keeps}
		}
	}
}

var errForeign = errors.New("the id was not given out here, was given to another caller, or has expired")

// sealer returns the cipher for the ids of a deployment's responses.
func (p *Proxy) sealer(ctx context.Context, at pinned) (cipher.AEAD, error) {
	secret := p.cfg.IDKey
	if len(secret) == 0 && at.credential != nil {
		if key, err := at.credential(ctx); err == nil && len(key) >= leastKey {
			secret = []byte(key)
		}
	}
	if len(secret) == 0 {
		secret = p.random[:]
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "plimsoll response id "+at.id, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal returns the client's id for a provider's id of a response.
func (p *Proxy) seal(ctx context.Context, at pinned, caller, raw string) (string, error) {
	box, err := p.sealer(ctx, at)
	if err != nil {
		return "", err
	}
	head := make([]byte, idHead+nonceSize, 256)
	head[0] = idVersion
	binary.BigEndian.PutUint64(head[1:], hash(at.id))
	_, _ = rand.Read(head[idHead:]) // never fails
	text := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(idLife).Unix()))
	text = binary.BigEndian.AppendUint16(text, uint16(len(caller)))
	text = append(append(text, caller...), raw...)
	return idPrefix + base64.RawURLEncoding.EncodeToString(box.Seal(head, head[idHead:], text, head[:idHead])), nil
}

// open returns the deployment and the provider's id of a client's id. It returns
// errForeign if the id is not the caller's.
func (p *Proxy) open(ctx context.Context, s *served, caller, id string) (pinned, string, error) {
	body, ok := strings.CutPrefix(id, idPrefix)
	data, err := base64.RawURLEncoding.DecodeString(body)
	if !ok || err != nil || len(id) > 4*maxID || len(data) < idHead+nonceSize || data[0] != idVersion {
		return pinned{}, "", errForeign
	}
	at, ok := s.pins[binary.BigEndian.Uint64(data[1:])]
	if !ok {
		return pinned{}, "", errForeign
	}
	box, err := p.sealer(ctx, at)
	if err != nil {
		return pinned{}, "", errForeign
	}
	text, err := box.Open(nil, data[idHead:idHead+nonceSize], data[idHead+nonceSize:], data[:idHead])
	if err != nil || len(text) < 10 {
		return pinned{}, "", errForeign
	}
	expiry, n := binary.BigEndian.Uint64(text), int(binary.BigEndian.Uint16(text[8:]))
	if text = text[10:]; uint64(time.Now().Unix()) > expiry || len(text) < n || string(text[:n]) != caller {
		return pinned{}, "", errForeign
	}
	return at, string(text[n:]), nil
}

// follow pins a call to the deployment that has its previous response.
func (p *Proxy) follow(r *http.Request, v *visit, a *transport.Admission, id string) error {
	v.caller = p.callerOf(r)
	at, raw, err := p.open(r.Context(), p.served.Load(), v.caller, id)
	if err == nil {
		if group, gerr := p.cfg.Engine.Group(a.Group); gerr == nil && group.Name() != at.group {
			err = errForeign
		}
	}
	if err != nil {
		return &transport.Refusal{
			Status: http.StatusNotFound, Code: "previous_response_not_found", Param: "previous_response_id",
			Message: fmt.Sprintf("Previous response with id %q not found: it must have been created by this token, for this model, through this proxy.", shortened(id)),
		}
	}
	a.Deployment = at.id
	quoted, err := json.Marshal(raw)
	if err != nil {
		return err
	}
	a.SetMember("previous_response_id", quoted)
	v.raw, v.ask = raw, id
	return nil
}

// shortened cuts a client's text for a message.
func shortened(text string) string {
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

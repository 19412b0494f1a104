package daemon

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// storeNames maps the ids of a file's deployments to their names in the store, and back.
// In plimsoll's own key format they stay the same when a LiteLLM file is edited. In
// LiteLLM's format they are LiteLLM's ids.
type storeNames struct{ out, in map[string]string }

// namesOf returns the names of a file's deployments; the zero storeNames if they are the ids.
func namesOf(file *config.File, liteLLM bool) *storeNames {
	n := &storeNames{map[string]string{}, map[string]string{}}
	for id, identity := range file.Identities {
		name := identity.Stable
		if liteLLM {
			name = identity.Generated
		}
		if name != id {
			n.out[id], n.in[name] = name, id
		}
	}
	return n
}

func (n *storeNames) toStore(id string) string { return rename(n.out, id) }

func (n *storeNames) toEngine(name string) string { return rename(n.in, name) }

// rename returns the other name of a deployment, or the ID of a reported limit with that name.
func rename(names map[string]string, id string) string {
	if kind, value, of, ok := window.CutLimitID(id); ok {
		if other, ok := names[of]; ok {
			return window.LimitID(kind, value, other)
		}
	}
	if other, ok := names[id]; ok {
		return other
	}
	return id
}

// sharedSource is the engine with the store's names of its deployments.
type sharedSource struct {
	source // GrantWithin and Short contain no names
	daemon *Daemon
}

// source is the part of an engine that a syncer uses; it finds List by a type assertion.
type source interface {
	syncer.Source
	syncer.Reserver
}

// Want implements [syncer.Reserver].
func (s sharedSource) Want(dst []window.Want) []window.Want {
	n, from := s.daemon.names.Load(), len(dst)
	dst = s.source.Want(dst)
	for i := range dst[from:] {
		dst[from+i].ID = n.toStore(dst[from+i].ID)
	}
	return dst
}

// List implements [syncer.Lister].
func (s sharedSource) List(dst []window.Report) []window.Report {
	return s.toStore(s.source.List(dst), len(dst))
}

// toStore renames the deployments of reports[from:].
func (s sharedSource) toStore(reports []window.Report, from int) []window.Report {
	n := s.daemon.names.Load()
	for i := range reports[from:] {
		reports[from+i].ID = n.toStore(reports[from+i].ID)
	}
	if s.daemon.keyFormat == keyFormatLiteLLM { // that format has keys for deployments only
		shared := slices.DeleteFunc(reports[from:], func(r window.Report) bool { return strings.HasPrefix(r.ID, window.CallerPrefix) })
		return reports[:from+len(shared)]
	}
	return reports
}

// Collect implements [syncer.Source].
func (s sharedSource) Collect(dst []window.Report) []window.Report {
	return s.toStore(s.source.Collect(dst), len(dst))
}

// Absorb implements [syncer.Source].
func (s sharedSource) Absorb(shares []window.Share) {
	n := s.daemon.names.Load()
	if len(n.in) == 0 {
		s.source.Absorb(shares)
		return
	}
	renamed := make([]window.Share, len(shares))
	for i, share := range shares {
		share.ID = n.toEngine(share.ID)
		renamed[i] = share
	}
	s.source.Absorb(renamed)
}

// renameSnapshot returns a snapshot with renamed ids.
func renameSnapshot(text []byte, rename func(id string) string) ([]byte, error) {
	var s map[string]json.RawMessage
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	var days []map[string]json.RawMessage
	if err := json.Unmarshal(s["days"], &days); err != nil {
		return nil, err
	}
	for _, day := range days {
		var id string
		if err := json.Unmarshal(day["id"], &id); err != nil {
			return nil, err
		}
		day["id"], _ = json.Marshal(rename(id))
	}
	var err error
	if s["days"], err = json.Marshal(days); err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// snapshotter writes and reads an engine's snapshot with the store's names.
type snapshotter struct {
	engine interface {
		Snapshot(w io.Writer) error
		Restore(r io.Reader) error
	}
	names func() *storeNames
}

// Snapshot writes the snapshot.
func (s snapshotter) Snapshot(w io.Writer) error {
	n := s.names()
	if len(n.out) == 0 {
		return s.engine.Snapshot(w)
	}
	var b bytes.Buffer
	if err := s.engine.Snapshot(&b); err != nil {
		return err
	}
	text, err := renameSnapshot(b.Bytes(), n.toStore)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// maxSnapshot is the largest size of a snapshot in bytes, as in package engine.
const maxSnapshot = 16 << 20

// Restore reads a snapshot.
func (s snapshotter) Restore(r io.Reader) error {
	n := s.names()
	if len(n.in) == 0 {
		return s.engine.Restore(r)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxSnapshot+1))
	if err != nil {
		return err
	}
	if text, err = renameSnapshot(text, n.toEngine); err != nil {
		return err
	}
	return s.engine.Restore(bytes.NewReader(text))
}

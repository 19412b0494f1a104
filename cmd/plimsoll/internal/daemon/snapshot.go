package daemon

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// saveEvery is how much usage of limits per day a kill loses at most.
const saveEvery = time.Minute

// snapshots keeps usage of limits per day in a file, over restarts.
type snapshots struct {
	path   string // "" = nowhere
	engine snapshotter
	log    *slog.Logger

	patient patient
	mu      sync.Mutex
	failed  bool // the last save; reported once
}

// restore takes in what a process before has saved. A file that cannot be used is
// put aside, and no reason not to start.
func (s *snapshots) restore() {
	if s.path == "" {
		return
	}
	text, err := within(&s.patient, func() ([]byte, error) { return os.ReadFile(s.path) })
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = s.engine.Restore(bytes.NewReader(text))
	}
	if err != nil {
		aside := s.path
		if !errors.Is(err, errStuck) && os.Rename(s.path, s.path+".unread") == nil {
			aside += ".unread"
		}
		s.log.Warn("the snapshot cannot be used: daily limits start at zero", "error", server.Remedied(err).Error(), "file", aside)
	}
}

// run saves each time that every has passed, until stop is closed.
func (s *snapshots) run(stop <-chan struct{}, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			s.save()
		}
	}
}

// save replaces the file by the usage of now.
func (s *snapshots) save() {
	if s.path == "" {
		return
	}
	s.mu.Lock() // no one holds it longer than patience
	defer s.mu.Unlock()
	_, err := within(&s.patient, func() (struct{}, error) { return struct{}{}, replaceFile(s.path, s.engine.Snapshot) })
	if err != nil && !s.failed {
		s.log.Warn("the snapshot cannot be written: a restart loses the usage of daily limits", "error", server.Remedied(err).Error())
	}
	s.failed = err != nil
}

// replaceFile writes a file that only this user can read, and gives it its name
// when all of it is on disk: whoever looks finds the old one or the new one.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	next := path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		_ = os.Remove(next)
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return dir.Sync()
}

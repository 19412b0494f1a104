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

// saveEvery is the time between two writes: a crash loses the usage of limits per day of
// at most as long.
const saveEvery = time.Minute

// snapshots keeps the usage of limits per day in a file across restarts.
type snapshots struct {
	path   string // "" = no file
	engine snapshotter
	log    *slog.Logger

	patient patient
	mu      sync.Mutex
	failed  bool // the last save failed, which is reported once
}

// restore reads the file of an earlier process. A file that cannot be used is renamed,
// and the daemon starts without it.
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

// run saves every every until stop is closed.
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

// save replaces the file by the current usage.
func (s *snapshots) save() {
	if s.path == "" {
		return
	}
	s.mu.Lock() // never held longer than patience
	defer s.mu.Unlock()
	_, err := within(&s.patient, func() (struct{}, error) { return struct{}{}, replaceFile(s.path, s.engine.Snapshot) })
	if err != nil && !s.failed {
		s.log.Warn("the snapshot cannot be written: a restart loses the usage of daily limits", "error", server.Remedied(err).Error())
	}
	s.failed = err != nil
}

// replaceFile writes a file that only this user can read. It renames the file to path
// once all of it is on disk, so that a reader finds the old content or the new one.
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

package daemon_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/daemon"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

const daily = "deployments:\n- {id: a, group: chat, rpd: 10, tpd: 1000}\n"

// logged is a log that may be read while it is written.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// start runs a daemon by a configuration with limits per day, and returns what it
// logs and what ends it.
func start(t *testing.T, o daemon.Options) (*daemon.Daemon, *logged, func()) {
	t.Helper()
	daemon.Patient(t, time.Minute)
	o.Config = filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(o.Config, []byte(daily), 0o600))
	log := &logged{}
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	d, err := daemon.New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, nil) }()
	end := sync.OnceFunc(func() { cancel(); require.NoError(t, <-done) })
	t.Cleanup(end)
	return d, log, end
}

// untilMidnight makes sure that a day does not end within a test.
func untilMidnight(t *testing.T) {
	t.Helper()
	if left := time.Until(time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)); left < 30*time.Second {
		<-time.After(left)
	}
}

// admitted takes a request as soon as the node has met its store.
func admitted(t *testing.T, d *daemon.Daemon) {
	t.Helper()
	servertest.Until(t, "a request is admitted", func() bool { return d.Engine.PreCheck("a", engine.Demand{}) == nil })
}

func use(t *testing.T, d *daemon.Daemon, tokens int64) {
	t.Helper()
	admitted(t, d)
	require.NoError(t, d.Engine.Record("a", engine.Usage{InputTokens: tokens}))
}

func today(d *daemon.Daemon) [2]int64 {
	s := d.Engine.AppendStates(nil)[0]
	return [2]int64{s.Limit(engine.LimitRPD).Used, s.Limit(engine.LimitTPD).Used}
}

func TestSnapshotOverARestart(t *testing.T) {
	untilMidnight(t)
	file := filepath.Join(t.TempDir(), "snapshot.json")
	d, log, end := start(t, daemon.Options{Snapshot: file})
	use(t, d, 300)
	use(t, d, 200)
	end()
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NotContains(t, log.String(), "level=WARN")

	d, log, end = start(t, daemon.Options{Snapshot: file})
	require.Equal(t, [2]int64{2, 500}, today(d))
	use(t, d, 100)
	end()
	require.NotContains(t, log.String(), "level=WARN")
	d, _, _ = start(t, daemon.Options{Snapshot: file})
	require.Equal(t, [2]int64{3, 600}, today(d))
}

// A process that is killed has saved what it knew a short time before.
func TestSnapshotFromTimeToTime(t *testing.T) {
	untilMidnight(t)
	dir := t.TempDir()
	file, copied := filepath.Join(dir, "snapshot.json"), filepath.Join(dir, "copy.json")
	d, _, _ := start(t, daemon.Options{Snapshot: file, SaveEvery: 10 * time.Millisecond})
	use(t, d, 300)
	servertest.Until(t, "it is there", func() bool { _, err := os.Stat(file); return err == nil })
	servertest.Until(t, "it is saved", func() bool {
		text, err := os.ReadFile(file)
		require.NoError(t, err, "it is there at any time from then on")
		return strings.Contains(string(text), `"tokens":300`)
	})
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(copied, text, 0o600))
	d, _, _ = start(t, daemon.Options{Snapshot: copied})
	require.Equal(t, [2]int64{1, 300}, today(d))
}

// What cannot be read is put aside, and does not keep the daemon from starting.
func TestSnapshotThatIsNone(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "cut": `{"version":1,"da`, "another file": daily, "another version": `{"version":99,"days":[]}`,
		"nonsense": `{"version":1,"days":[{"id":"a","kind":"day","start":0,"requests":-5,"tokens":0}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "snapshot.json")
			require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			d, log, end := start(t, daemon.Options{Snapshot: file})
			require.Contains(t, log.String(), "the snapshot cannot be used")
			require.Zero(t, today(d))
			aside, err := os.ReadFile(file + ".unread")
			require.NoError(t, err)
			require.Equal(t, text, string(aside))
			end()
			_, log, _ = start(t, daemon.Options{Snapshot: file})
			require.NotContains(t, log.String(), "level=WARN", "it wrote a good one")
		})
	}
}

// Where it cannot be written the daemon says so, once, and goes on.
func TestSnapshotThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nowhere", "snapshot.json")
	_, log, end := start(t, daemon.Options{Snapshot: file, SaveEvery: time.Millisecond})
	servertest.Until(t, "it says so", func() bool { return strings.Contains(log.String(), "cannot be written") })
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o700))
	servertest.Until(t, "it is written now", func() bool { _, err := os.Stat(file); return err == nil })
	end()
	require.Equal(t, 1, strings.Count(log.String(), "cannot be written"))
}

// With a store its counts hold: what both know is counted once.
func TestSnapshotBesideAStore(t *testing.T) {
	untilMidnight(t)
	url := servertest.Start(t).URL()
	file := filepath.Join(t.TempDir(), "snapshot.json")
	exchanged := func(d *daemon.Daemon) {
		before := d.Syncer.Stats().Exchanges
		servertest.Until(t, "it exchanges", func() bool { return d.Syncer.Stats().Exchanges > before+15 })
	}
	d, _, end := start(t, daemon.Options{Snapshot: file, Sync: url, SyncMode: "usage"})
	use(t, d, 300)
	exchanged(d)
	end()
	d, _, _ = start(t, daemon.Options{Snapshot: file, Sync: url, SyncMode: "usage"})
	require.Equal(t, [2]int64{1, 300}, today(d))
	use(t, d, 200)
	exchanged(d)
	require.Equal(t, [2]int64{2, 500}, today(d))
	other, _, _ := start(t, daemon.Options{Sync: url, SyncMode: "usage"})
	admitted(t, other)
	servertest.Until(t, "another node knows of all of it, once", func() bool { return today(other) == [2]int64{3, 500} })
}

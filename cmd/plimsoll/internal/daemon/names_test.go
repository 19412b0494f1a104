package daemon

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/window"
)

type fakeDays struct{ text, restored string }

func (f *fakeDays) Snapshot(w io.Writer) error {
	_, err := io.WriteString(w, f.text)
	return err
}

func (f *fakeDays) Restore(r io.Reader) error {
	text, err := io.ReadAll(r)
	f.restored = string(text)
	return err
}

// A snapshot has the names of the store, so that a restart finds them after an edit.
func TestSnapshotHasStoreNames(t *testing.T) {
	names := namesOf(&config.File{Identities: map[string]config.Identity{"a": {Stable: "s"}, "b": {Stable: "b"}}}, false)
	days := &fakeDays{text: `{"version":1,"days":[{"id":"a","kind":"day","requests":7},{"id":"b","kind":"day"}]}`}
	s := snapshotter{days, func() *storeNames { return names }}
	var b bytes.Buffer
	require.NoError(t, s.Snapshot(&b))
	require.JSONEq(t, `{"version":1,"days":[{"id":"s","kind":"day","requests":7},{"id":"b","kind":"day"}]}`, b.String())
	require.NoError(t, s.Restore(&b))
	require.JSONEq(t, days.text, days.restored)
	require.Error(t, s.Restore(bytes.NewReader([]byte("{}"))))
}

type fakeSource struct{ got []window.Share }

func (f *fakeSource) GrantWithin(time.Duration) {}

func (f *fakeSource) Short() <-chan struct{} { return nil }

func (f *fakeSource) Want(dst []window.Want) []window.Want {
	return append(dst, window.Want{ID: "a", Missed: 1})
}

func (f *fakeSource) List(dst []window.Report) []window.Report { return f.Collect(dst) }

func (f *fakeSource) Collect(dst []window.Report) []window.Report {
	return append(dst, window.Report{Tally: window.Tally{ID: "a"}}, window.Report{Tally: window.Tally{ID: "b"}})
}

func (f *fakeSource) Absorb(shares []window.Share) { f.got = shares }

// What is shared travels under the names of the store, LiteLLM's in its format.
func TestSharedNames(t *testing.T) {
	file := &config.File{Identities: map[string]config.Identity{"a": {Stable: "s", Generated: "g"}}}
	for name, liteLLM := range map[string]bool{"s": false, "g": true} {
		d, engine := &Daemon{}, &fakeSource{}
		d.names.Store(namesOf(file, liteLLM))
		source := sharedSource{engine, d}
		require.Equal(t, []window.Want{{ID: name, Missed: 1}}, source.Want(nil))
		reports := source.Collect(nil)
		require.Equal(t, []string{name, "b"}, []string{reports[0].ID, reports[1].ID})
		listed := source.List(reports)
		require.Equal(t, []string{name, "b", name, "b"}, []string{listed[0].ID, listed[1].ID, listed[2].ID, listed[3].ID})
		source.Absorb([]window.Share{{Tally: window.Tally{ID: name}}, {Tally: window.Tally{ID: "b"}}})
		require.Equal(t, []string{"a", "b"}, []string{engine.got[0].ID, engine.got[1].ID})
	}
}

// TestLimitsAreRenamed: a limit that a provider has reported travels under the name of its
// deployment in the store.
func TestLimitsAreRenamed(t *testing.T) {
	names := namesOf(&config.File{Identities: map[string]config.Identity{"a:1": {Stable: "s"}, "b": {Stable: "b"}}}, false)
	for id, want := range map[string]string{"a:1": "s", "b": "b", "unknown": "unknown"} {
		inside, shared := window.LimitID("tpm", 100, id), window.LimitID("tpm", 100, want)
		require.Equal(t, shared, names.toStore(inside))
		require.Equal(t, inside, names.toEngine(shared))
		require.Equal(t, want, names.toStore(id))
	}
}

package syncer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

func TestConfig(t *testing.T) {
	tests := []struct {
		name  string
		cfg   syncer.Config
		wants []string // fields; none = valid
	}{
		{"zero", syncer.Config{}, nil},
		{"everything", syncer.Config{
			Node: "host-1.example_a:2", Interval: 10 * time.Millisecond, Timeout: time.Second, Nodes: 3,
			Away: syncer.Policies{Requests: syncer.Closed, Tokens: syncer.Open},
		}, nil},
		{"node", syncer.Config{Node: "a b"}, []string{"Node"}},
		{"long node", syncer.Config{Node: strings.Repeat("a", 129)}, []string{"Node"}},
		{"interval", syncer.Config{Interval: time.Millisecond}, []string{"Interval"}},
		{"negative", syncer.Config{Interval: -1, Timeout: -1, Nodes: -1}, []string{"Interval", "Timeout", "Nodes"}},
		{"long", syncer.Config{Interval: time.Minute, Timeout: time.Minute}, []string{"Interval", "Timeout"}},
		{"policies", syncer.Config{Away: syncer.Policies{Requests: 3, Tokens: 200}}, []string{"Away.Requests", "Away.Tokens"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.cfg.Validate()
			_, newErr := syncer.New(nothing{}, memstore.New(memstore.Config{}), test.cfg)
			if test.wants == nil {
				require.NoError(t, err)
				require.NoError(t, newErr)
				return
			}
			require.Equal(t, err, newErr)
			require.Len(t, strings.Split(err.Error(), "\n"), len(test.wants))
			for _, field := range test.wants {
				require.ErrorContains(t, err, "Config."+field+": ")
			}
		})
	}
}

// nothing is a source that uses nothing.
type nothing struct{}

func (nothing) Collect(dst []window.Report) []window.Report { return dst }
func (nothing) Absorb([]window.Share)                       {}

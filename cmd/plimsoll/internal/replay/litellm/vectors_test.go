package litellm_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/litellm"
)

// The golden vectors: what the original did, slips included. testdata/README.md
// explains the files and what is left out.

type selectionVector struct {
	Name        string       `json:"name"`
	Now         time.Time    `json:"now"`
	Deployments []deployment `json:"deployments"`
	Usage       usage        `json:"usage"`
	OtherMinute *struct {
		Minute string `json:"minute"` // HH-MM of the day of Now
		Usage  usage  `json:"usage"`
	} `json:"other_minute"`
	InputTokens int64    `json:"input_tokens"`
	Candidates  []string `json:"candidates"` // none: refused
}

type precheckVector struct {
	Name  string         `json:"name"`
	ID    string         `json:"id"`
	RPM   *float64       `json:"rpm"`
	Start *int64         `json:"start"`
	Steps []precheckStep `json:"steps"`
}

type flowVector struct {
	Name        string       `json:"name"`
	Deployments []deployment `json:"deployments"`
	InputTokens int64        `json:"input_tokens"`
	TotalTokens int64        `json:"total_tokens"`
	Steps       []flowStep   `json:"steps"`
}

// usage is requests and tokens by ID; nil stands for no such counter.
type usage map[string][2]*int64

// deployment is [ID, RPM, TPM]; an absent limit is null.
type deployment litellm.Deployment

func (d *deployment) UnmarshalJSON(text []byte) error {
	var rpm, tpm *float64
	err := json.Unmarshal(text, &[]any{&d.ID, &rpm, &tpm})
	d.RPM, d.TPM = limit(rpm), limit(tpm)
	return err
}

// precheckStep is [time, admitted, requests counted afterwards].
type precheckStep struct {
	at       time.Time
	admitted bool
	counted  int64
}

func (s *precheckStep) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&s.at, &s.admitted, &s.counted})
}

// flowStep is [time, candidates, chosen, outcome].
type flowStep struct {
	at         time.Time
	candidates []string
	chosen     *string
	outcome    string
}

func (s *flowStep) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&s.at, &s.candidates, &s.chosen, &s.outcome})
}

func TestSelectionVectors(t *testing.T) {
	for _, v := range load[selectionVector](t, "selection") {
		t.Run(v.Name, func(t *testing.T) {
			s := newStrategy(v.Deployments)
			if o := v.OtherMinute; o != nil {
				at, err := time.Parse("2006-01-02 15-04", v.Now.Format("2006-01-02 ")+o.Minute)
				require.NoError(t, err)
				seed(s, at, v.Deployments, o.Usage)
			}
			seed(s, v.Now, v.Deployments, v.Usage)
			require.ElementsMatch(t, v.Candidates, candidates(s, v.Now, v.InputTokens, v.Deployments))
		})
	}
}

func TestPreCheckVectors(t *testing.T) {
	for _, v := range load[precheckVector](t, "precheck") {
		t.Run(v.Name, func(t *testing.T) {
			s := litellm.New([]litellm.Deployment{{ID: v.ID, RPM: limit(v.RPM), TPM: limit(nil)}})
			s.Seed(v.Steps[0].at, 0, v.Start, nil)
			for _, step := range v.Steps {
				require.Equal(t, step.admitted, s.PreCheck(step.at, 0), "at %s", step.at)
				require.Equal(t, step.counted, s.Requests(step.at, 0), "at %s", step.at)
			}
		})
	}
}

// The vectors' own choice among candidates is the first in order of the pool.
func TestFlowVectors(t *testing.T) {
	for _, v := range load[flowVector](t, "flow") {
		t.Run(v.Name, func(t *testing.T) {
			s := newStrategy(v.Deployments)
			for _, step := range v.Steps {
				require.ElementsMatch(t, step.candidates, candidates(s, step.at, v.InputTokens, v.Deployments), "at %s", step.at)
				if step.chosen == nil {
					require.Equal(t, "no-deployment", step.outcome)
					continue
				}
				place := slices.IndexFunc(v.Deployments, func(d deployment) bool { return d.ID == *step.chosen })
				require.Equal(t, place, slices.Min(s.AppendCandidates(nil, step.at, v.InputTokens, nil)))
				admitted := s.PreCheck(step.at, place)
				require.Equal(t, step.outcome == "served", admitted, "at %s", step.at)
				if admitted {
					s.Record(step.at, place, v.TotalTokens)
				}
			}
		})
	}
}

func TestWithoutLeavesPlacesOut(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	unlimited := deployment{RPM: limit(nil), TPM: limit(nil)}
	a, b, ab := unlimited, unlimited, unlimited
	a.ID, b.ID, ab.ID = "a", "b", "a:b"
	s := newStrategy([]deployment{a, b, ab})
	require.Equal(t, []int{7, 0, 1, 0}, s.AppendCandidates([]int{7}, now, 1, nil))
	require.Equal(t, []int{0, 1}, s.AppendCandidates(nil, now, 1, []int{2}))
	require.Equal(t, []int{1}, s.AppendCandidates(nil, now, 1, []int{0}))
	require.Empty(t, s.AppendCandidates(nil, now, 1, []int{1, 0}))
}

func newStrategy(deployments []deployment) *litellm.Strategy {
	known := make([]litellm.Deployment, len(deployments))
	for i, d := range deployments {
		known[i] = litellm.Deployment(d)
	}
	return litellm.New(known)
}

// seed sets counters; those of IDs that are no deployment's have no place.
func seed(s *litellm.Strategy, at time.Time, deployments []deployment, used usage) {
	for i, d := range deployments {
		counted := used[d.ID]
		s.Seed(at, i, counted[0], counted[1])
	}
}

func candidates(s *litellm.Strategy, now time.Time, input int64, deployments []deployment) []string {
	var ids []string
	for _, place := range s.AppendCandidates(nil, now, input, nil) {
		ids = append(ids, deployments[place].ID)
	}
	return ids
}

func limit(n *float64) float64 {
	if n == nil {
		return math.Inf(1)
	}
	return *n
}

func load[V any](t *testing.T, name string) []V {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	var vectors []V
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.NotEmpty(t, vectors)
	return vectors
}

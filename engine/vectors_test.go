package engine_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// The golden vectors: what the strategy this project descends from should have
// done. testdata/README.md explains the files and lists what is skipped.

type vectorDeployment struct {
	ID  string   `json:"id"`
	RPM *float64 `json:"rpm"`
	TPM *float64 `json:"tpm"`
}

type selectionVector struct {
	Name        string                `json:"name"`
	Now         time.Time             `json:"now"`
	Deployments []vectorDeployment    `json:"deployments"`
	Usage       map[string][2]float64 `json:"usage"` // tokens, requests
	OtherMinute *struct {
		Minute string                `json:"minute"` // HH-MM of the day of Now
		Usage  map[string][2]float64 `json:"usage"`
	} `json:"other_minute"`
	InputTokens int64    `json:"input_tokens"`
	Correct     []string `json:"correct"` // none: refused
}

type precheckVector struct {
	Name      string   `json:"name"`
	ID        string   `json:"id"`
	RPM       *float64 `json:"rpm"`
	TTL       int      `json:"ttl"`
	Instances int      `json:"instances"`
	Start     int64    `json:"start"`
	Steps     []step   `json:"steps"`
}

type flowVector struct {
	Name          string             `json:"name"`
	Deployments   []vectorDeployment `json:"deployments"`
	InputTokens   int64              `json:"input_tokens"`
	TotalTokens   int64              `json:"total_tokens"`
	Steps         []step             `json:"steps"`
	CorrectServed int                `json:"correct_served"`
}

type recordVector struct {
	Name   string `json:"name"`
	TTL    int    `json:"ttl"`
	Events []struct {
		At          time.Time `json:"at"`
		ID          *string   `json:"id"`
		TotalTokens *float64  `json:"total_tokens"`
	} `json:"events"`
}

// step is [time, admitted] or [time, outcome].
type step struct {
	at time.Time
	ok bool
}

func (s *step) UnmarshalJSON(text []byte) error {
	var outcome any
	if err := json.Unmarshal(text, &[]any{&s.at, &outcome}); err != nil {
		return err
	}
	s.ok = outcome == true || outcome == "served"
	return nil
}

func TestSelectionVectors(t *testing.T) {
	for _, v := range load[selectionVector](t, "selection") {
		if v.skipped() {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			e, _ := startAt(t, v.Now, vectorConfig(v.Deployments))
			absorbUsage(e, v.Now, v.Usage)
			if o := v.OtherMinute; o != nil {
				at, err := time.Parse("2006-01-02 15-04", v.Now.Format("2006-01-02 ")+o.Minute)
				require.NoError(t, err)
				absorbUsage(e, at, o.Usage)
			}
			g := group(t, e, "chat")
			if len(v.Correct) == 0 {
				require.Equal(t, map[string]int{"": 20}, countPicks(g, engine.Demand{InputTokens: v.InputTokens}, 20))
				return
			}
			counts := countPicks(g, engine.Demand{InputTokens: v.InputTokens}, 200*len(v.Correct))
			require.ElementsMatch(t, v.Correct, picked(counts))
			requireEven(t, counts)
			require.Contains(t, v.Correct, acquire(t, g, exactly(v.InputTokens)).Ref().ID())
		})
	}
}

func TestPreCheckVectors(t *testing.T) {
	for _, v := range load[precheckVector](t, "precheck") {
		if v.skipped() {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			e, clock := startAt(t, v.Steps[0].at, vectorConfig([]vectorDeployment{{ID: v.ID, RPM: v.RPM}}))
			others(e, v.Steps[0].at, v.ID, v.Start, 0)
			r := ref(t, e, v.ID)
			for _, s := range v.Steps {
				clock.Set(s.at)
				require.Equal(t, s.ok, r.PreCheck(engine.Demand{}), "at %s", s.at)
			}
		})
	}
}

func TestFlowVectors(t *testing.T) {
	for _, v := range load[flowVector](t, "flow") {
		t.Run(v.Name, func(t *testing.T) {
			e, clock := startAt(t, v.Steps[0].at, vectorConfig(v.Deployments))
			served := 0
			for _, s := range v.Steps {
				clock.Set(s.at)
				id, err := e.Pick("chat", engine.Demand{InputTokens: v.InputTokens})
				require.Equal(t, s.ok, err == nil, "pick at %s: %v", s.at, err)
				if err != nil {
					continue
				}
				require.NoError(t, e.PreCheck(id, engine.Demand{}), "at %s", s.at)
				require.NoError(t, e.Record(id, engine.Usage{InputTokens: v.InputTokens, OutputTokens: v.TotalTokens - v.InputTokens}))
				served++
			}
			require.Equal(t, v.CorrectServed, served)
		})
	}
}

// TestRecordVectors wants the sum of the positive whole totals per ID and
// minute. Each minute is read at its last event: a day later it is gone.
func TestRecordVectors(t *testing.T) {
	for _, v := range load[recordVector](t, "record") {
		if v.skipped() {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			ids := map[string]bool{}
			var deployments []vectorDeployment
			for _, event := range v.Events {
				if !ids[*event.ID] {
					ids[*event.ID] = true
					deployments = append(deployments, vectorDeployment{ID: *event.ID})
				}
			}
			e, clock := startAt(t, v.Events[0].At, vectorConfig(deployments))
			want := map[window.Tally]int64{}
			for _, event := range v.Events {
				if event.TotalTokens == nil {
					continue
				}
				clock.Set(event.At)
				tokens := int64(*event.TotalTokens)
				require.NoError(t, e.Record(*event.ID, engine.Usage{OutputTokens: tokens}))
				key := tally(event.At, *event.ID, 0, 0)
				want[key] += max(0, tokens)
				requests, got := own(e, event.At, *event.ID)
				require.Equal(t, want[key], got, "minute of %s", event.At)
				require.Zero(t, requests)
				require.Equal(t, got, state(t, e, *event.ID).Limit(engine.LimitTPM).Used)
			}
		})
	}
}

// TestSkippedVectors compares the rules below with the list in the README.
func TestSkippedVectors(t *testing.T) {
	skipped := []string{}
	for _, v := range load[selectionVector](t, "selection") {
		if v.skipped() {
			skipped = append(skipped, "selection/"+v.Name)
		}
	}
	for _, v := range load[precheckVector](t, "precheck") {
		if v.skipped() {
			skipped = append(skipped, "precheck/"+v.Name)
		}
	}
	for _, v := range load[recordVector](t, "record") {
		if v.skipped() {
			skipped = append(skipped, "record/"+v.Name)
		}
	}
	readme, err := os.ReadFile(filepath.Join("testdata", "README.md"))
	require.NoError(t, err)
	listed := []string{}
	for _, m := range regexp.MustCompile("(?m)^- `([a-z]+/[^`]+)`").FindAllStringSubmatch(string(readme), -1) {
		listed = append(listed, m[1])
	}
	require.ElementsMatch(t, skipped, listed)
}

func (v selectionVector) skipped() bool {
	for _, d := range v.Deployments {
		if tooLarge(d.RPM) || tooLarge(d.TPM) {
			return true
		}
	}
	for _, used := range v.Usage {
		if !countable(used[0]) || !countable(used[1]) {
			return true
		}
	}
	return v.Name == "negative-tpm"
}

func (v precheckVector) skipped() bool { return v.TTL != 60 || v.Instances != 1 }

func (v recordVector) skipped() bool {
	for _, event := range v.Events {
		if event.ID == nil || *event.ID == "" {
			return true
		}
		if n := event.TotalTokens; n != nil && (*n != math.Trunc(*n) || tooLarge(n)) {
			return true
		}
	}
	return v.TTL != 60
}

func tooLarge(n *float64) bool { return n != nil && *n > float64(engine.MaxCount) }

func countable(n float64) bool {
	return n >= 0 && n <= float64(engine.MaxCount) && n == math.Trunc(n)
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

func vectorConfig(deployments []vectorDeployment) engine.Config {
	cfg := engine.Config{Strategy: engine.LowestTPM}
	for _, d := range deployments {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{
			ID: d.ID, Group: "chat", Limits: engine.Limits{RPM: wholeLimit(d.RPM), TPM: wholeLimit(d.TPM)},
		})
	}
	return cfg
}

// wholeLimit rounds down; what is not above zero then is Blocked, not unlimited.
func wholeLimit(limit *float64) int64 {
	if limit == nil {
		return 0
	}
	if whole := int64(math.Floor(*limit)); whole > 0 {
		return whole
	}
	return engine.Blocked
}

func absorbUsage(e *engine.Engine, at time.Time, usage map[string][2]float64) {
	for id, used := range usage {
		others(e, at, id, int64(used[1]), int64(used[0]))
	}
}

// requireEven fails on counts too uneven to be uniform draws: the chi-square
// value is below df + 6 sigma + 10 in all but a few of a million samples.
func requireEven(t *testing.T, counts map[string]int) {
	t.Helper()
	total := 0
	for _, n := range counts {
		total += n
	}
	mean, sum := float64(total)/float64(len(counts)), 0.0
	for _, n := range counts {
		sum += (float64(n) - mean) * (float64(n) - mean) / mean
	}
	df := float64(len(counts) - 1)
	require.LessOrEqual(t, sum, df+6*math.Sqrt(2*df)+10, "%v", counts)
}

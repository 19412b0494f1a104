package estimate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

// letters counts a token for each byte, so that tests can add up by hand.
type letters struct{ enc estimate.Encoding }

func (l letters) Encoding() estimate.Encoding     { return l.enc }
func (l letters) Text(text string) (int64, error) { return int64(len(text)), nil }

var errBroken = errors.New("broken")

type broken struct{ letters }

func (broken) Text(text string) (int64, error) {
	if text == "bad" {
		return 7, errBroken
	}
	return 1, nil
}

func TestMessages(t *testing.T) {
	tests := []struct {
		name string
		chat estimate.Chat
		want int64
	}{
		{"nothing", estimate.Chat{}, 3},
		{"an empty message", estimate.Chat{Messages: make([]estimate.Message, 1)}, 3 + 3},
		{"role and content", estimate.Chat{Messages: []estimate.Message{{Role: "user", Content: "hello"}}}, 3 + 3 + 4 + 5},
		{"a name", estimate.Chat{Messages: []estimate.Message{{Role: "user", Name: "mia", Content: "hello"}}}, 3 + 3 + 4 + 1 + 3 + 5},
		{"parts", estimate.Chat{Messages: []estimate.Message{{Content: "a", Parts: []string{"bb", "", "ccc"}}}}, 3 + 3 + 6},
		{"images", estimate.Chat{Messages: []estimate.Message{{Images: 2, LowDetailImages: 3}}}, 3 + 3 + 2*765 + 3*85},
		{"a call", estimate.Chat{Messages: []estimate.Message{{Role: "assistant", Calls: []estimate.Call{{"find", "{}"}}}}}, 3 + 3 + 9 + 3 + 6},
		{"two messages", estimate.Chat{Messages: []estimate.Message{{Content: "a"}, {Content: "b"}}}, 3 + 4 + 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := estimate.Messages(letters{}, tt.chat)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestTools(t *testing.T) {
	const o200k = 3 + 12 // what a chat with tools has at least
	tests := []struct {
		name string
		tool estimate.Tool
		want int64
	}{
		{"a name", estimate.Tool{Name: "find"}, 7 + 4},
		{"a description, its full stop dropped", estimate.Tool{Name: "find", Description: "Finds."}, 7 + 4 + 1 + 5},
		{"no properties", estimate.Tool{Name: "find", Parameters: `{"type":"object","properties":{}}`}, 7 + 4},
		{"null", estimate.Tool{Name: "find", Parameters: `null`}, 7 + 4},
		{
			"a property",
			estimate.Tool{Parameters: `{"properties":{"kg":{"type":"integer","description":"Weight."}}}`},
			7 + 3 + 3 + int64(len("kg:integer:Weight")),
		},
		{
			"an enumeration",
			estimate.Tool{Parameters: `{"properties":{"k":{"type":"string","enum":["aa","b",1]}}}`},
			7 + 3 + 3 + int64(len("k:string")) - 3 + 3*3 + 4,
		},
		{
			"an object inside",
			estimate.Tool{Parameters: `{"properties":{"a":{"type":"object","properties":{"b":{"type":"null"}}}}}`},
			7 + 2*(3+3) + int64(len("a:object")+len("b:null")),
		},
		{
			"a list of objects",
			estimate.Tool{Parameters: `{"properties":{"a":{"type":"array","items":{"properties":{"b":{}}}}}}`},
			7 + 2*(3+3) + int64(len("a:array")+len("b")),
		},
		{
			"alternatives",
			estimate.Tool{Parameters: `{"properties":{"a":{"anyOf":[{"properties":{"b":{}}},true]}},"$defs":{"D":{"properties":{"c":{}}}}}`},
			7 + 3*(3+3) + 3,
		},
		{"odd forms", estimate.Tool{Parameters: `{"properties":{"a":true,"b":{"type":["x","y"],"enum":3}}}`}, 7 + 3 + 2*3 + 1 + int64(len(`b:["x","y"]`))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			chat := estimate.Chat{Tools: []estimate.Tool{tt.tool}}
			got, err := estimate.Messages(letters{estimate.O200K}, chat)
			require.NoError(t, err)
			require.Equal(t, o200k+tt.want, got)
			got, err = estimate.Messages(letters{estimate.CL100K}, chat)
			require.NoError(t, err)
			require.Equal(t, o200k+tt.want+3, got)
		})
	}
}

func TestMessagesErrors(t *testing.T) {
	message := func(m estimate.Message) estimate.Chat {
		return estimate.Chat{Messages: []estimate.Message{{}, m}}
	}
	tool := func(parameters string) estimate.Chat {
		return estimate.Chat{Tools: []estimate.Tool{{Parameters: parameters}}}
	}
	tests := []struct {
		name string
		chat estimate.Chat
		want string
	}{
		{"role", message(estimate.Message{Role: "bad"}), "message 1: broken"},
		{"name", message(estimate.Message{Name: "bad"}), "message 1: broken"},
		{"content", message(estimate.Message{Content: "bad"}), "message 1: broken"},
		{"part", message(estimate.Message{Parts: []string{"", "bad"}}), "message 1: text 1: broken"},
		{"call", message(estimate.Message{Calls: []estimate.Call{{Arguments: "bad"}}}), "message 1: text 1: broken"},
		{"negative images", message(estimate.Message{Images: -1}), "-1 and 0 images, want 0 to 1048576"},
		{"too many images", message(estimate.Message{LowDetailImages: 1<<20 + 1}), "images, want 0 to 1048576"},
		{"tool", estimate.Chat{Tools: []estimate.Tool{{Name: "bad"}}}, "tool 0: broken"},
		{"property", tool(`{"properties":{"bad":{}}}`), "tool 0: broken"},
		{"no JSON", tool(`{"properties"`), "tool 0: parameters: unexpected end of JSON input"},
		{"no object", tool(`[1]`), "tool 0: parameters: json: cannot unmarshal array"},
		{"two values", tool(`{} {}`), "tool 0: parameters: invalid character"},
		{"too deep", tool(strings.Repeat(`{"items":`, 20_000)), "tool 0: parameters: "},
		{"too large", tool(`{"x":"` + strings.Repeat("x", estimate.MaxSchema) + `"}`), "parameters of 1048584 bytes, at most 1048576"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := estimate.Messages(broken{}, tt.chat)
			require.ErrorContains(t, err, tt.want)
			require.True(t, strings.HasPrefix(err.Error(), "estimate: "), err)
			require.Zero(t, n)
		})
	}
}

// A chat counted by the estimator must stay near its exact count.
func TestMessagesNearExact(t *testing.T) {
	var chat estimate.Chat
	for _, s := range samples(t) {
		chat.Messages = append(chat.Messages, estimate.Message{Role: "user", Content: s.text})
	}
	chat.Tools = []estimate.Tool{{Name: "find_ship", Description: "Finds the ship with the most room.", Parameters: `{"type":"object","properties":{"kg":{"type":"integer"}}}`}}
	for _, enc := range []estimate.Encoding{estimate.O200K, estimate.CL100K} {
		want, err := estimate.Messages(newExact(t, enc), chat)
		require.NoError(t, err)
		got, err := estimate.Messages(enc, chat)
		require.NoError(t, err)
		require.InEpsilon(t, want, got, 0.08, enc)
	}
}

func TestMessagesDoNotAllocate(t *testing.T) {
	chat := estimate.Chat{Messages: []estimate.Message{
		{Role: "system", Content: "Be brief."},
		{Role: "user", Name: "mia", Content: "How deep is the Petrel?", Parts: []string{"a", "b"}, Images: 1},
		{Role: "assistant", Calls: []estimate.Call{{Name: "depth", Arguments: `{"ship":"Petrel"}`}}},
	}}
	n := testing.AllocsPerRun(100, func() {
		if _, err := estimate.Messages(estimate.CL100K, chat); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("allocs = %v, want 0", n)
	}
}

func TestTexts(t *testing.T) {
	n, err := estimate.Texts(letters{}, []string{"a", "", "bcd"})
	require.NoError(t, err)
	require.EqualValues(t, 4, n)
	n, err = estimate.Texts(letters{}, nil)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = estimate.Texts(broken{}, []string{"a", "bad"})
	require.ErrorIs(t, err, errBroken)
	require.Zero(t, n)
}

func TestTokenIDs(t *testing.T) {
	require.EqualValues(t, 0, estimate.TokenIDs[int]())
	require.EqualValues(t, 5, estimate.TokenIDs([]int{1, 2}, nil, []int{3, 4, 5}))
}

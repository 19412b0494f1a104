package estimate_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

// The estimate goes into a Demand before a request is sent; what the provider
// reports afterwards corrects it.
func Example() {
	enc := estimate.EncodingFor("azure/gpt-4o-mini")
	tokens, err := estimate.Messages(enc, estimate.Chat{
		Messages: []estimate.Message{
			{Role: "system", Content: "You answer in one sentence."},
			{Role: "user", Content: "Why does a ship have a line painted on its side?"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(enc, tokens)
	// Output: o200k_base 29
}

func ExampleText() {
	fmt.Println(estimate.Text("The crate waits for the next ship.", estimate.CL100K))
	// Output: 8
}

func ExampleEncodingFor() {
	for _, model := range []string{"gpt-4", "azure/gpt-35-turbo", "openai/gpt-4o", "claude-sonnet-4"} {
		fmt.Println(model, estimate.EncodingFor(model))
	}
	// Output:
	// gpt-4 cl100k_base
	// azure/gpt-35-turbo cl100k_base
	// openai/gpt-4o o200k_base
	// claude-sonnet-4 o200k_base
}

func ExampleEncoding() {
	var enc estimate.Encoding
	fmt.Println(enc, enc == estimate.O200K)
	// Output: o200k_base true
}

func ExampleNewExact() {
	exact, err := estimate.NewExact(estimate.CL100K)
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens, err := exact.Text("antidisestablishmentarianism")
	fmt.Println(tokens, err)
	// Output: 6 <nil>
}

func ExampleMessages() {
	exact, err := estimate.NewExact(estimate.O200K)
	if err != nil {
		fmt.Println(err)
		return
	}
	chat := estimate.Chat{
		Messages: []estimate.Message{{Role: "user", Name: "mia", Content: "Which ship is this?", Images: 1}},
		Tools: []estimate.Tool{{
			Name:        "find_ship",
			Description: "Finds a ship by its name.",
			Parameters:  `{"type":"object","properties":{"name":{"type":"string","description":"As painted on the bow."}}}`,
		}},
	}
	for _, counter := range []estimate.Counter{estimate.O200K, exact} {
		fmt.Println(estimate.Messages(counter, chat))
	}
	// Output:
	// 824 <nil>
	// 822 <nil>
}

// An image has the tokens of its detail, whatever its size.
func ExampleMessage_images() {
	tokens := func(m estimate.Message) int64 {
		n, err := estimate.Messages(estimate.O200K, estimate.Chat{Messages: []estimate.Message{m}})
		if err != nil {
			fmt.Println(err)
		}
		return n
	}
	text := tokens(estimate.Message{Content: "Which ship is this?"})
	images := tokens(estimate.Message{Parts: []string{"Which ship is this?"}, Images: 1, LowDetailImages: 2}) - text
	fmt.Println(images, images == estimate.ImageTokens+2*estimate.LowDetailImageTokens)
	tokens(estimate.Message{Images: estimate.MaxImages + 1})
	// Output:
	// 935 true
	// estimate: message 0: 1048577 and 0 images, want 0 to 1048576
}

// A text that would take too long to count is estimated.
func ExampleExact_Text() {
	exact, err := estimate.NewExact(estimate.O200K)
	if err != nil {
		fmt.Println(err)
		return
	}
	text := strings.Repeat("The crate waits. ", estimate.MaxExact/16)
	tokens, err := exact.Text(text)
	if errors.Is(err, estimate.ErrTooLong) {
		tokens = estimate.Text(text, exact.Encoding())
	}
	fmt.Println(tokens)
	// Output: 1082908
}

func ExampleTexts() {
	fmt.Println(estimate.Texts(estimate.CL100K, []string{"bow", "stern"}))
	// Output: 3 <nil>
}

func ExampleTokenIDs() {
	fmt.Println(estimate.TokenIDs([]int{9906, 1917}, []int{0}))
	// Output: 3
}

// A counter of one's own: here, one that adds a reserve to every estimate.
func ExampleCounter() {
	n, err := estimate.Texts(careful{estimate.O200K}, []string{"The crate waits for the next ship."})
	fmt.Println(n, err)
	// Output: 9 <nil>
}

type careful struct{ enc estimate.Encoding }

func (c careful) Encoding() estimate.Encoding { return c.enc }

func (c careful) Text(text string) (int64, error) {
	return estimate.Text(text, c.enc) * 6 / 5, nil
}

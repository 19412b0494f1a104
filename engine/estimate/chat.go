package estimate

import "fmt"

// Chat is the parts of a request to a chat model that have tokens.
type Chat struct {
	Messages []Message
	Tools    []Tool
}

// Message is one message of a chat. Everything in it is optional.
type Message struct {
	Role    string   // "system", "user", "assistant", "tool"
	Name    string   // the speaker's name, if the message has one
	Content string   // the text
	Parts   []string // the texts of a message that consists of several
	Calls   []Call   // the calls of tools by an assistant

	Images          int // images at high or automatic detail, [ImageTokens] each
	LowDetailImages int // images at low detail, [LowDetailImageTokens] each
}

// Call is a model's call of a tool.
type Call struct{ Name, Arguments string }

// The tokens of a chat beyond those of its texts. The rule for messages and for tools is
// OpenAI's, https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb
// (there named tokens_per_message, tokens_per_name, and so on).
const (
	perMessage = 3
	perName    = 1
	perReply   = 3 // once: the beginning of the answer
	perCall    = 3 // not published; assumed to be that of a message
)

// Tokens of an image. An image at low detail costs 85. At high detail it costs
// 170 for each square of 512 pixels after scaling, and 85 for the whole.
// Messages does not know the size of an image. It assumes [ImageTokens], which is the cost
// of an image of 1024 by 1024 pixels; the largest cost is 1445. Other models count differently.
//
// Source: https://platform.openai.com/docs/guides/images-vision, "Calculating
// costs", for gpt-4o.
const (
	ImageTokens          int64 = 765
	LowDetailImageTokens int64 = 85
)

// MaxImages is how many images of one detail a message may have at most.
const MaxImages = 1 << 20

// Messages returns the tokens of a chat: those of its texts, counted by c, and those that OpenAI's
// published rule adds for messages, names, tools and the beginning of the
// answer. An empty chat has 3. With an [Exact] the result agrees with
// OpenAI's charge for messages by that rule; providers change their rules
// without notice. Identifiers of calls are not counted.
//
// It returns an error if c does, for a number of images outside [0, MaxImages], and for a
// tool whose parameters are not JSON or, as [ErrTooLong], larger than [MaxSchema]. With an [Encoding] and without
// tools it does not allocate.
func Messages(c Counter, chat Chat) (int64, error) {
	total := int64(perReply)
	for i := range chat.Messages {
		n, err := message(c, &chat.Messages[i])
		if err != nil {
			return 0, fmt.Errorf("estimate: message %d: %w", i, err)
		}
		total += n
	}
	if len(chat.Tools) == 0 {
		return total, nil
	}
	n, err := tools(c, chat.Tools)
	if err != nil {
		return 0, fmt.Errorf("estimate: %w", err)
	}
	return total + n, nil
}

func message(c Counter, m *Message) (int64, error) {
	if m.Images < 0 || m.Images > MaxImages || m.LowDetailImages < 0 || m.LowDetailImages > MaxImages {
		return 0, fmt.Errorf("%d and %d images, want 0 to %d", m.Images, m.LowDetailImages, MaxImages)
	}
	total := perMessage + int64(m.Images)*ImageTokens + int64(m.LowDetailImages)*LowDetailImageTokens
	if m.Name != "" {
		total += perName
	}
	for _, text := range [...]string{m.Role, m.Name, m.Content} {
		n, err := c.Text(text)
		if err != nil {
			return 0, err
		}
		total += n
	}
	n, err := sum(c, m.Parts)
	if err != nil {
		return 0, err
	}
	total += n
	for _, call := range m.Calls {
		n, err := sum(c, []string{call.Name, call.Arguments})
		if err != nil {
			return 0, err
		}
		total += perCall + n
	}
	return total, nil
}

// Texts returns the tokens of several texts, such as those of an embedding
// request, each counted by itself. It returns an error if c does.
func Texts(c Counter, texts []string) (int64, error) {
	n, err := sum(c, texts)
	if err != nil {
		return 0, fmt.Errorf("estimate: %w", err)
	}
	return n, nil
}

func sum(c Counter, texts []string) (int64, error) {
	var total int64
	for i, text := range texts {
		n, err := c.Text(text)
		if err != nil {
			return 0, fmt.Errorf("text %d: %w", i, err)
		}
		total += n
	}
	return total, nil
}

// TokenIDs returns the tokens of inputs that are lists of token IDs: one for each
// element.
func TokenIDs[ID any](lists ...[]ID) int64 {
	var total int64
	for _, ids := range lists {
		total += int64(len(ids))
	}
	return total
}

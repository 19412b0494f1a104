package transport

import "strings"

// A promptKind is what of a prompt is most likely to be billed otherwise than it is
// estimated. Of several the last one in this order counts.
type promptKind uint8

const (
	ofText promptKind = iota
	ofSchema
	ofTools
	ofReasoning
	ofAudio
	ofImages
	ofDocuments

	promptKinds = iota
)

// promptSize is the estimate of a prompt, before anything is known of who bills it.
type promptSize struct {
	text   int64                // all but images
	images [imageFamilies]int64 // as each family of models bills them
	kind   promptKind
	tools  bool
}

// on returns the estimate for an endpoint, not corrected by what was learned of it.
func (s *promptSize) on(p *place) int64 { return s.text + s.images[p.family] }

// A vendor is what a family of models is billed for beyond texts, before anything was
// learned: instructions that the provider adds to prompts, and to those with tools.
type vendor struct {
	model         string // is contained in the model's name, in lower case
	prompt, tools int64  // tokens
	source        string
}

// vendorOf returns what is known of a model's vendor; nil if nothing is.
func vendorOf(model string) *vendor {
	model = strings.ToLower(model)
	for i := range vendors {
		if strings.Contains(model, vendors[i].model) {
			return &vendors[i]
		}
	}
	return nil
}

// vendors are searched in this order. Figures are medians of billed less estimated
// prompts in public collections of exchanges (2025 and 2026). Anthropic's page has 159 to
// 530 tokens of instructions for the models of Claude 3, by model and tool_choice; what is
// billed also holds how it writes the tools:
// https://docs.anthropic.com/en/docs/tool-use-pricing-and-tokens.
var vendors = []vendor{
	{"claude-3-5", 0, 351, "15 exchanges"},
	{"claude-3.5", 0, 351, "as claude-3-5: OpenRouter writes it so"},
	{"claude", 0, 570, "85 exchanges of claude-sonnet-4, 43 of claude-haiku-4"},
	{"deepseek", 0, 275, "27 exchanges"},
	{"llama-4", 0, 666, "14 exchanges of Groq, 5 of Hugging Face"},
	{"gpt-oss", 60, 76, "10 and 18 exchanges of Ollama, Groq and Bedrock"},
	{"gpt-5", 0, 76, "34 exchanges"},
	{"mistral", 0, 41, "53 exchanges"},
	{"codestral", 0, 41, "an assumption: the vendor is Mistral"},
	{"ministral", 0, 41, "an assumption: the vendor is Mistral"},
	{"magistral", 0, 41, "an assumption: the vendor is Mistral"},
}

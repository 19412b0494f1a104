package transport

import (
	"encoding/base64"
	"encoding/json"
	"image"
	_ "image/gif"  // sizes of pictures
	_ "image/jpeg" // sizes of pictures
	_ "image/png"  // sizes of pictures
	"math"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/wire"
)

// An imageFamily is how models bill images.
//
// Sources: https://platform.openai.com/docs/guides/images-vision,
// https://platform.claude.com/docs/en/build-with-claude/vision,
// https://ai.google.dev/gemini-api/docs/tokens.
type imageFamily uint8

const (
	tiles4o     imageFamily = iota // gpt-4o, gpt-4.1, and what is not known
	tiles4oMini                    // gpt-4o-mini: 33 times as much
	tiles5                         // gpt-5
	tilesO1                        // o1, o3
	patchesMini                    // gpt-4.1-mini, gpt-5-mini
	patchesNano                    // gpt-4.1-nano, gpt-5-nano
	patchesO4                      // o4-mini
	areaClaude
	tilesGemini

	imageFamilies = iota
)

// tileCosts are what an image costs at low detail, and each square of 512 pixels at high.
var tileCosts = [...][2]int64{tiles4o: {85, 170}, tiles4oMini: {2833, 5667}, tiles5: {70, 140}, tilesO1: {75, 150}}

// patchCosts are what a square of 32 pixels costs, of at most 1536.
var patchCosts = [...]float64{patchesMini: 1.62, patchesNano: 2.46, patchesO4: 1.72}

// familyOf returns how a model bills images.
func familyOf(model string) imageFamily {
	m := strings.ToLower(model)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if !strings.Contains(m, p) {
				return false
			}
		}
		return true
	}
	switch {
	case has("claude"):
		return areaClaude
	case has("gemini"):
		return tilesGemini
	case has("gpt-4o-mini"):
		return tiles4oMini
	case has("o4-mini"):
		return patchesO4
	case has("gpt-4.1", "nano"), has("gpt-5", "nano"):
		return patchesNano
	case has("gpt-4.1", "mini"), has("gpt-5", "mini"):
		return patchesMini
	case has("gpt-5"):
		return tiles5
	case strings.HasPrefix(m, "o1"), strings.HasPrefix(m, "o3"), has("/o1"), has("/o3"):
		return tilesO1
	}
	return tiles4o
}

// usualSide is the side in pixels of an image whose size is not known.
const usualSide = 1024

// imageTokens returns what an image costs.
func imageTokens(f imageFamily, w, h float64, low bool) int64 {
	squares := func(side float64) float64 { return math.Ceil(w/side) * math.Ceil(h/side) }
	switch f {
	case patchesMini, patchesNano, patchesO4:
		return int64(math.Ceil(min(squares(32), 1536) * patchCosts[f]))
	case areaClaude:
		return int64(max(min(w*h/750, 1600), 1))
	case tilesGemini:
		if w <= 384 && h <= 384 {
			return 258
		}
		return int64(squares(768)) * 258
	default:
	}
	if low {
		return tileCosts[f][0]
	}
	fit := min(1, 2048/max(w, h))
	w, h = w*fit, h*fit
	fit = min(1, 768/min(w, h))
	w, h = w*fit, h*fit
	return tileCosts[f][0] + int64(squares(512))*tileCosts[f][1]
}

// picture counts an image: its address, as a text or an object with one, its data, or
// nothing that says its size.
func (t *tally) picture(source json.RawMessage, low bool) {
	t.as(ofImages)
	w, h := pixels(dataOf(source))
	for f := range t.size.images {
		t.size.images[f] += imageTokens(imageFamily(f), w, h, low)
	}
}

// headSize is how much of an image is read for its size, in bytes of base64.
const headSize = 128 << 10

// pixels reads the size of an image in base64.
func pixels(data string) (w, h float64) {
	cfg, _, err := image.DecodeConfig(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data[:min(len(data), headSize)])))
	if err != nil || cfg.Width <= 0 || cfg.Height <= 0 {
		return usualSide, usualSide
	}
	return float64(cfg.Width), float64(cfg.Height)
}

// dataOf returns the base64 of a source: a data URL, or the longest text of an object;
// "" if there is none.
func dataOf(source json.RawMessage) string {
	longest := longestText(source, 0)
	if rest, ok := strings.CutPrefix(longest, "data:"); ok {
		_, rest, _ = strings.Cut(rest, ",")
		return rest
	}
	if strings.Contains(longest[:min(len(longest), 16)], "://") {
		return ""
	}
	return longest
}

// longestText returns the longest text in a value, up to a few levels down.
func longestText(v json.RawMessage, depth int) string {
	switch {
	case len(v) == 0 || depth > maxNesting:
		return ""
	case v[0] == '"':
		text, _ := wire.Text(v)
		return text
	}
	longest := ""
	for _, m := range wire.Members(v) {
		if s := longestText(m, depth+1); len(s) > len(longest) {
			longest = s
		}
	}
	return longest
}

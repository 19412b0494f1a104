package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/engine/estimate/internal/scan"
)

// TestGoals judges the committed weights on the held-out half of a corpus: the
// directory in PLIMSOLL_CORPUS, as gather.sh fills it. Without it there is none.
func TestGoals(t *testing.T) {
	dir := os.Getenv("PLIMSOLL_CORPUS")
	if dir == "" {
		t.Skip("PLIMSOLL_CORPUS names no corpus")
	}
	docs, err := readCorpus(dir, 1<<20)
	require.NoError(t, err)
	chats, err := composeChats(dir, docs, 1<<19)
	require.NoError(t, err)
	docs = append(docs, chats...)

	goals := map[string]struct{ median, p95 float64 }{
		"english": {0.03, 0.12}, "code": {0.03, 0.12}, "json": {0.03, 0.12},
		"chinese": {0.10, 0.25}, "japanese": {0.10, 0.25}, "arabic": {0.10, 0.25}, "emoji": {0.10, 0.25},
	}
	for enc, e := range encodings {
		exact, err := estimate.NewExact(e)
		require.NoError(t, err)
		errs := map[string][]float64{}
		for i := range docs {
			d := &docs[i]
			if _, ok := goals[d.kind]; !ok || !d.heldOut || len(d.text) < reported {
				continue
			}
			d.exact[enc], err = exact.Text(d.text)
			require.NoError(t, err)
			miss := float64(estimate.Text(d.text, e))/float64(d.exact[enc]) - 1
			errs[d.kind] = append(errs[d.kind], max(miss, -miss))
		}
		for kind, goal := range goals {
			require.NotEmpty(t, errs[kind], kind)
			median, p95 := middle(errs[kind], 0.5), middle(errs[kind], 0.95)
			t.Logf("%s %s: %d documents, median %.1f %%, p95 %.1f %%", kind, e, len(errs[kind]), 100*median, 100*p95)
			if median > goal.median || p95 > goal.p95 {
				t.Errorf("%s %s: want at most %.0f %%, %.0f %%", kind, e, 100*goal.median, 100*goal.p95)
			}
		}
	}
}

// With documents whose counts follow weights exactly, a fit must find them.
func TestFitFindsWeights(t *testing.T) {
	texts := []string{"a bb ccc dddd", "a a a a bb", "ccc ccc\n1234 a", "dddd bb, 77", "x.y = 5;\n\n", "Bb Cc AA", "漢字 かな"}
	truth := guess()
	var docs []document
	for _, a := range texts {
		for _, b := range texts {
			text := strings.Repeat(a+"\n"+b+"\n", 100)
			c := scan.Count(text, known[0])
			n := int64(dot(&c, &truth))
			docs = append(docs, document{kind: "code", text: text, exact: [len(encodings)]int64{n, 2 * n}})
		}
	}
	fitted := fit(docs)
	for _, d := range docs {
		for enc := range encodings {
			c := scan.Count(d.text, known[enc])
			require.InEpsilon(t, d.exact[enc], dot(&c, &fitted[enc]), 0.03)
		}
	}
	for _, w := range fitted[0] {
		require.GreaterOrEqual(t, w, 0.0)
	}
}

func TestConvert(t *testing.T) {
	tests := []struct {
		name, kind, file, in, want string
	}{
		{"plain", "english", "a.txt", " text\n", "text"},
		{"markup", "english", "a.html", "<head>x</head><p>a &amp; <b>b</b></p>\n\n\n  <i>c</i><!-- d -->", "a & b\n\nc"},
		{"code is left alone", "code", "a.html", "<p>", "<p>"},
		{"manual page", "english", "a.1", ".TH X 1\n.SH NAME\n.B x\n\\fBbold\\fR \\- dash\n.\\\" no\n", "NAME\nx\nbold - dash"},
		{"binary", "english", "a", "a\x00b", ""},
		{"another encoding", "english", "a", "gr\xfc\xdfe", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := convert(tt.kind, tt.file, []byte(tt.in))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestTranslations(t *testing.T) {
	var b bytes.Buffer
	for _, n := range []uint32{0x950412de, 0, 2, 0, 28, 0, 0, 3, 44, 5, 47} {
		require.NoError(t, binary.Write(&b, binary.LittleEndian, n))
	}
	b.WriteString("hdrone\x00b")
	got, err := translations(b.Bytes())
	require.NoError(t, err)
	require.Equal(t, "one\nb\n", string(got))
	for n := range b.Len() {
		_, err := translations(b.Bytes()[:n])
		require.Error(t, err, n)
	}
}
